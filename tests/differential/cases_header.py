"""Forms of fields: folds in the signature and in what it signs, and what h= may name."""

from cases import FAIL, KEYS, NEUTRAL, PASS, PERMERROR, letter
from cases_damage import short
from signer import (B, BH, CANONS, NAMES, RELAXED, Letter, complete, hashed, select, tags_for)

KEY = KEYS["s1"]
TAG_LIST = "RFC 6376 section 3.2"


def _folded_h(separator):
    return separator.join(NAMES)


def _every(width):
    return lambda value: b"\r\n ".join(value[i:i + width] for i in range(0, len(value), width))


FORMS = {  # tag-list, form of b=
    "one-line": (lambda t: t.text(";"), lambda v: v),
    "blank-between": (lambda t: t.text("; "), lambda v: v),
    "blanks-between": (lambda t: t.text("  ;  "), lambda v: v),
    "tab-between": (lambda t: t.text(";\t"), lambda v: v),
    "fold-between": (lambda t: t.text(";\r\n\t"), _every(64)),
    "fold-of-blanks-between": (lambda t: t.text(" \t;  \r\n \t  "), _every(64)),
    "fold-before-semicolon": (lambda t: t.text("\r\n ; "), _every(64)),
    "fold-after-equals": (lambda t: t.text("; ", "=\r\n "), _every(64)),
    "fold-before-equals": (lambda t: t.text("; ", "\r\n ="), _every(64)),
    "blank-before-equals": (lambda t: t.text("; ", " ="), _every(64)),
    "blank-after-equals": (lambda t: t.text("; ", "= "), _every(64)),
    "blanks-around-equals": (lambda t: t.text(" ; ", " \t= \t"), _every(64)),
    "folds-everywhere": (lambda t: t.text("\r\n ;\r\n ", "\r\n =\r\n "), _every(5)),
    "b-first": (lambda t: t.first("b").text(), _every(60)),
    "b-in-the-middle": (lambda t: t.first("v", "a", "b").text(), _every(60)),
    "b-before-bh": (lambda t: t.first("v", "b", "bh").text(), _every(60)),
    "bh-first": (lambda t: t.first("bh").text(), _every(60)),
    "b-only-folds-at-end": (lambda t: t.text() + b"\r\n\t", _every(60)),
    "b-folded-per-octet": (lambda t: t.text(), _every(1)),
    "b-blanks-inside": (lambda t: t.text(), lambda v: v[:10] + b" \t " + v[10:]),
    "b-blanks-around": (lambda t: t.having("b", b" \r\n " + B + b" ").text(), lambda v: v),
    "b-blanks-around-in-middle": (
        lambda t: t.having("b", b"\t" + B + b" \r\n\t").first("v", "b").text(), _every(60)),
    "b-blanks-before-semicolon": (
        lambda t: t.having("b", B + b"  ").first("v", "b").text(";"), lambda v: v),
    "h-blanks": (lambda t: t.having("h", _folded_h(" : ")).text(), _every(60)),
    "h-folds": (lambda t: t.having("h", _folded_h(":\r\n\t")).text(), _every(60)),
    "h-folds-before": (lambda t: t.having("h", _folded_h("\r\n :")).text(), _every(60)),
    "h-lower-case": (lambda t: t.having("h", _folded_h(":").lower()).text(), _every(60)),
    "h-upper-case": (lambda t: t.having("h", _folded_h(":").upper()).text(), _every(60)),
    "bh-blank-inside": (lambda t: t.text(), None),
    "bh-fold-inside": (lambda t: t.text(), None),
    "bh-folds-around": (lambda t: t.having("bh", b"\r\n " + BH + b"\r\n ").text(), _every(60)),
    "a-folded-around": (lambda t: t.having("a", "\r\n rsa-sha256\r\n ").text(), _every(60)),
    "c-folded-around": (None, _every(60)),
    "semicolon-at-end": (lambda t: t.text() + b";", _every(60)),
    "semicolon-and-fold-at-end": (lambda t: t.text() + b";\r\n ", _every(60)),
    "blanks-at-start": (lambda t: b"\r\n\t  " + t.text(), _every(60)),
    "no-blank-at-start": (lambda t: t.text(), _every(60)),
    "unknown-tag": (lambda t: t.adding("foo", "bar", 2).text(), _every(60)),
    "unknown-tag-folded": (lambda t: t.adding("foo", "a\r\n b  c", 2).text(), _every(60)),
    "unknown-tag-empty": (lambda t: t.adding("foo", "", 2).text(), _every(60)),
    "unknown-tag-with-equals": (lambda t: t.adding("foo", "b=c==", 2).text(), _every(60)),
    "unknown-tag-like-b": (lambda t: t.adding("ab", "c", 2).text(), _every(60)),
    "unknown-tag-like-b-last": (lambda t: t.adding("ab", "c").text(), _every(60)),
    "unknown-tag-like-b-digit": (lambda t: t.adding("b2", "c", 2).text(), _every(60)),
    "unknown-tag-like-b-underscore": (lambda t: t.adding("x_b", "c", 2).text(), _every(60)),
    "unknown-tag-capital-b": (lambda t: t.adding("B", "c", 2).text(), _every(60)),
    "unknown-tag-b-capital-h": (lambda t: t.adding("bH", "c", 2).text(), _every(60)),
    "unknown-tag-capital-bh": (lambda t: t.adding("BH", "c", 2).text(), _every(60)),
    "unknown-tag-value-like-b": (lambda t: t.adding("foo", "b=AAAA", 2).text(), _every(60)),
    "unknown-tag-value-blank-b": (lambda t: t.adding("foo", "x b=AAAA", 2).text(), _every(60)),
    "z": (lambda t: t.adding("z", "From:foo@eng.example.net|To:joe@example.com|"
                             "Subject:demo=20run", 2).text(), _every(60)),
    "z-folded": (lambda t: t.adding("z", "From:foo@eng.example.net|\r\n\tTo:joe@example.com|"
                                    "\r\n  Subject:demo=20run", 2).text(), _every(60)),
    "every-tag": (lambda t: t.adding("q", "dns/txt", 2).adding("i", "@example.com", 2)
                  .adding("t", "1700000000", 3).adding("x", "9999999999", 3).text(), _every(60)),
    "other-order": (lambda t: t.first("h", "b", "s", "d", "bh", "c", "a", "v").text(), _every(60)),
    "q-list": (lambda t: t.adding("q", "x509/ldap : dns/txt", 2).text(), _every(60)),
}


