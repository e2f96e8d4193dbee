"""Mailing lists and forwarders that the postmaster knows, through a real Postfix."""

import pytest

import zones
from dns_server import SERVFAIL
from letter import letter
from signing import rsa_key, sign

LIST = "203.0.113.5"
KEY = rsa_key()
ZONE = zones.join(
    zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc="v=DMARC1; p=reject"),
    zones.domain("lists.example", spf=f"v=spf1 ip4:{LIST} -all", keys={"s1": KEY}),
    zones.domain("attack.example", spf="v=spf1 ip4:198.51.100.66 -all"))


def send(mx, message, ip=LIST, sender="bounce@lists.example", **more):
    """From the list's host, with the list in the envelope."""
    return mx.send(message, ip=ip, helo="mail.lists.example", sender=sender, **more)


@pytest.mark.parametrize("condition,changes", [
    ({"when_spf_pass": ["lists.example"]}, {}),
    ({"when_dkim_pass": ["lists.example"]},
     {"ip": "198.51.100.1", "sender": "x@elsewhere.example", "signed": True}),
    ({"networks": ["203.0.113.0/24"]}, {"sender": "alice@example.com"}),
])
@pytest.mark.parametrize("policy,marked", [("none", False), ("quarantine", True)])
def test_known_by(mx, condition, changes, policy, marked):
    """Each condition lets its mail in, or has it marked; without the section it is refused."""
    changes = dict(changes)
    message = letter()
    if changes.pop("signed", False):
        message = sign(message, "lists.example", KEY)
    mx.start(ZONE, **{'forwarder "python-lists"': {**condition, "policy": policy}})
    outcome = send(mx, message, **changes)
    assert outcome.delivered and outcome.marked == marked
    assert (outcome.log["dmarc"], outcome.log["policy"], outcome.log["rule"]) == (
        "fail", "reject", "forwarder:python-lists")
    assert outcome.check["rule"] == "forwarder:python-lists"
    disposition = "quarantine" if marked else "none"
    assert f"dmarc=fail (p=reject dis={disposition})" in outcome.field
    mx.daemon.reload(mx.settings())
    assert send(mx, message, **changes).code == 550


def test_what_a_message_says_of_itself(mx):
    """List-Id, Received, Sender and a failing signature of the list: nothing is known by them."""
    mx.start(ZONE, **{'forwarder "python-lists"': {
        "when_spf_pass": ["lists.example"], "when_dkim_pass": ["lists.example"],
        "networks": ["203.0.113.0/24"]}})
    claims = (b"Received: from lists.example (lists.example [203.0.113.5])\r\n"
              b"\tby mx.example.org; Mon, 1 Jan 2029 00:00:00 +0000\r\n"
              b"List-Id: <python.lists.example>\r\nSender: <bounce@lists.example>\r\n"
              b"Authentication-Results: lists.example; dkim=pass header.d=lists.example\r\n")
    broken = sign(letter(), "lists.example", KEY).replace(b"\r\n\r\n", b"\r\n\r\nmore ", 1)
    for message, sender in ((claims + letter(), "x@attack.example"), (broken, "x@attack.example"),
                            (letter(), "bounce@lists.example"), (letter(), "")):
        outcome = mx.send(message, ip="198.51.100.66", helo="lists.example", sender=sender)
        assert (outcome.code, outcome.log["rule"]) == (550, "dmarc-policy")


def test_below_a_domain_section(mx):
    """The section of the very domain stands above it."""
    mx.start(ZONE, **{'forwarder "python-lists"': {"when_spf_pass": ["lists.example"]},
                      'domain "example.com"': {"policy": "reject"}})
    assert send(mx, letter()).code == 550


@pytest.mark.parametrize("choice,code", [("accept", 550), ("tempfail", 451)])
def test_dns_of_the_forwarder_fails(mx, choice, code):
    """Nobody knows whether it is the list: put off if that may be, and never let in."""
    broken = dict(ZONE)
    broken["lists.example"] = {"TXT": SERVFAIL}
    mx.start(broken, dmarc={"on_temperror": choice},
             **{'forwarder "python-lists"': {"when_spf_pass": ["lists.example"]}})
    assert send(mx, letter()).code == code
