"""The author: From fields that are missing, doubled, broken or unusual (attacks.md's F cases)."""

import pytest

import expect
import zones
from letter import letter
from signing import rsa_key, sign

FOREIGN = "203.0.113.9"


def start(mx, **changes):
    """legit.example publishes reject; attack.example authenticates everything it sends."""
    mx.start(zones.join(
        zones.domain("legit.example", spf="v=spf1 ip4:192.0.2.0/24 -all",
                     dmarc="v=DMARC1; p=reject", keys={"s1": rsa_key()}),
        zones.domain("attack.example", spf="v=spf1 ip4:203.0.113.0/24 -all",
                     dmarc="v=DMARC1; p=none", keys={"s1": rsa_key()}),
        {"any.example": {"A": ["203.0.113.1"]}}), **changes)


def attack(mx, message, **options):
    """The attacker sends it from an address of its own."""
    options = {"sender": "x@attack.example", "helo": "attack.example", **options}
    return mx.send(message, ip=FOREIGN, **options)


@pytest.mark.parametrize("order", [("x@attack.example", "admin@legit.example"),
                                   ("admin@legit.example", "x@attack.example"),
                                   ("x@attack.example",) * 3], ids=["attacker-first",
                                                                    "attacker-last", "three"])
def test_two_from_fields(mx, order):
    """Several From fields: refused with the reason."""
    start(mx)
    message = letter(author=False, top=[f"From: {address}" for address in order])
    outcome = attack(mx, message)
    assert (outcome.code, outcome.text[:6]) == (550, "5.7.1 ")
    assert outcome.log["rule"] == "invalid-from:multiple-fields"
    assert outcome.log["dmarc"] == "permerror"
    assert 'dmarc=permerror (p=none dis=reject) reason="' in (
        outcome.check["authentication_results"])
    assert "header.from" not in outcome.check["authentication_results"]


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_from_added_to_a_signed_message(mx, first):
    """A second From beside one that the signature covers once: refused before DKIM matters."""
    start(mx)
    message = sign(letter("admin@legit.example"), "legit.example", rsa_key())
    added = b"From: x@attack.example\r\n"
    message = added + message if first else message.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n",
                                                            1)
    assert attack(mx, message).log["rule"] == "invalid-from:multiple-fields"


@pytest.mark.parametrize("choice, code, marked", [("accept", 250, False),
                                                  ("quarantine", 250, True)])
def test_on_invalid_from(mx, choice, code, marked):
    """on_invalid_from may be gentler; the finding stays."""
    start(mx, dmarc={"on_invalid_from": choice})
    message = letter(author=False, top=["From: a@attack.example", "From: b@legit.example"])
    outcome = attack(mx, message)
    assert (outcome.code, outcome.marked) == (code, marked)
    assert outcome.log["rule"] == "invalid-from:multiple-fields"
    disposition = "quarantine" if marked else "none"
    assert f"dmarc=permerror (p=none dis={disposition}) reason=" in outcome.field


def test_no_from(mx):
    """No From at all; Sender and Resent-From are no help."""
    start(mx)
    for extra in ([], ["Sender: admin@legit.example"], ["Resent-From: admin@legit.example"]):
        outcome = attack(mx, letter(author=False, extra=extra))
        assert (outcome.code, outcome.log["rule"]) == (550, "invalid-from:missing")


@pytest.mark.parametrize("value", [
    "=?utf-8?B?PGFkbWluQGxlZ2l0LmV4YW1wbGU+?=,<second@attack.example>",
    "=?utf-8?B?PGFkbWluQGxlZ2l0LmV4YW1wbGU+?=",
    "<admin@legit.example>\\,<second@attack.example>",
    "<any@attack.example>admin@legit.example",
    "admin@legit.example\u2000", "admin@legit.example\u200b", "admin@legit.example\u00ad",
    "admin@legit.example\u00a0",
    b"Alice@legit.example\xffattack.example",
    "Alice@legit.example}attack.example",
    "user@legit.example>", "<user@legit.example", "<<a@legit.example>>", "a@b@legit.example",
    "undisclosed:;",
    "a(b@legit.example",
    "a@[192.0.2.1]",
    b"a@l\xe9git.example",
])
def test_from_that_cannot_be_read(mx, value):
    """Nothing that a reader could take for legit.example is passed on as something else."""
    start(mx)
    outcome = attack(mx, letter(value))
    assert (outcome.code, outcome.log["dmarc"]) == (550, "permerror")
    assert outcome.log["rule"].startswith("invalid-from:")


@pytest.mark.parametrize("value", [
    "<first@attack.example>, <admin@legit.example>",
    "<admin@legit.example>, <first@attack.example>",
    "admin@legit.example,<second@attack.example>",
    "<@attack.example,@any.example:admin@legit.example>",
    "(comm\r\n ent),<@any.example:@b.example:hr@legit.example>(comm\r\n ent)",
    "pete(his account)@legit.example(host)",
    '"Someone <x@attack.example>"@legit.example',
    '"\\"Acme, Inc.\\"" <u@legit.example>',
    '"x@attack.example" <u@legit.example>',
    "friends: a@legit.example, b@attack.example;",
    "a@LEGIT.Example.",
    "\u202eu@legit.example <admin@legit.example>",
], ids=range(12))
def test_from_that_is_legit(mx, value):
    """Unusual forms whose author domain is legit.example, which did not send it: refused."""
    start(mx)
    outcome = attack(mx, letter(value))
    assert (outcome.code, outcome.log["dmarc"], outcome.log["rule"]) == (
        550, "fail", "dmarc-policy")
    assert outcome.check["dmarc"]["from"] == "legit.example"


