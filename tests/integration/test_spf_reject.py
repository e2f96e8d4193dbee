"""spf.on_fail, on_helo_fail and fetch_explanation: mail refused for SPF, as policyd-spf did it.

Here it is decided at the end of the message, after DKIM and DMARC had their say.
"""

import pytest

import expect
import zones
from dns_server import SERVFAIL
from letter import letter
from sasl_server import PASSWORD, USER
from signing import rsa_key, sign

FOREIGN = "203.0.113.9"
REPLY = "5.7.23 SPF: 203.0.113.9 is not allowed to send mail for example.com"
HELO_REPLY = "5.7.23 SPF: 203.0.113.9 is not allowed to send mail as mail.example.com"


def start(mx, record="v=spf1 ip4:192.0.2.0/24 -all", dmarc=None, why=(), helo=None, more=(),
          **changes):
    """example.com with this record, a key and perhaps a policy; SPF failures are refused."""
    mx.start(zones.join(
        zones.domain("example.com", spf=record, dmarc=dmarc, keys={"s1": rsa_key()}),
        zones.domain("attack.example", spf="v=spf1 -all", keys={"s1": rsa_key()}),
        zones.domain("mail.example.com", spf=helo),
        {"why.example.com": {"TXT": list(why)}}, *more),
        **{"spf": {"on_fail": "reject"}, **changes})


def test_reply(mx):
    """550 5.7.23 at the end of the message; the log says why; nothing is queued."""
    start(mx)
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (550, REPLY)
    assert (outcome.log["action"], outcome.log["rule"]) == ("reject", "spf-fail")
    assert outcome.check["authentication_results"] == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM, expect.dmarc("none", "example.com"))
    assert any("milter-reject: END-OF-MESSAGE" in line
               for line in mx.postfix.log(outcome.log["id"]))
    assert mx.postfix.queue() == [] and mx.send(letter()).delivered


@pytest.mark.parametrize("text, said", [
    ("Use http://example.com/spf?ip=%{I}&s=%{S}, 100%% of it.",
     "Use http://example.com/spf?ip=203.0.113.9&s=alice%40example.com, 100% of it."),
    ("one%_%_two%-", "one  two%20"),
    (("in two ", "strings"), "in two strings"),
], ids=["url", "percent", "strings"])
def test_explanation(mx, text, said):
    """The owner's text, marked as his; its percent signs reach the client."""
    start(mx, "v=spf1 -all exp=why.example.com", why=[text],
          spf={"on_fail": "reject", "fetch_explanation": True})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (550, f"{REPLY}; example.com explains: {said}")


@pytest.mark.parametrize("texts", [
    ["no\r\n250 2.0.0 ok"], ["caf\xe9"], ["%{q}"], ["one", "two"], [], ["x" * 450],
], ids=["line-end", "8-bit", "bad-macro", "two", "none", "too-long-for-a-line"])
def test_explanation_of_no_use(mx, texts):
    """The reply without it: one line, whatever the owner publishes."""
    start(mx, "v=spf1 -all exp=why.example.com", why=texts,
          spf={"on_fail": "reject", "fetch_explanation": True})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (550, REPLY)


def test_explanation_is_not_fetched_by_default(mx):
    """No question for it."""
    start(mx, "v=spf1 -all exp=why.example.com", why=["because"])
    assert mx.send(letter(), ip=FOREIGN, check=False).text == REPLY
    assert not mx.dns.questions("why.example.com")


@pytest.mark.parametrize("dmarc", [None, "v=DMARC1; p=none", "v=DMARC1; p=reject"])
def test_aligned_signature(mx, dmarc):
    """Forwarded mail that the author's domain signed is delivered."""
    start(mx, dmarc=dmarc)
    outcome = mx.send(sign(letter(), "example.com", rsa_key()), ip=FOREIGN)
    assert outcome.delivered and (outcome.log["spf"], outcome.log["rule"]) == ("fail", "none")


@pytest.mark.parametrize("kind", ["another's", "broken"])
def test_signature_that_does_not_speak_for_the_author(mx, kind):
    """A stranger's signature is no help, nor is one that fails."""
    start(mx)
    message = sign(letter(), "attack.example" if kind == "another's" else "example.com",
                   rsa_key())
    if kind == "broken":
        message += b"added\r\n"
    assert mx.send(message, ip=FOREIGN).log["rule"] == "spf-fail"


