"""attacks.md E1-E4, E7-E10 and E14-E17, with their exact input, as the MTA could pass it on.

Postfix refuses some of it; another MTA may not, so the daemon is asked over the milter protocol.
legit.example (L) publishes p=reject, attack.example (A) authenticates everything. E5, E6, E11, E12
and E13 are about DKIM and alignment: test_dkim_sig.c, test_authres.c, test_dmarc_eval.c.
"""

import os
import re

import authres
import pytest

import zones
from dns_server import SERVFAIL
from letter import letter
from mail_exchanger import READERS, MailExchanger
from milter_client import MilterClient

FOREIGN = "203.0.113.9"
L, A = "legit.example", "attack.example"


def other(record, *more):
    """A domain of the attacker's whose record is of interest, and what it leads to."""
    return zones.join(zones.domain("e16.example", spf=record), *more)


@pytest.fixture(scope="module", name="attacked")
def fixture_attacked(request, programs, postfix, dns, ground):
    """One daemon for all cases."""
    folder = os.path.join(ground, "envelope")
    os.mkdir(folder, 0o755)
    exchanger = MailExchanger(programs, postfix, dns, folder,
                              request.config.getoption("daemon_user"))
    exchanger.start({}, dns={"cache": False})
    yield exchanger
    exchanger.close()


def attack(mx, sender, helo=A, author=f"admin@{L}", more=None, ip=FOREIGN):
    """The verdict on one message, its field as parsed, and its log line."""
    mx.dns.load(zones.join(
        zones.domain(L, spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc="v=DMARC1; p=reject"),
        zones.domain(A, spf="v=spf1 ip4:203.0.113.0/24 -all"),
        zones.domain("any.attack.example", spf="v=spf1 ip4:203.0.113.0/24 -all"), more or {}))
    before = len(mx.daemon.message_lines())
    with MilterClient(mx.milter()) as client:
        client.connect(ip)
        client.helo(helo)
        verdict = client.message(letter(sender=author), sender)
    line, = mx.daemon.message_lines(before + 1)[before:]
    return verdict, line


def refused(verdict):
    """By the policy of L."""
    return verdict.final == "y" and verdict.reply.startswith("550 5.7.1 rejected by DMARC")


@pytest.mark.parametrize("sender, helo, spf, domain", [
    (f"any@notexist.{L}", A, "none", f"notexist.{L}"),
    (f"<(any@{L}>", A, "none", ""),
    ("<>", A, "pass", A),
    ("<>", L, "fail", L),
    (f"<any@{L}(a.{A}>", A, "none", ""),
    (f"<any@{L}'@any.{A}>", A, "pass", f"any.{A}"),
    (f"<@{L},@any.com:'any@{A}>", A, "pass", A),
    (f'<"a@{L}"@{A}>', A, "pass", A),
    ("<a@[203.0.113.9]>", A, "none", ""),
    (f"<{'btv1=' + 'x' * 195}@{A}>", A, "pass", A),
], ids=["E1", "E2", "E3", "E4", "E7", "E8", "E9", "E14-quoted", "E14-literal", "E14-long"])
def test_sender(attacked, sender, helo, spf, domain):
    """Whatever MAIL FROM and HELO say, L is not aligned with A: refused."""
    verdict, line = attack(attacked, sender, helo)
    assert refused(verdict), verdict
    assert (line["spf"], line["spf_domain"], line["dmarc"]) == (spf, domain, "fail")


@pytest.mark.parametrize("helo", [
    f"x) spf=pass smtp.mailfrom={L} (", f"a\r\nAuthentication-Results: x; spf=pass {L}",
    f"a; spf=pass smtp.mailfrom={L}", b"caf\xe9." + A.encode(), "a" * 300 + "." + A],
    ids=["parentheses", "crlf", "semicolon", "8-bit", "300"])
@pytest.mark.parametrize("sender", ["", f"x@{A}"], ids=["null", "sender"])
def test_e10_helo(attacked, sender, helo):
    """E10: one parseable field with one SPF result, which is that of the sender, if there is one."""
    verdict, _ = attack(attacked, sender, helo, author=f"x@{A}")
    assert [name for _, name, _ in verdict.inserted] == ["Authentication-Results"]
    value = verdict.inserted[0][2]
    assert value.isascii() and not re.search(r"\n[^\t]", value)
    parsed = READERS.parse("Authentication-Results: " + verdict.field)
    results = [r for r in parsed.results if isinstance(r, authres.SPFAuthenticationResult)]
    assert [r.result for r in results] == ["pass" if sender else "none"]
    assert L not in value


@pytest.mark.parametrize("domain", ["ATTACK.Example", "attack.example."])
def test_e15_spelling(attacked, domain):
    """E15: upper case and a trailing dot make no other domain."""
    verdict, line = attack(attacked, f"x@{domain}", author="x@Attack.EXAMPLE",
                           more={f"_dmarc.{A}": {"TXT": ["v=DMARC1; p=reject"]}})
    assert (verdict.final, line["spf_domain"], line["dmarc"]) == ("c", A, "pass")


def test_e15_u_label(attacked):
    """E15: a U-label in MAIL FROM and an A-label in From are equal."""
    _, line = attack(attacked, "x@b\u00fccher.example", author="x@xn--bcher-kva.example",
                     more=zones.domain("xn--bcher-kva.example", spf="v=spf1 ip4:203.0.113.9 -all",
                                       dmarc="v=DMARC1; p=reject"))
    assert (line["spf"], line["dmarc"]) == ("pass", "pass")


@pytest.mark.parametrize("zone, spf, reason", [
    (other("v=spf1 +all"), "pass", None),
    (other("v=spf1" + " a:any.attack.example" * 11 + " -all"), "permerror",
     "too many DNS look-ups"),
    (other("v=spf1 a:x1.example a:x2.example a:x3.example -all"), "permerror",
     "too many void look-ups"),
    (other("v=spf1 include:e16.example -all"), "permerror", "too many DNS look-ups"),
    (other(["v=spf1 +all", "v=spf1 -all"]), "permerror", "several SPF records"),
    (other("v=spf1" + " ip4:198.51.100.1" * 60 + " ip4:203.0.113.9 -all"), "pass", None),
    (other("v=spf1 exists:%{x}.example +all"), "permerror", "syntax error at exists:%{x}.example"),
    (other("v=spf1 include:down.example +all", {"down.example": SERVFAIL}), "temperror",
     "DNS server failure"),
], ids=["all", "terms", "voids", "loop", "two", "long", "macro", "servfail"])
def test_e16_records(attacked, zone, spf, reason):
    """E16: what a record of the attacker's gives, and why."""
    verdict, line = attack(attacked, "x@e16.example", author="x@e16.example", more=zone)
    assert line["spf"] == spf
    assert ("flags" in line and "spf-all" in line["flags"]) == (zone["e16.example"]["TXT"]
                                                                == ["v=spf1 +all"])
    assert reason is None or f'spf={spf} reason="{reason}' in verdict.field, verdict.field


def test_e17_shared_address(attacked):
    """E17: an address that L's record authorises passes; the log says that nothing else does."""
    verdict, line = attack(attacked, f"x@{L}", ip="192.0.2.99")
    assert (verdict.final, line["spf"], line["dmarc"]) == ("c", "pass", "pass")
    assert line["flags"] == "spf-only"
