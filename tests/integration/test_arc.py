"""ARC through a real Postfix: list mail whose DKIM signature is broken, and what its chain is worth."""

import re

import pytest

import expect
import zones
from dns_server import SERVFAIL, TIMEOUT, after
from letter import letter
from parallel import judge_all
from signing import rsa_key, seal, sign

LIST_IP = "192.0.2.1"
PASS = "dmarc=pass header.from=example.com"
SENDER = "bounce@lists.example"
LIST_KEY = rsa_key(2048, 1)
SEALERS = ("lists.example", "second.example", "stranger.example")


def zone(policy="v=DMARC1; p=reject", **more):
    """The author's domain, and three that seal with the key s1."""
    return zones.join(
        zones.domain("example.com", spf="v=spf1 -all", dmarc=policy, keys={"s1": rsa_key()}),
        *(zones.domain(name, spf="v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all",
                       keys={"s1": LIST_KEY}) for name in SEALERS), more)


def signed():
    """What the author sent."""
    return sign(letter(subject="Lunch"), "example.com", rsa_key())


def remailed(message, tag=b"[list] "):
    """What a mailing list makes of it: the signatures of before no longer hold."""
    changed = message.replace(b"Subject: ", b"Subject: " + tag, 1)
    assert changed != message
    return changed + b"-- \r\nthe list\r\n"


def through(message, *sealers):
    """The message through lists: each is a domain, or a domain and what it says."""
    for sealer in sealers:
        domain, says = sealer if isinstance(sealer, tuple) else (sealer, PASS)
        message = seal(remailed(message), domain, LIST_KEY, says)
    return message


def start(mx, trusted=("lists.example",), policy="v=DMARC1; p=reject", **changes):
    """Start with these sealers trusted."""
    mx.start(zone(policy), **{"arc": {"trusted_sealers": list(trusted)}, **changes})


def send(mx, message, **options):
    """From the list's own host, in the list's own name."""
    return mx.send(message, **{"ip": LIST_IP, "helo": "mx.lists.example", "sender": SENDER,
                               **options})


def field_of(message, arc, disposition="none"):
    """Our field on a message whose DMARC fails."""
    broken = expect.dkim("fail", message, "example.com", rsa_key(),
                         reason="body hash did not verify")
    broken = re.sub(r'reason="[^"]*"', 'reason="*"', broken)
    return expect.field(expect.spf("pass", "lists.example"), broken, arc,
                        expect.dmarc("fail", "example.com", "reject", disposition))


def plain(field):
    """The same without the words about the broken signature."""
    return re.sub(r'(dkim=fail) reason="[^"]*"', r'\1 reason="*"', field)


def test_trusted_sealer(mx):
    """D10, ARC-26: the chain of a trusted list makes up for the failure, and is left as it came."""
    start(mx)
    message = through(signed(), "lists.example")
    outcome = send(mx, message)
    assert outcome.delivered and not outcome.marked
    assert plain(outcome.field) == field_of(message, expect.arc("pass", 1))
    assert {key: outcome.log[key] for key in ("arc", "dmarc", "policy", "disposition", "rule",
                                              "action", "arc_sealers")} == {
        "arc": "pass", "dmarc": "fail", "policy": "reject", "disposition": "none",
        "rule": "trusted-sealer:lists.example", "action": "accept",
        "arc_sealers": "lists.example:s1"}
    assert "arc_reason" not in outcome.log
    said = outcome.check["arc"]
    assert said == {
        "result": "pass", "instances": 1, "sealer": "lists.example", "reason": None,
        "oldest_pass": 0, "trust": said["trust"], "sets": [{
            "instance": 1, "domain": "lists.example", "selector": "s1",
            "message_signature": "pass", "authserv_id": "mx.lists.example", "dmarc": "pass",
            "from": "example.com"}]}
    assert said["trust"] == ("set 1 of the trusted sealer lists.example says dmarc=pass of "
                             "example.com")