def test_key_that_cannot_be_had(mx):
    """What DKIM would say is not known: not refused."""
    start(mx, more=[{"s1._domainkey.example.com": SERVFAIL}])
    outcome = mx.send(sign(letter(), "example.com", rsa_key()), ip=FOREIGN)
    assert outcome.delivered and outcome.log["dkim"] == "temperror:example.com"


def test_policy_of_dmarc_comes_first(mx):
    """p=reject: DMARC's reply; p=quarantine: refused, rather than marked."""
    start(mx, dmarc="v=DMARC1; p=reject")
    assert mx.send(letter(), ip=FOREIGN).log["rule"] == "dmarc-policy"
    mx.dns.load(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=quarantine"))
    assert mx.send(letter(), ip=FOREIGN).log["rule"] == "spf-fail"


def test_without_dmarc(mx):
    """dmarc.enabled = false: SPF alone decides; a signature of the author's domain still counts."""
    start(mx)
    mx.daemon.reload({**mx.daemon.settings, "dmarc": {"enabled": False}})
    assert mx.send(letter(), ip=FOREIGN).text == REPLY
    assert mx.send(sign(letter(), "example.com", rsa_key()), ip=FOREIGN).delivered


@pytest.mark.parametrize("record, result", [
    ("v=spf1 ~all", "softfail"), ("v=spf1 ?all", "neutral"), ("v=spf1 moo", "permerror"),
    ("v=spf1 a:down.example.com -all", "temperror"), ("no record", "none")])
def test_only_a_fail(mx, record, result):
    """No other result is refused (RFC 7208 section 8)."""
    start(mx, record, more=[{"down.example.com": SERVFAIL}],
          spf={"on_fail": "reject", "on_helo_fail": "reject"})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered and outcome.log["spf"] == result


def test_monitor_mode(mx):
    """Nothing is refused; the log says what would have been."""
    start(mx, mode="monitor")
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered
    assert (outcome.log["rule"], outcome.log["would"]) == ("spf-fail", "reject")


def test_exempt_recipients(mx):
    """Mail to postmaster alone is not refused."""
    start(mx)
    outcome = mx.send(letter(), ip=FOREIGN, recipient="postmaster@example.org")
    assert outcome.delivered and outcome.log["rule"] == "exempt-recipient"


@pytest.mark.parametrize("changes", [{"inbound_relays": [FOREIGN]}, {"trusted_relays": [FOREIGN]},
                                     {"trusted_networks": [FOREIGN]}],
                         ids=["inbound", "trusted", "network"])
def test_clients_that_spf_does_not_ask_about(mx, changes):
    """policyd-spf's skip_addresses and Whitelist."""
    start(mx, **changes)
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered and outcome.log["spf"] == "none"


def test_authenticated(mx):
    """One's own users are nowhere near their domain's addresses."""
    start(mx)
    assert mx.send(letter(), ip=FOREIGN, door="auth", auth=(USER, PASSWORD)).delivered


def test_helo_fail(mx):
    """A HELO that is not allowed, though MAIL FROM is: refused when the postmaster wants it."""
    start(mx, "v=spf1 +all", helo="v=spf1 -all", spf={"on_helo_fail": "reject"})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (550, HELO_REPLY)
    assert outcome.log["rule"] == "spf-helo-fail"
    assert mx.send(letter(), ip=FOREIGN, helo="[203.0.113.9]").delivered
    assert mx.send(sign(letter(), "example.com", rsa_key()), ip=FOREIGN).delivered


def test_helo_fail_is_not_on_fail(mx):
    """on_fail is about MAIL FROM."""
    start(mx, "v=spf1 +all", helo="v=spf1 -all")
    assert mx.send(letter(), ip=FOREIGN).delivered


@pytest.mark.parametrize("key, rule", [("on_fail", "spf-fail"), ("on_helo_fail", "spf-helo-fail")])
def test_null_sender(mx, key, rule):
    """HELO is the identity of a null sender, so either key is about it."""
    start(mx, helo="v=spf1 -all", spf={key: "reject"})
    outcome = mx.send(letter(), ip=FOREIGN, sender="")
    assert (outcome.code, outcome.text, outcome.log["rule"]) == (550, HELO_REPLY, rule)