def folds(suite):
    """One signature in every form, under every header canonicalisation."""
    for name, (text, b_form) in FORMS.items():
        for canon in (CANONS[0], CANONS[3]):
            tags = tags_for(KEY, canon=canon)
            if name == "c-folded-around":
                list_ = tags.having("c", "\r\n " + "/".join(canon) + " \r\n ").text()
            else:
                list_ = text(tags)
            space = "" if name == "no-blank-at-start" else " "
            if b_form is None:
                message = _with_broken_bh(list_, canon, b"\r\n " if "fold" in name else b" ")
            else:
                message = letter().signed(KEY, list_, canon=canon, b_form=b_form, space=space)
            suite.add(f"form/{name}-{short(canon)}", message, PASS, TAG_LIST)
    for width in (0, 1, 3, 7, 19):
        for canon in CANONS[1:3]:
            text = tags_for(KEY, canon=canon).text(";" + " " * width + "\r\n" + " " * (width + 1))
            suite.add(f"form/fold-{width}-{short(canon)}",
                      letter().signed(KEY, text, canon=canon), PASS, TAG_LIST)


def _with_broken_bh(text, canon, gap):
    """White space within bh= is of no account (section 3.5)."""
    message = letter()
    template = hashed(b"DKIM-Signature: " + text, message.body, canon[1])
    at = template.index(b"bh=") + 12
    template = template[:at] + gap + template[at:]
    return message.added(complete(template, select(message.fields, NAMES), KEY, canon[0]))


FIELDS = {
    "folded": b"X-Test: one\r\n two\r\n\tthree",
    "folded-at-once": b"X-Test:\r\n one",
    "folded-blanks": b"X-Test: one  \r\n \t two",
    "folded-blank-line": b"X-Test: one\r\n \r\n two",
    "no-blank": b"X-Test:one",
    "tab": b"X-Test:\tone",
    "blanks": b"X-Test:   one   ",
    "empty": b"X-Test:",
    "blank-only": b"X-Test: ",
    "tab-and-fold-only": b"X-Test:\t\r\n \t",
    "blank-before-colon": b"X-Test : one",
    "tab-before-colon": b"X-Test\t: one",
    "upper-case": b"X-TEST: ONE",
    "colons": b"X-Test: a:b:c::",
    "semicolons": b"X-Test: a; b=c; ;",
    "long": b"X-Test: " + b"y" * 5000,
    "long-folded": b"X-Test: " + b"\r\n ".join([b"y" * 70] * 400),
    "many-folds": b"X-Test:" + b"\r\n y" * 3000,
    "eight-bit": "X-Test: Grüße €".encode(),
    "latin-1": b"X-Test: Gr\xfc\xdfe",
    "encoded-word": b"X-Test: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=",
    "quoted": b'X-Test: "a  b" (c  d)',
    "delete": b"X-Test: a\x7fb",
    "control": b"X-Test: a\x08b",
    "form-feed": b"X-Test: a \x0c b",
    "vertical-tab": b"X-Test: a \x0b b",
    "no-break-space": "X-Test: a\u00a0b\u00a0".encode(),
}
NAMES_OF_FIELDS = [b"X!#$%&'*+-/=?^_`{|}~Test", b"X", b"x-1", b"X_Test", b"X.Test",
                   b"X" * 900, b'X"Test', b"X(Test)", b"X,Test", b"X<Test>", b"X@Test", b"X\\Test"]


