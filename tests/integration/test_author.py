"""The author: From fields and envelopes that are missing, doubled, broken or unusual.

F, E and D with a number are those of the list of attacks that the project was built against.
Each goes through Postfix and truefromd, and truefrom check must say the same.
"""

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
    """F1, DMARC-35: several From fields: refused with the reason."""
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
    """D1: a second From beside one that the signature covers once: refused before DKIM matters."""
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
    """F5, DMARC-35: no From at all; Sender and Resent-From are no help."""
    start(mx)
    for extra in ([], ["Sender: admin@legit.example"], ["Resent-From: admin@legit.example"]):
        outcome = attack(mx, letter(author=False, extra=extra))
        assert (outcome.code, outcome.log["rule"]) == (550, "invalid-from:missing")


UNREADABLE = [
    ("F8", "=?utf-8?B?PGFkbWluQGxlZ2l0LmV4YW1wbGU+?=,<second@attack.example>"),
    ("F9", "=?utf-8?B?PGFkbWluQGxlZ2l0LmV4YW1wbGU+?="),
    ("F11", "<admin@legit.example>\\,<second@attack.example>"),
    ("F13", "<any@attack.example>admin@legit.example"),
    ("F14-U+2000", "admin@legit.example\u2000"), ("F14-U+200B", "admin@legit.example\u200b"),
    ("F14-soft-hyphen", "admin@legit.example\u00ad"), ("F14-nbsp", "admin@legit.example\u00a0"),
    ("F15-ff", b"Alice@legit.example\xffattack.example"),
    ("F15-brace", "Alice@legit.example}attack.example"),
    ("F17-unclosed", "a(b@legit.example"), ("F17-unclosed-after", "admin@legit.example (host"),
    ("F20-stray", "user@legit.example>"), ("F20-no-end", "<user@legit.example"),
    ("F20-two", "<<a@legit.example>>"), ("F20-two-at", "a@b@legit.example"),
    ("F22-empty", "undisclosed:;"),
    ("F23-latin-1", b"a@l\xe9git.example"),
    ("F24-addresses", "admin@legit.example" + ",\r\n a@legit.example" * 2500),
    ("F24-commas", "admin@legit.example" + ("," * 900 + "\r\n ") * 12),
    ("F24-folds", "admin@legit.example" + "\r\n (x)" * 5000),
    ("F24-64-KB", "admin@legit.example (" + ("x" * 900 + "\r\n ") * 72 + ")"),
    ("F25-literal", "a@[192.0.2.1]"),
]


@pytest.mark.parametrize("value", [v for _, v in UNREADABLE], ids=[n for n, _ in UNREADABLE])
def test_from_that_cannot_be_read(mx, value):
    """Nothing that a reader could take for legit.example is passed on as something else."""
    start(mx)
    outcome = attack(mx, letter(value))
    assert (outcome.code, outcome.log["dmarc"]) == (550, "permerror")
    assert outcome.log["rule"].startswith("invalid-from:")


LEGIT = [
    ("F6", "<first@attack.example>, <admin@legit.example>"),
    ("F6-other-order", "<admin@legit.example>, <first@attack.example>"),
    ("F7", "<a@legit.example>, <b@LEGIT.example.>"),
    ("F10", "<@attack.example,@any.example:admin@legit.example>"),
    ("F12", "admin@legit.example,<second@attack.example>"),
    ("F16", "(comm\r\n ent),<@any.example:@b.example:hr@legit.example>(comm\r\n ent)"),
    ("F17", "pete(his account)@legit.example(host)"),
    ("F17-at", "a@legit.example(@attack.example)"),
    ("F17-nested", "(a (x@attack.example) b) u@legit.example"),
    ("F18", '"Someone <x@attack.example>"@legit.example'),
    ("F19", '"\\"Acme, Inc.\\"" <u@legit.example>'),
    ("F19-address-as-name", '"x@attack.example" <u@legit.example>'),
    ("F21", "\u202eu@legit.example <admin@legit.example>"),
    ("F22", "friends: a@legit.example, b@attack.example;"),
    ("E15", "a@LEGIT.Example."),
]


@pytest.mark.parametrize("value", [v for _, v in LEGIT], ids=[n for n, _ in LEGIT])
def test_from_that_is_legit(mx, value):
    """Unusual forms whose author domain is legit.example, which did not send it: refused."""
    start(mx)
    outcome = attack(mx, letter(value))
    assert (outcome.code, outcome.log["dmarc"], outcome.log["rule"]) == (
        550, "fail", "dmarc-policy")
    assert outcome.check["dmarc"]["from"] == "legit.example"


VALID = [
    ("F16", "(comm\r\n ent),<@any.example:@b.example:hr@legit.example>(comm\r\n ent)"),
    ("F17", "pete(his account)@legit.example(host)"),
    ("F17-nested", "(a (x@attack.example) b) u@legit.example"),
    ("F18", '"Someone <x@attack.example>"@legit.example'),
    ("F19", '"\\"Acme, Inc.\\"" <u@legit.example>'),
    ("F19-via", "\"'X, Y' via Z\" <l@legit.example>"),
    ("F23", "J\u00fcrgen \u00c6r\u00f8 <u@legit.example>"),
]