def test_untrusted_sealer(mx):
    """D9, ARC-25: a perfect chain of somebody else's changes nothing."""
    start(mx)
    outcome = send(mx, through(signed(), "stranger.example"))
    assert (outcome.code, outcome.log["arc"], outcome.log["rule"]) == (550, "pass", "dmarc-policy")
    assert outcome.check["arc"]["trust"] == (
        "stranger.example, which sealed last, is no trusted sealer")


def test_nobody_is_trusted_by_default(mx):
    """The list of sealers is empty unless somebody fills it."""
    start(mx, trusted=())
    assert send(mx, through(signed(), "lists.example")).code == 550


@pytest.mark.parametrize("trusted, sealers, rule", [
    (("lists.example",), ("lists.example", "stranger.example"), None),
    (("lists.example", "second.example"), ("lists.example", "stranger.example"), None),
    (("lists.example",), ("stranger.example", "lists.example"), "lists.example"),
    (("lists.example",), ("stranger.example", ("lists.example", "dmarc=fail header.from=example.com")),
     None),
    (("lists.example", "second.example"),
     ("lists.example", ("second.example", "dmarc=fail header.from=example.com")), "lists.example"),
    (("lists.example", "second.example"),
     ("lists.example", "stranger.example", ("second.example", "dmarc=fail header.from=example.com")),
     None),
    (("lists.example", "second.example"), ("second.example", "lists.example", "second.example"),
     "second.example"),
])
def test_several_sealers(mx, trusted, sealers, rule):
    """ARC-27: the lowest of the unbroken run of trusted sealers is asked, nobody below it."""
    start(mx, trusted=trusted)
    outcome = send(mx, through(signed(), *sealers))
    assert outcome.log["arc"] == "pass"
    if rule is None:
        assert (outcome.code, outcome.log["rule"]) == (550, "dmarc-policy")
    else:
        assert (outcome.code, outcome.log["rule"]) == (250, f"trusted-sealer:{rule}")
        assert outcome.check["arc"]["oldest_pass"] == (len(sealers) if len(sealers) > 1 else 0)


@pytest.mark.parametrize("says", [
    "dmarc=fail header.from=example.com",
    "dmarc=none header.from=example.com",
    "dmarc=pass header.from=example.net",
    "dmarc=pass header.from=sub.example.com",
    "dmarc=pass",
    "spf=pass smtp.mailfrom=example.com",
    "dmarc=fail header.from=example.com; dmarc=pass header.from=example.com",
    "spf=pass (; dmarc=pass header.from=example.com) smtp.mailfrom=example.com",
    "spf=pass smtp.mailfrom=\"a;dmarc=pass header.from=example.com\"",
    "dmarc=pass header.from=(example.com)example.net",
    "dmarc=pass header.from=example.net(example.com)",
    "dmarc=pass header.from=example.net.example.com",
    "dmarc/4294967297=pass header.from=example.com",
])
def test_what_the_sealer_says(mx, says):
    """ARC-27: only dmarc=pass, once, of this very author."""
    start(mx)
    outcome = send(mx, through(signed(), ("lists.example", says)))
    assert (outcome.code, outcome.log["arc"], outcome.log["rule"]) == (550, "pass", "dmarc-policy")


def test_replay_below_a_new_seal(mx):
    """Section 5 of our notes on RFC 8617: old trusted sets, new contents, a stranger's seal on top."""
    start(mx)
    forged = through(signed(), "lists.example").replace(b"this is a test", b"wire the money")
    outcome = send(mx, through(forged, "stranger.example"))
    assert (outcome.code, outcome.log["arc"], outcome.log["rule"]) == (550, "pass", "dmarc-policy")


def test_replay_with_new_contents(mx):
    """The trusted list's chain on another message does not verify."""
    start(mx)
    forged = through(signed(), "lists.example").replace(b"this is a test", b"wire the money")
    outcome = send(mx, forged)
    assert (outcome.code, outcome.log["arc"]) == (550, "fail")
    assert outcome.log["arc_reason"] == (
        "ARC-Message-Signature of set 1: body hash did not verify")