def signed_fields(suite):
    """Fields of every form, signed."""
    for name, field in FIELDS.items():
        for canon in (CANONS[0], CANONS[2]):
            suite.add(f"field/{name}-{short(canon)}", letter(extra=[field])
                      .signed(KEY, canon=canon, names=NAMES + ["X-Test"]), PASS,
                      "RFC 6376 sections 3.4.1-2", True)
    for number, name in enumerate(NAMES_OF_FIELDS):
        text = tags_for(KEY).having("h", ":".join(NAMES).encode() + b":" + name)
        suite.add(f"field/name-{number}", letter(extra=[name + b": one"])
                  .signed(KEY, text, names=NAMES + [name]), PASS,
                  "RFC 5322 section 2.2 (ftext), RFC 6376 section 3.5 (h=)")
    message = letter(extra=["X-Test: one"])
    text = tags_for(KEY).having("h", ":".join(NAMES) + ":X;Test")
    suite.add("field/name-semicolon", message.signed(KEY, text), NEUTRAL, TAG_LIST)


def _h(suite, name, h, names, want, section="RFC 6376 section 3.5 (h=)", message=None,
       canon=(RELAXED, RELAXED), rfc=()):
    text = tags_for(KEY, canon=canon).having("h", h)
    message = (message or letter()).signed(KEY, text, names=names, canon=canon)
    suite.add(f"names/{name}", message, want, section, rfc)
    return message


def names(suite):
    """What h= may name, and must."""
    section = "RFC 6376 section 5.4.2"
    for canon in (CANONS[0], CANONS[3]):
        mark = short(canon)
        once = _h(suite, f"from-once-{mark}", "From", ["From"], PASS, canon=canon)
        twice = _h(suite, f"from-oversigned-{mark}", "From:From", ["From"] * 2, PASS, canon=canon)
        suite.add(f"names/from-once-second-above-{mark}", once.added("From: m@example.net"), PASS,
                  section)
        suite.add(f"names/from-oversigned-second-above-{mark}",
                  twice.added("From: m@example.net"), FAIL, section)
        suite.add(f"names/from-oversigned-second-below-{mark}",
                  twice.added("From: m@example.net", -1), FAIL, section)
        absent = ["From", "Cc", "Bcc", "Reply-To", "Cc", "To"]
        _h(suite, f"absent-{mark}", ":".join(absent), absent, PASS, section, canon=canon)
        both = _h(suite, f"twice-there-{mark}", "From:X-Twice:X-Twice",
                  ["From", "X-Twice", "X-Twice"], PASS, section, canon=canon)
        suite.add(f"names/twice-there-third-below-{mark}", both.added("X-Twice: x", -1), FAIL,
                  section)
        _h(suite, f"lower-is-meant-{mark}", "From:X-Twice", ["From", "X-Twice"], PASS, section,
           canon=canon)
        upper = letter().replaced("X-Twice", None, 1)
        message = _h(suite, f"one-there-{mark}", "From:X-Twice", ["From", "X-Twice"], PASS, section,
                     upper, canon)
        suite.add(f"names/upper-was-meant-{mark}", message.added("X-Twice: two", -1), FAIL, section)
        suite.add(f"names/upper-added-{mark}", message.added("X-Twice: zero", 1), PASS, section)
    _h(suite, "order", "Subject:From:Date:To", ["Subject", "From", "Date", "To"], PASS)
    _h(suite, "order-untrue", "Subject:From:Date:To", ["From", "To", "Subject", "Date"], FAIL)
    _h(suite, "mixed-case", "fRoM:sUBJECT", ["From", "Subject"], PASS)
    _h(suite, "500", "From" + ":X-Y" * 499, ["From"], PASS)
    _h(suite, "501", "From" + ":X-Y" * 500, ["From"], NEUTRAL, "RFC 6376 section 8.3 (own limit)",
       rfc=None)
    _h(suite, "over-4-kilobytes", ":\r\n ".join(["From"] + ["X-" + "y" * 40] * 120), ["From"], PASS)
    _h(suite, "over-1-kilobyte", ":\r\n ".join(["From"] + ["X-" + "y" * 40] * 30), ["From"], PASS)
    _h(suite, "long-name", "From:" + "X" * 900, ["From"], PASS)
    _h(suite, "no-from", "To:Subject", ["To", "Subject"], PERMERROR, "RFC 6376 section 5.4")
    _h(suite, "no-from-but-like-it", "From-X:XFrom:Fro", [], PERMERROR, "RFC 6376 section 5.4")
    for name, h in (("empty", ""), ("colon", ":"), ("empty-first", ":From"),
                    ("empty-last", "From:"),
                    ("empty-inside", "From::To"), ("blank-inside", "From:To Subject"),
                    ("comma", "From,To"), ("folded-inside-name", "From:Sub\r\n ject"),
                    ("eight-bit", "From:X-Größe")):
        want = NEUTRAL if name != "comma" else PERMERROR
        _h(suite, f"malformed-{name}", h, ["From"], want)
    _h(suite, "authentication-results", "From:Authentication-Results:Received",
       ["From", "Authentication-Results", "Received"], PASS)
    no_from = letter().replaced("From", None)
    _h(suite, "from-not-there", "From:To", ["From", "To"], PASS, "RFC 6376 section 5.4", no_from,
       rfc=None)


