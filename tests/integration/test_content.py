"""Content: what large, 8-bit, internationalised and odd messages become on the way."""

import hashlib

import pytest

import expect
import zones
from letter import letter
from signing import rsa_key, sign

FOREIGN = "203.0.113.9"


def zone():
    """example.com with a key and p=reject."""
    return zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all",
                        dmarc="v=DMARC1; p=reject", keys={"s1": rsa_key()})


def test_ten_megabytes(mx):
    """A signed message of 10 MB passes whole, byte by byte."""
    mx.start(zone())
    lines = b"".join(hashlib.sha256(b"%d" % n).hexdigest().encode() + b"\r\n"
                     for n in range(160000))
    message = sign(letter(body=lines), "example.com", rsa_key())
    assert len(message) > 10_000_000
    outcome = mx.send(message, ip=FOREIGN)
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.dkim("pass", message, "example.com", rsa_key()),
        expect.dmarc("pass", "example.com", "reject"))


def test_smtputf8(mx):
    """DMARC-37: SMTPUTF8 with internationalised domains: A-labels are looked up, U-labels may be written."""
    ascii_name = "xn--bcher-kva.example"
    mx.start(zones.domain(ascii_name, spf="v=spf1 ip4:192.0.2.0/24 -all",
                          dmarc="v=DMARC1; p=reject", keys={"s1": rsa_key()}))
    message = sign(letter("Ærøskøbing <ü@bücher.example>", subject="Grüße"), ascii_name, rsa_key())
    good = mx.send(message, sender="ü@bücher.example", options=["SMTPUTF8"], check=False)
    assert good.delivered
    assert (good.log["spf"], good.log["dkim"], good.log["dmarc"], good.log["from"]) == (
        "pass", f"pass:{ascii_name}", "pass", ascii_name)
    assert f"header.from={ascii_name}" in good.field
    bad = mx.send(letter("ü@bücher.example"), ip=FOREIGN, sender="ü@bücher.example",
                  options=["SMTPUTF8"], check=False)
    assert bad.code == 550
    assert {q.name for q in mx.dns.questions()} >= {ascii_name, f"_dmarc.{ascii_name}"}


def test_utf8_without_smtputf8(mx):
    """The same From without SMTPUTF8 is evaluated too."""
    ascii_name = "xn--bcher-kva.example"
    mx.start(zones.domain(ascii_name, spf="v=spf1 -all", dmarc="v=DMARC1; p=reject"))
    outcome = mx.send(letter("x@bücher.example"), sender=f"x@{ascii_name}")
    assert (outcome.code, outcome.log["from"]) == (550, ascii_name)


def test_eight_bit_body_and_subject(mx):
    """8-bit octets in subject and body arrive as they were sent."""
    mx.start(zone())
    message = letter(subject="Grüße", body="Größe: 5 €\r\n".encode("utf-8") + b"\xff\xfe\r\n")
    assert mx.send(message, options=["BODY=8BITMIME"]).delivered


@pytest.mark.parametrize("body", [b"", b"\r\n", b"no line end", b"\r\n\r\n\r\n", b".\r\n..\r\n",
                                  b"x" * 5000 + b"\r\n"],
                         ids=["empty", "line", "unfinished", "lines", "dots", "long"])
def test_odd_bodies(mx, body):
    """Bodies at the edges of canonicalisation: signatures hold."""
    mx.start(zone())
    if not body.endswith(b"\r\n") and body:
        body += b"\r\n"  # SMTP ends the last line
    for canon in ("simple/simple", "relaxed/relaxed"):
        message = sign(letter(body=body), "example.com", rsa_key(), canon=canon)
        assert mx.send(message, ip=FOREIGN).log["dkim"] == "pass:example.com"


def test_header_spacing_kept(mx):
    """Blanks, tabs and folds around values arrive unchanged, and simple signatures hold."""
    mx.start(zone())
    extra = ["X-None:x", "X-Two:  x", "X-Tab:\tx", "X-End: x  ", "X-Fold:\r\n x\r\n\ty",
             "X-Empty:", "X-Blank: ", "x-CASE: x"]
    names = [b"from", b"to", b"subject"] + [e.partition(":")[0].lower().encode() for e in extra]
    message = sign(letter(extra=extra), "example.com", rsa_key(), canon="simple/simple",
                   headers=names)
    assert mx.send(message, ip=FOREIGN).log["dkim"] == "pass:example.com"


def test_long_header(mx):
    """A field near Postfix's limit arrives whole."""
    mx.start(zone())
    value = "\r\n ".join("y" * 70 for _ in range(700))
    assert mx.send(letter(extra=[f"X-Long: {value}"])).delivered


def test_partial_body_signature(mx):
    """l= and something appended: policy, of no use to DMARC; covering all of it: a pass."""
    mx.start(zone())
    message = sign(letter(), "example.com", rsa_key(), length=True)
    assert mx.send(message, ip=FOREIGN).log["dkim"] == "pass:example.com"
    outcome = mx.send(message + b"appended\r\n", ip=FOREIGN)
    assert (outcome.code, outcome.log["dkim"]) == (550, "policy:example.com")


def test_no_body_no_headers(mx):
    """A message of nothing but an end: refused for its missing author, and nothing breaks."""
    mx.start(zone())
    outcome = mx.send(b"\r\n", check=False)
    assert (outcome.code, outcome.log["rule"]) == (550, "invalid-from:missing")
    assert mx.send(letter()).delivered


def test_many_signatures(mx):
    """More signatures than are evaluated: the first are, the rest says why not."""
    mx.start(zone())
    message = letter()
    for _ in range(25):
        message = sign(message, "example.com", rsa_key(), headers=[b"from"])
    outcome = mx.send(message, ip=FOREIGN)
    assert outcome.field.count("dkim=pass") == 10
    assert outcome.field.count("dkim=") == 20
    assert 'dkim=policy reason="too many signatures"' in outcome.field