def test_replay_with_another_author(mx):
    """A list's chain does not speak for an author whom it did not see."""
    start(mx)
    forged = through(signed(), "lists.example").replace(b"From: alice@example.com",
                                                        b"From: alice@example.net")
    mx.dns.load(zones.join(zone(), zones.domain("example.net", dmarc="v=DMARC1; p=reject")))
    assert send(mx, forged).code == 550


def test_forged_in_the_name_of_a_trusted_sealer(mx):
    """A set that names the trusted list but was not sealed with its key."""
    start(mx)
    message = seal(remailed(signed()), "lists.example", rsa_key(2048, 7), PASS)
    outcome = send(mx, message)
    assert (outcome.code, outcome.log["arc"]) == (550, "fail")
    assert outcome.log["arc_reason"] == (
        "ARC-Message-Signature of set 1: signature did not verify")


@pytest.mark.parametrize("field", [b"From: ceo@example.com\r\n", b"FROM:ceo@example.com\r\n",
                                   b"From\t: ceo@example.net\r\n"])
@pytest.mark.parametrize("top", [True, False])
def test_second_author(mx, field, top):
    """D1 behind a trusted seal: the chain has no say about a From that names nobody for certain."""
    start(mx)
    message = through(signed(), "lists.example")
    header, gap, body = message.partition(b"\r\n\r\n")
    forged = field + message if top else header + b"\r\n" + field[:-2] + gap + body
    outcome = send(mx, forged)
    assert (outcome.code, outcome.log["rule"]) == (550, "invalid-from:multiple-fields")


def test_added_results(mx):
    """AAR contents injected behind the seal."""
    start(mx)
    message = through(signed(), ("lists.example", "dmarc=fail header.from=example.com"))
    outcome = send(mx, message.replace(b"dmarc=fail", b"dmarc=pass"))
    assert (outcome.code, outcome.log["arc"]) == (550, "fail")
    assert outcome.log["arc_reason"] == "ARC-Seal of set 1: signature did not verify"


def test_broken_chain_is_no_chain(mx):
    """A failed chain is reported and never refused for: D9, gaps and the like."""
    start(mx, policy="v=DMARC1; p=none")
    message = through(signed(), "lists.example").replace(b"ARC-Seal: i=1;", b"ARC-Seal: i=2;")
    outcome = send(mx, message)
    assert (outcome.code, outcome.log["arc"], outcome.log["rule"]) == (250, "fail", "none")
    assert expect.arc("fail", 2, reason="ARC-Seal of set 1: there is none") in outcome.field
    assert not [q for q in mx.dns.questions() if "_domainkey.lists" in q.name]


def test_monitor_mode(mx):
    """Nothing was withheld from a message that its sealer rescues."""
    start(mx, mode="monitor")
    outcome = send(mx, through(signed(), "lists.example"))
    assert outcome.log["rule"] == "trusted-sealer:lists.example"
    assert "would" not in outcome.log
    outcome = send(mx, through(signed(), "stranger.example"))
    assert (outcome.log["rule"], outcome.log["would"]) == ("dmarc-policy", "reject")


def test_domain_section_stands(mx):
    """A section that demands reject for this author is narrower than the list of sealers."""
    start(mx, **{'domain "example.com"': {"policy": "reject"}})
    outcome = send(mx, through(signed(), "lists.example"))
    assert (outcome.code, outcome.log["arc"]) == (550, "pass")


def test_two_authors(mx):
    """One report cannot vouch for two authors that fail."""
    start(mx)
    mx.dns.load(zones.join(zone(), zones.domain("example.net", dmarc="v=DMARC1; p=reject")))
    message = sign(letter(sender="alice@example.com, bob@example.net"), "example.com", rsa_key())
    outcome = send(mx, through(message, "lists.example"))
    assert (outcome.code, outcome.log["arc"], outcome.log["from"]) == (550, "pass", "example.net")


def test_ipv6_client(mx):
    """ARC-28: an IPv6 address is quoted."""
    start(mx)
    message = through(signed(), "lists.example")
    outcome = send(mx, message, ip="2001:db8::25")
    assert expect.arc("pass", 1, "2001:db8::25") in outcome.field
    assert 'smtp.remote-ip="2001:db8::25"' in outcome.field


