"""Monitor mode, overrides, log formats: what the configuration changes about verdicts."""

import json

import pytest

import expect
import zones
from dns_server import SERVFAIL
from letter import letter
from signing import rsa_key, sign

FOREIGN = "203.0.113.9"
FORGED = "Authentication-Results: mx.example.org; dmarc=pass"


def zone(policy):
    """example.com with this DMARC record."""
    return zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc=policy)


@pytest.mark.parametrize("policy, would", [("reject", "reject"), ("quarantine", "quarantine")])
def test_monitor_mode(mx, policy, would):
    """Everything is evaluated, written and logged; nothing is refused, held or marked."""
    mx.start(zone(f"v=DMARC1; p={policy}"), mode="monitor", dmarc={"on_quarantine": "hold"})
    outcome = mx.send(letter(extra=[FORGED]), ip=FOREIGN, removed=[f"{FORGED}\r\n".encode()])
    assert outcome.delivered and not outcome.marked
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM,
        expect.dmarc("fail", "example.com", policy, "none"))
    assert (outcome.log["action"], outcome.log["would"]) == ("accept", would)
    assert outcome.log["rule"] == "dmarc-policy"
    assert (outcome.check["would"], outcome.check["dmarc"]["disposition"]) == (would, "none")


def test_monitor_mode_pass(mx):
    """A message that passes would have been accepted anyway."""
    mx.start(zone("v=DMARC1; p=reject"), mode="monitor")
    outcome = mx.send(letter())
    assert outcome.log["rule"] == "none" and outcome.check["would"] is None


def test_monitor_mode_header(mx):
    """Quarantine by mark is not done either; a forged mark goes."""
    mx.start(zone("v=DMARC1; p=quarantine"), mode="monitor")
    forged = b"X-Truefrom-Quarantine: yes\r\n"
    outcome = mx.send(letter(extra=[forged[:-2]]), ip=FOREIGN, removed=[forged])
    assert outcome.delivered and not outcome.marked


def test_monitor_mode_temperror(mx):
    """Nothing is deferred."""
    mx.start(zones.join(zone("v=DMARC1; p=reject"), {"_dmarc.example.com": SERVFAIL}),
             mode="monitor", dmarc={"on_temperror": "tempfail"})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered
    assert (outcome.log["rule"], outcome.log["would"]) == ("temperror", "tempfail")


def test_monitor_mode_invalid_from(mx):
    """Nothing is refused for its From."""
    mx.start({}, mode="monitor")
    outcome = mx.send(letter(author=False), ip=FOREIGN)
    assert outcome.delivered
    assert (outcome.log["rule"], outcome.log["would"]) == ("invalid-from:missing", "reject")


def test_dmarc_disabled(mx):
    """dmarc.enabled = false: SPF and DKIM are written, nothing is refused."""
    mx.start(zone("v=DMARC1; p=reject"), dmarc={"enabled": False})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered
    assert outcome.field.startswith(expect.field(expect.spf("fail", "example.com"),
                                                 expect.NO_DKIM))


def test_spf_on_fail(mx):
    """spf.on_fail = "reject": 550 5.7.23, after DMARC had its say."""
    mx.start(zone("v=DMARC1; p=none"), spf={"on_fail": "reject"})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.text[:7]) == (550, "5.7.23 ")
    assert mx.send(letter()).delivered


def test_override_raises_policy(mx):
    """A domain section turns p=none into reject."""
    mx.start(zone("v=DMARC1; p=none"), **{'domain "example.com"': {"policy": "reject"}})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.log["rule"]) == (550, "override:example.com")


def test_override_lowers_policy_for_facts(mx):
    """A network that was named may send what the policy forbids; others may not."""
    mx.start(zone("v=DMARC1; p=reject"), **{'domain "example.com"': {
        "policy": "none", "when_networks": ["203.0.113.0/24"]}})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered and outcome.log["rule"] == "override:example.com"
    assert mx.send(letter(), ip="198.51.100.1").code == 550


def test_override_wildcard(mx):
    """A wildcard takes the names below; the rule shows in log, JSON and reply."""
    mx.start(zone("v=DMARC1; p=none"), dmarc={"reply": "5.7.1 refused by %{rule}"},
             **{'domain "*.example.com"': {"policy": "reject"}})
    outcome = mx.send(letter(sender="a@x.example.com"), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (550, "5.7.1 refused by override:*.example.com")
    assert outcome.log["rule"] == outcome.check["rule"] == "override:*.example.com"
    assert mx.send(letter(), ip=FOREIGN).delivered


@pytest.mark.parametrize("fact", ["when_spf_pass", "when_dkim_pass"])
def test_override_lowered_by_a_pass(mx, fact):
    """What a list has authenticated lowers the policy; a List-Id and a broken signature do not."""
    mx.start(zones.join(zone("v=DMARC1; p=reject"),
                        zones.domain("lists.example", spf="v=spf1 ip4:203.0.113.9 -all",
                                     keys={"s1": rsa_key()})),
             **{'domain "example.com"': {"policy": "none", fact: ["lists.example"]}})
    message = letter(extra=["List-Id: <talk.lists.example>"])
    if fact == "when_dkim_pass":
        message = sign(message, "lists.example", rsa_key())
        broken = mx.send(message + b"changed\r\n", ip="198.51.100.1", sender="x@attack.example")
        assert (broken.code, broken.log["rule"]) == (550, "dmarc-policy")
    outcome = mx.send(message, ip=FOREIGN, sender="b@lists.example")
    assert outcome.delivered and outcome.log["rule"] == "override:example.com"
    assert mx.send(letter(extra=["List-Id: <talk.lists.example>"]), ip="198.51.100.1",
                   sender="b@lists.example").code == 550


def test_override_expired(mx):
    """After its last day a section is as if it were not there."""
    mx.start(zone("v=DMARC1; p=none"), **{'domain "example.com"': {
        "policy": "reject", "until": "2020-01-31"}})
    assert mx.send(letter(), ip=FOREIGN).delivered


def test_log_json(mx):
    """log_format = "json": one object a message, with the fields of the other form."""
    mx.start(zone("v=DMARC1; p=reject"), log_format="json")
    with mx.client(FOREIGN) as client:
        code, _ = client.offer(letter(), "alice@example.com", "user@example.org")
    assert code == 550
    line = mx.daemon.wait_for_line(r'"action"')
    entry = json.loads(line[line.index("{"):])
    expected = {"client": FOREIGN, "mailfrom": "alice@example.com", "from": "example.com",
                "spf": "fail", "dmarc": "fail", "policy": "reject", "action": "reject",
                "disposition": "reject", "rule": "dmarc-policy"}
    assert {key: entry[key] for key in expected} == expected


def test_log_is_escaped(mx):
    """What a client says cannot forge a log line, nor a field of one."""
    mx.start(zone("v=DMARC1; p=reject"))
    with mx.client(FOREIGN, "mail.example.com") as client:
        outcome = mx.follow(client, letter(), '"x\\" action=accept rule=none"@example.com')
    assert outcome.code == 550
    assert outcome.log["action"] == "reject"
    assert "action=accept" in outcome.log["mailfrom"]


def test_log_level(mx):
    """log_level = "warning": no line about messages."""
    mx.start(zone("v=DMARC1; p=reject"), log_level="warning")
    with mx.client("192.0.2.1") as client:
        assert client.offer(letter(), "alice@example.com", "user@example.org")[0] == 250
    mx.postfix.sink.wait_for(lambda d: True)
    assert mx.daemon.message_lines() == []