@pytest.mark.parametrize("value", ["a(@legit.example)@attack.example",
                                   "\"'X, Y' via Z\" <l@attack.example>",
                                   "admin@legit.example <x@attack.example>"])
def test_from_that_is_not_legit(mx, value):
    """Forms whose author domain is the attacker's own: its own policy applies (or the form is
    refused), and legit.example never passes."""
    start(mx)
    outcome = attack(mx, letter(value))
    if outcome.code == 250:
        assert outcome.field.endswith(expect.dmarc("pass", "attack.example", "none"))
    else:
        assert outcome.log["rule"] == "invalid-from:syntax"


def test_continuation_line_first(mx):
    """A first line that begins with a space is never a From."""
    start(mx)
    message = b" From: <first@attack.example>\r\n" + letter("admin@legit.example")
    assert attack(mx, message, check=False).code == 550


def test_blank_before_colon(mx):
    """From with a blank before its colon counts."""
    start(mx)
    message = letter("x@attack.example", extra=["From : <admin@legit.example>"])
    assert attack(mx, message).log["rule"] == "invalid-from:multiple-fields"


def test_ten_author_domains(mx):
    """At most ten author domains are looked up; the strictest decides."""
    start(mx)
    ten = ", ".join([f"a@d{n}.example" for n in range(9)] + ["a@legit.example"])
    outcome = attack(mx, letter(ten))
    assert (outcome.code, outcome.check["dmarc"]["from"]) == (550, "legit.example")
    outcome = attack(mx, letter(ten + ", a@d10.example"))
    assert outcome.log["rule"] == "invalid-from:too-many-domains"


def test_null_sender(mx):
    """<>: SPF looks at HELO, the field says so, and a HELO below the author domain aligns."""
    start(mx)
    outcome = mx.send(letter("mailer-daemon@legit.example"), sender="", helo="mx.legit.example")
    assert (outcome.code, outcome.log["spf"]) == (550, "none")
    outcome = mx.send(letter("mailer-daemon@legit.example"), sender="", helo="legit.example")
    assert outcome.field == expect.field(
        expect.spf("pass", "legit.example", "helo"), expect.NO_DKIM,
        expect.dmarc("pass", "legit.example", "reject"))


def test_null_sender_of_the_attacker(mx):
    """<> with the attacker's HELO: a pass that does not align; with the victim's: a fail."""
    start(mx)
    outcome = attack(mx, letter("admin@legit.example"), sender="")
    assert (outcome.code, outcome.log["spf"], outcome.log["spf_domain"]) == (
        550, "pass", "attack.example")
    outcome = attack(mx, letter("admin@legit.example"), sender="", helo="legit.example")
    assert (outcome.code, outcome.log["spf"]) == (550, "fail")


def test_helo_pass_does_not_count(mx):
    """E1: with a sender, a HELO that passes is no help."""
    start(mx)
    outcome = attack(mx, letter("admin@legit.example"), sender="any@notexist.legit.example")
    assert (outcome.code, outcome.log["dmarc"]) == (550, "fail")
    assert outcome.log["spf"] in ("none", "fail")


@pytest.mark.parametrize("sender", [
    "any@legit.example(a.attack.example", "any@legit.example'@any.attack.example",
    '"a@legit.example"@attack.example', "@legit.example,@any.com:any@attack.example",
    "a@[192.0.2.1]", "(any@legit.example",
])
def test_odd_envelope_senders(mx, sender):
    """E2-E14: a MAIL FROM that could be read in two ways never aligns with legit.example."""
    start(mx)
    with mx.client(FOREIGN, "attack.example") as client:
        before = len(mx.daemon.message_lines())
        code, _ = client.docmd("MAIL", f"FROM:<{sender}>")
        if code != 250:
            return  # Postfix refuses it: nothing for us to decide
        assert client.rcpt("user@example.org")[0] == 250
        code, text = client._data(letter("admin@legit.example"))
    assert (code, text[:5]) == (550, b"5.7.1")
    line, = mx.daemon.message_lines(before + 1)[before:]
    assert line["dmarc"] == "fail"


@pytest.mark.parametrize("helo", ["x)spf=pass", "x;spf=pass", "[192.0.2.1]", "a" * 250, "under_score",
                                  "caf\u00e9.example"])
def test_odd_helo(mx, helo):
    """E10: whatever HELO says, the field stays one field with one SPF result."""
    start(mx)
    with mx.client(FOREIGN, "attack.example") as client:
        assert client.docmd(f"EHLO {helo}".encode().decode("latin-1")
                            if helo.isascii() else "EHLO xn--caf-dma.example")[0] == 250
        outcome = mx.follow(client, letter("a@example.net"), "")
    assert outcome.field.count("spf=") == 1
    assert outcome.field.startswith("mx.example.org; spf=none")