def signatures_signed(suite):
    """DKIM-Signature in h= means the others (RFC 6376 sections 3.5 and 3.7)."""
    section = "RFC 6376 section 3.5 (h=)"
    more = NAMES + ["DKIM-Signature"]
    for canon in (CANONS[0], CANONS[3]):
        mark = short(canon)
        alone = letter().signed(KEY, canon=canon, names=more)
        suite.add(f"covers/none-there-{mark}", alone, PASS, section)
        suite.add(f"covers/none-there-one-added-{mark}", alone.signed(KEY, canon=canon),
                  [PASS, FAIL], section)
        pair = letter().signed(KEYS["ed"], selector="ed", canon=canon).signed(
            KEY, canon=canon, names=more)
        suite.add(f"covers/lower-{mark}", pair, [PASS, PASS], section)
        suite.add(f"covers/lower-b-changed-{mark}",
                  pair.replaced("DKIM-Signature", lambda f: f[:-10] + b"AAAA" + f[-6:], 1),
                  [FAIL, FAIL], section)
        suite.add(f"covers/lower-removed-{mark}", pair.replaced("DKIM-Signature", None, 1), FAIL,
                  section)
        suite.add(f"covers/third-added-above-{mark}", pair.signed(KEY, canon=canon),
                  [PASS, PASS, PASS], section)
        chain = letter()
        for count in range(4):
            chain = chain.signed(KEY, canon=canon, names=NAMES + ["DKIM-Signature"] * count)
        suite.add(f"covers/chain-{mark}", chain, [PASS] * 4, section)
        broken = letter().signed(KEY, tags_for(KEY).having("v", "2"), canon=canon).signed(
            KEY, canon=canon, names=more)
        suite.add(f"covers/unreadable-lower-{mark}", broken, [PASS, NEUTRAL], section)
        over = letter().signed(KEYS["ed"], selector="ed", canon=canon).signed(
            KEY, canon=canon, names=NAMES + ["DKIM-Signature"] * 3)
        suite.add(f"covers/more-than-there-{mark}", over, [PASS, PASS], section)


def rfc_examples(suite):
    """RFC 8463 appendix A: the message, the keys and the signatures of the RFC itself."""
    suite.publish("brisbane", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                  domain="football.example.com")
    suite.publish("test", "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
                  "iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
                  "DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
                  "Ip3G+2kryOTIKT+l/K4w3QIDAQAB", domain="football.example.com")
    message = Letter([
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
        " d=football.example.com; i=@football.example.com;\r\n"
        " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
        " subject : date : message-id : from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
        " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
        " d=football.example.com; i=@football.example.com;\r\n"
        " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
        " date : message-id : from : subject : date;\r\n"
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
        " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
        " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
        " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
        "From: Joe SixPack <joe@football.example.com>",
        "To: Suzie Q <suzie@shopping.example.net>",
        "Subject: Is dinner ready?",
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>"],
        "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n")
    suite.add("example/rfc8463", message, [PASS, PASS], "RFC 8463 appendix A")
    suite.add("example/rfc8463-changed",
              message.with_body(lambda b: b.replace(b"lost", b"won")), [FAIL, FAIL],
              "RFC 8463 appendix A")


def cases(suite):
    """All of them."""
    folds(suite)
    signed_fields(suite)
    names(suite)
    signatures_signed(suite)
    rfc_examples(suite)