def test_verify_off(mx):
    """ARC-30: no key of a chain is asked for, nothing is reported, the fields stay."""
    mx.start(zone("v=DMARC1; p=none"), arc={"verify": False})
    outcome = send(mx, through(signed(), "lists.example"))
    assert outcome.delivered and " arc=" not in outcome.field and outcome.log["arc"] == "none"
    assert not [q for q in mx.dns.questions() if "_domainkey.lists" in q.name]


@pytest.mark.parametrize("failure", [SERVFAIL, TIMEOUT])
def test_key_not_to_be_had(mx, failure):
    """ARC-20: temperror in log and JSON, fail in the field; it rescues nothing."""
    mx.start(zones.join(zone(), {"s1._domainkey.lists.example": failure}),
             arc={"trusted_sealers": ["lists.example"]}, dns={"timeout": 1})
    outcome = send(mx, through(signed(), "lists.example"), check=False)
    assert (outcome.code, outcome.log["arc"], outcome.log["rule"]) == (
        550, "temperror", "dmarc-policy")
    assert outcome.log["arc_reason"].startswith("ARC-Message-Signature of set 1: key look-up ")


def test_long_chain_over_slow_dns(mx):
    """ARC-29: 20 sealers whose keys take a second each: asked for at once, and done in time."""
    message = signed()
    slow = {}
    for number in range(20):
        message = seal(message, "lists.example", LIST_KEY, PASS, selector=f"k{number}")
        slow[f"k{number}._domainkey.lists.example"] = {"TXT": after(1, LIST_KEY.record())}
    mx.start(zones.join(zone(), slow), arc={"trusted_sealers": ["lists.example"]},
             dns={"timeout": 5})
    outcome = send(mx, message, check=False)
    assert (outcome.code, outcome.log["arc"]) == (250, "pass")
    assert int(outcome.log["ms"]) < 3000 * mx.programs.patience


def test_trusted_sealers_file(mx, folder):
    """Read at the start and on a reload; a mistake in it keeps what was there before."""
    path = f"{folder}/sealers"

    def write(text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    write("# nobody yet\n")
    mx.start(zone(), arc={"trusted_sealers_file": path})
    message = through(signed(), "lists.example")
    assert send(mx, message).code == 550
    write("# those we know\nlists.example   # the list\n")
    mx.daemon.reload()
    assert send(mx, message).log["rule"] == "trusted-sealer:lists.example"
    write("lists example\n")
    mx.daemon.reload()
    line = mx.daemon.wait_for_line(re.escape(path))
    assert f'{path}:1: arc.trusted_sealers_file: "lists example" is no domain name' in line
    assert send(mx, message, check=False).log["rule"] == "trusted-sealer:lists.example"
    write("second.example\n")
    mx.daemon.reload()
    assert send(mx, message).code == 550


def test_chains_in_parallel(mx):
    """16 messages with chains of two end at once; each is judged by its own (for TSan, too)."""
    count = 16
    plain_zone = zone()

    def message_of(number, domain):
        says = f"dmarc=pass header.from={domain}"
        message = sign(letter(sender=f"a@{domain}"), domain, rsa_key())
        return through(message, "stranger.example",
                       ("lists.example" if number % 2 else "second.example", says))

    def zone_of(_number, domain):
        return {**plain_zone, **zones.domain(domain, spf="v=spf1 -all", dmarc="v=DMARC1; p=reject",
                                             keys={"s1": rsa_key()})}

    start(mx)
    judge_all(mx, count, zone_of, message_of=message_of)
    lines = mx.daemon.message_lines(count)
    assert {line["arc"] for line in lines} == {"pass"}
    for line in lines:
        odd = int(re.search(r"\d+", line["from"]).group()) % 2
        rule = "trusted-sealer:lists.example" if odd else "dmarc-policy"
        assert (line["rule"], line["action"]) == (rule, "accept" if odd else "reject")