@pytest.mark.parametrize("value", [v for _, v in VALID], ids=[n for n, _ in VALID])
def test_valid_form_is_never_refused(mx, value):
    """The same unusual forms from legit.example itself: delivered."""
    start(mx)
    outcome = mx.send(letter(value), sender="a@legit.example")
    assert outcome.field.endswith(expect.dmarc("pass", "legit.example", "reject"))


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
    """F2: a first line that begins with a space is never a From."""
    start(mx)
    message = b" From: <first@attack.example>\r\n" + letter("admin@legit.example")
    assert attack(mx, message, check=False).code == 550


def test_blank_before_colon(mx):
    """F3: From with a blank before its colon counts."""
    start(mx)
    message = letter("x@attack.example", extra=["From : <admin@legit.example>"])
    assert attack(mx, message).log["rule"] == "invalid-from:multiple-fields"


def test_folded_name(mx):
    """F4: "From", a line end and " : <address>": no From field, or one too many; never a pass."""
    start(mx)
    message = b"From\r\n : <first@attack.example>\r\n" + letter("admin@legit.example")
    assert attack(mx, message, check=False).code == 550
    message = letter("admin@legit.example", extra=["From\r\n : <first@attack.example>"])
    assert attack(mx, message, check=False).code == 550


@pytest.mark.parametrize("octet", [b"\n", b"\0"], ids=["LF", "NUL"])
def test_octets_that_smtp_does_not_bring(mx, programs, octet):
    """F15: LF and NUL inside an address, on the command line."""
    start(mx)
    message = letter(b"<Alice@legit.example" + octet + b"attack.example>")
    said = programs.check(mx.daemon.conf, message, "--ip", FOREIGN, "--mail-from",
                          "x@attack.example", "--helo", "attack.example")
    assert (said["action"], said["rule"]) == ("reject", "invalid-from:syntax")


def test_single_label(mx):
    """F25: a domain of one label has no policy, and the log says so."""
    start(mx)
    outcome = attack(mx, letter("root@localhost"))
    assert outcome.delivered and outcome.field.endswith("dmarc=none header.from=localhost")
    assert outcome.log["reason"] == "no DMARC record for a single label"


def test_list_id_changes_nothing(mx):
    """D11: a List-Id, and all else that a list adds, is the attacker's own word."""
    start(mx)
    message = letter("admin@legit.example", extra=[
        "List-Id: <talk.lists.example>", "List-Unsubscribe: <https://lists.example/>",
        "Precedence: list", "Sender: talk-bounces@attack.example"])
    assert attack(mx, message).code == 550


def test_spf_pass_of_a_shared_address(mx):
    """E17: SPF alone makes a pass; the log says that nothing else did."""
    start(mx)
    outcome = mx.send(letter("admin@legit.example"), sender="x@legit.example")
    assert outcome.delivered and outcome.log["flags"] == "spf-only"


@pytest.mark.parametrize("policy, dmarc, code", [
    (["v=DMARC1; p=reject", "v=DMARC1; p=none"], "none", 250),
    (["p=reject; v=DMARC1"], "none", 250),
    (["v=DMARC1; p=r"], "none", 250),
    (["v=DMARC1; what=ever; p=reject"], "fail", 550),
    (["v=DMARC1; rua=mailto:a@odd.example"], "fail", 250),
], ids=["two-records", "v-not-first", "prefix", "unknown-tag", "rua-alone"])
def test_odd_records(mx, policy, dmarc, code):
    """D14: odd policy records mean what RFC 9989 sections 4.7 and 4.10 say."""
    mx.start(zones.domain("odd.example", spf="v=spf1 -all", dmarc=policy))
    outcome = mx.send(letter("a@odd.example"), ip=FOREIGN)
    assert (outcome.code, outcome.log["dmarc"]) == (code, dmarc)


def test_ten_author_domains(mx):
    """F6, DMARC-34: at most ten author domains are looked up; the strictest decides."""
    start(mx)
    ten = ", ".join([f"a@d{n}.example" for n in range(9)] + ["a@legit.example"])
    outcome = attack(mx, letter(ten))
    assert (outcome.code, outcome.check["dmarc"]["from"]) == (550, "legit.example")
    outcome = attack(mx, letter(ten + ", a@d10.example"))
    assert outcome.log["rule"] == "invalid-from:too-many-domains"


def test_null_sender(mx):
    """DMARC-32: <>: SPF looks at HELO, the field says so, and a HELO below the author domain aligns."""
    start(mx)
    outcome = mx.send(letter("mailer-daemon@legit.example"), sender="", helo="mx.legit.example")
    assert (outcome.code, outcome.log["spf"]) == (550, "none")
    outcome = mx.send(letter("mailer-daemon@legit.example"), sender="", helo="legit.example")
    assert outcome.field == expect.field(
        expect.spf("pass", "legit.example", "helo"), expect.NO_DKIM,
        expect.dmarc("pass", "legit.example", "reject"))


def test_null_sender_of_the_attacker(mx):
    """E3, E4: <> with the attacker's HELO: a pass that does not align; with the victim's: a fail."""
    start(mx)
    outcome = attack(mx, letter("admin@legit.example"), sender="")
    assert (outcome.code, outcome.log["spf"], outcome.log["spf_domain"]) == (
        550, "pass", "attack.example")
    outcome = attack(mx, letter("admin@legit.example"), sender="", helo="legit.example")
    assert (outcome.code, outcome.log["spf"]) == (550, "fail")


def test_helo_pass_does_not_count(mx):
    """E1, DMARC-33: with a sender, a HELO that passes is no help."""
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
