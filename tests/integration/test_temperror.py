"""DNS that fails: never taken for "no policy" or for a failure, and answered as configured."""

import pytest

import expect
import zones
from dns_server import MALFORMED, REFUSED, SERVFAIL, TIMEOUT
from letter import letter
from signing import rsa_key, sign

FAILURES = {"timeout": TIMEOUT, "servfail": SERVFAIL, "refused": REFUSED, "malformed": MALFORMED}
DMARC = "v=DMARC1; p=reject"
SPF = "v=spf1 ip4:192.0.2.0/24 -all"

failing = pytest.mark.parametrize("failure", ["timeout", "servfail"])
any_failing = pytest.mark.parametrize("failure", FAILURES)
choices = pytest.mark.parametrize("choice", ["accept", "tempfail"])


def start(mx, zone, choice="accept"):
    """The failing server is waited for a second only."""
    mx.start(zone, dns={"timeout": 1}, dmarc={"on_temperror": choice})


def judge(outcome, choice):
    """Accepted or deferred, as configured."""
    assert outcome.log["rule"] == "temperror"
    if choice == "accept":
        assert outcome.delivered and not outcome.marked
        assert outcome.log["action"] == "accept"
    else:
        assert (outcome.code, outcome.text[:6]) == (451, "4.7.1 ")
        assert outcome.log["action"] == "tempfail"
    assert outcome.log["disposition"] == "none"


@any_failing
@choices
def test_dmarc_record(mx, failure, choice):
    """D13: the policy cannot be had: temperror, and what is configured for it."""
    start(mx, zones.domain("example.com", spf="v=spf1 -all", dmarc=FAILURES[failure]), choice)
    outcome = mx.send(letter())
    judge(outcome, choice)
    field = outcome.check["authentication_results"]
    assert field.startswith(expect.field(expect.spf("fail", "example.com"), expect.NO_DKIM,
                                         'dmarc=temperror (p=none dis=none) reason="'))
    assert field.endswith('" header.from=example.com')


def test_alias_that_leads_to_itself(mx):
    """D13: an alias loop is a failure of DNS, not the absence of a policy."""
    zone = zones.domain("example.com", spf="v=spf1 -all")
    zone["_dmarc.example.com"] = {"CNAME": ["loop.example.com"]}
    zone["loop.example.com"] = {"CNAME": ["_dmarc.example.com"]}
    start(mx, zone, "tempfail")
    judge(mx.send(letter()), "tempfail")


@failing
@choices
def test_spf_record(mx, failure, choice):
    """D13: SPF cannot be had, DKIM is not there: it might have been a pass."""
    zone = zones.domain("example.com", dmarc=DMARC)
    zone["example.com"]["TXT"] = FAILURES[failure]
    start(mx, zone, choice)
    outcome = mx.send(letter())
    judge(outcome, choice)
    assert (outcome.log["spf"], outcome.log["dmarc"]) == ("temperror", "temperror")
    assert 'spf=temperror reason="' in outcome.check["authentication_results"]
    assert outcome.check["dmarc"]["policy"] == "reject"


@failing
@choices
def test_dkim_key(mx, failure, choice):
    """D13: the key cannot be had, SPF fails: it might have been a pass."""
    zone = zones.domain("example.com", spf="v=spf1 -all", dmarc=DMARC)
    zone["s1._domainkey.example.com"] = FAILURES[failure]
    start(mx, zone, choice)
    outcome = mx.send(sign(letter(), "example.com", rsa_key()))
    judge(outcome, choice)
    assert (outcome.log["dkim"], outcome.log["dmarc"]) == ("temperror:example.com", "temperror")


@any_failing
def test_spf_fails_but_dkim_passes(mx, failure):
    """Another aligned identifier passes: the failure of DNS does not matter."""
    zone = zones.domain("example.com", dmarc=DMARC, keys={"s1": rsa_key()})
    zone["example.com"]["TXT"] = FAILURES[failure]
    start(mx, zone, "tempfail")
    outcome = mx.send(sign(letter(), "example.com", rsa_key()))
    assert outcome.delivered
    assert (outcome.log["spf"], outcome.log["dmarc"], outcome.log["rule"]) == (
        "temperror", "pass", "none")


@any_failing
def test_dkim_fails_but_spf_passes(mx, failure):
    """The same the other way round."""
    zone = zones.domain("example.com", spf=SPF, dmarc=DMARC)
    zone["s1._domainkey.example.com"] = FAILURES[failure]
    start(mx, zone, "tempfail")
    outcome = mx.send(sign(letter(), "example.com", rsa_key()))
    assert outcome.delivered
    assert (outcome.log["dkim"], outcome.log["dmarc"], outcome.log["rule"]) == (
        "temperror:example.com", "pass", "none")


def test_unaligned_failure_does_not_matter(mx):
    """A signature of a foreign domain whose key cannot be had changes nothing: reject."""
    zone = zones.domain("example.com", spf="v=spf1 -all", dmarc=DMARC)
    zone["s1._domainkey.attack.example"] = SERVFAIL
    start(mx, zone, "tempfail")
    outcome = mx.send(sign(letter(), "attack.example", rsa_key()))
    assert (outcome.code, outcome.log["dmarc"]) == (550, "fail")


def test_policy_none_is_never_deferred(mx):
    """Under p=none there is nothing to win by waiting; the policy is known and says deliver."""
    zone = zones.domain("example.com", dmarc="v=DMARC1; p=none")
    zone["example.com"]["TXT"] = SERVFAIL
    start(mx, zone, "accept")
    outcome = mx.send(letter())
    assert outcome.delivered and outcome.log["dmarc"] == "temperror"


def test_no_policy_of_a_failing_parent(mx):
    """The author domain has no record and its parent's cannot be had: not "no policy"."""
    zone = zones.domain("sub.example.com", spf="v=spf1 -all")
    zone["_dmarc.example.com"] = SERVFAIL
    start(mx, zone, "tempfail")
    outcome = mx.send(letter(sender="a@sub.example.com"), sender="a@sub.example.com")
    judge(outcome, "tempfail")


def test_deadline_of_the_message(mx):
    """message_deadline bounds all of a message's DNS work, however many names are silent."""
    zone = zones.domain("example.com", spf="v=spf1 " + " ".join(
        f"include:i{n}.example.com" for n in range(9)) + " -all", dmarc=TIMEOUT)
    zone.update({f"i{n}.example.com": TIMEOUT for n in range(9)})
    mx.start(zone, message_deadline=3, dns={"timeout": 3})
    outcome = mx.send(letter(), check=False)
    assert outcome.log["rule"] == "temperror"
    assert int(outcome.log["ms"]) <= 3000 + 500 * mx.programs.patience


def test_answers_again_at_once(mx):
    """A server that was silent and answers again is believed with the next message."""
    zone = zones.domain("example.com", spf="v=spf1 -all", dmarc=TIMEOUT)
    start(mx, zone)
    assert mx.send(letter(), check=False).log["rule"] == "temperror"
    mx.dns.load(zones.domain("example.com", spf="v=spf1 -all", dmarc=DMARC))
    assert mx.send(letter()).code == 550
