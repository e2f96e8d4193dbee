"""Bodies of every kind, and l=."""

import hashlib

from cases import FAIL, KEYS, NEUTRAL, PASS, PERMERROR, POLICY, letter
from cases_damage import short
from signer import CANONS, RELAXED, SIMPLE, canonical_body, tags_for

KEY = KEYS["s1"]
MEGABYTES = 5 << 20

BODIES = {
    "empty": b"",
    "crlf": b"\r\n",
    "crlfs": b"\r\n\r\n\r\n",
    "many-crlfs": b"\r\n" * 5000,
    "one-octet": b"x",
    "no-final-crlf": b"one\r\ntwo",
    "final-blank-no-crlf": b"one\r\ntwo \t",
    "final-crlfs": b"one\r\ntwo\r\n\r\n\r\n\r\n",
    "many-final-crlfs": b"one\r\n" + b"\r\n" * 5000,
    "leading-crlfs": b"\r\n\r\none\r\n",
    "blank": b" ",
    "blanks": b" \t ",
    "blank-line": b" \r\n",
    "blank-lines": b" \r\n\t\r\n  \t \r\n",
    "final-blank-lines": b"one\r\n \r\n\t\r\n\r\n",
    "final-blank-lines-no-crlf": b"one\r\n \r\n\t\r\n ",
    "blank-line-inside": b"one\r\n \t\r\ntwo\r\n",
    "many-blank-lines": b"one\r\n" + b" \r\n" * 3000,
    "trailing-blanks": b"one \r\ntwo\t\t\r\nthree  \t\r\n",
    "leading-blanks": b" one\r\n\ttwo\r\n  \tthree\r\n",
    "inner-blanks": b"one  two\tthree \t four\r\n",
    "dots": b".\r\n..\r\n.x\r\n",
    "dashes": b"--\r\n-- \r\n--=_part--\r\n",
    "from": b"From alice\r\n>From bob\r\n",
    "nul": b"one\0two\r\n\0\r\n",
    "eight-bit": b"Gr\xc3\xbc\xc3\x9fe\r\n\xff\xfe\x80\r\n",
    "no-break-space": b"one\xa0\xa0two\xa0\r\n",
    "delete": b"one\x7f\x7ftwo\r\n",
    "controls": bytes(c for c in range(1, 32) if c not in (9, 10, 13)) + b"\r\n",
    "form-feed": b"one \x0c two \x0c\r\n\x0b \r\n",
    "long-line": b"x" * 3000 + b"\r\n",
    "long-blanks": b"one" + b" " * 3000 + b"two" + b"\t" * 3000 + b"\r\n",
    "kilobytes-of-lines": b"".join(b"%d  line \r\n" % n for n in range(4000)),
    "like-a-header": b"Subject: no\r\nDKIM-Signature: v=1\r\n\r\nx\r\n",
}
STRAY = {  # line ends that are none
    "lf": b"one\ntwo\r\n",
    "lf-at-end": b"one\r\ntwo\n",
    "lfs-at-end": b"one\r\n\n\n\n",
    "lf-then-crlf": b"one\n\r\ntwo\n\r\n",
    "blank-before-lf": b"one \ntwo\t\n\r\n",
    "cr": b"one\rtwo\r\n",
    "cr-at-end": b"one\r\ntwo\r",
    "crs-at-end": b"one\r\n\r\r\r",
    "cr-cr-lf": b"one\r\r\ntwo\r\r\n",
    "lf-cr": b"one\n\rtwo\n\r",
    "blank-before-cr": b"one \rtwo\t\r\r\n",
    "cr-only": b"\r",
    "lf-only": b"\n",
}


def bodies(suite):
    """Bodies signed as they are."""
    for name, body in BODIES.items():
        for canon in (CANONS[2], CANONS[3]):
            suite.add(f"body/{name}-{short(canon)}", letter(body).signed(KEY, canon=canon), PASS,
                      "RFC 6376 section 3.4.3-4")
    for name, body in STRAY.items():
        for canon in (CANONS[2], CANONS[3]):
            message = letter(body).signed(KEY, canon=canon)
            # A pass over a bare CR is no pass here: other readers see another text.
            want = POLICY if b"\r" in body.replace(b"\r\n", b"") else PASS
            suite.add(f"stray/{name}-{short(canon)}", message, want, "RFC 6376 section 3.4.3-4",
                      True)
            suite.add(f"stray/{name}-changed-{short(canon)}",
                      message.with_body(lambda b: b + b"x\r\n"), FAIL, "RFC 6376 section 3.4.3-4")
    empty = (b"frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=",
             b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    for canon, bh in zip(CANONS[2:], empty):
        tags = tags_for(KEY, canon=canon).having("bh", bh)
        suite.add(f"body/empty-constant-{short(canon)}", letter(b"").signed(KEY, tags, canon=canon),
                  PASS, "RFC 6376 section 3.4.3-4")
        whole = letter(b"").signed(KEY, canon=canon).bytes()
        assert whole.endswith(b"\r\n\r\n")
        suite.add(f"body/no-separator-{short(canon)}", whole[:-2], PASS, "RFC 5322 section 2.1")


def large(suite):
    """Bodies of five megabytes."""
    lines = b"".join(hashlib.sha256(b"%d" % n).hexdigest().encode() + b"  x \r\n"
                     for n in range(MEGABYTES // 70))
    for canon in CANONS[2:]:
        message = letter(lines).signed(KEY, canon=canon)
        suite.add(f"large/lines-{short(canon)}", message, PASS, "RFC 6376 section 3.4.3-4")
        suite.add(f"large/lines-changed-{short(canon)}",
                  message.with_body(lambda b: b[:-10] + b"y" + b[-9:]), FAIL,
                  "RFC 6376 section 3.4.3-4")
        suite.add(f"large/one-line-{short(canon)}",
                  letter(b"x" * MEGABYTES + b"\r\n").signed(KEY, canon=canon), PASS,
                  "RFC 6376 section 3.4.3-4")
    for name, body in (("empty-lines", b"x\r\n" + b"\r\n" * (MEGABYTES // 2)),
                       ("blanks", b"x" + b" " * MEGABYTES + b"\r\n"),
                       ("short-words", b"a " * (MEGABYTES // 2) + b"\r\n")):
        suite.add(f"large/{name}-rr", letter(body).signed(KEY), PASS, "RFC 6376 section 3.4.4",
                  slow_for=() if name == "blanks" else ("mail_dkim",))


def _limited(suite, name, l_, limit, want, body=None, change=None, canon=(RELAXED, SIMPLE), rfc=()):
    message = letter() if body is None else letter(body)
    tags = tags_for(KEY, canon=canon).adding("l", l_, 4)
    message = message.signed(KEY, tags, canon=canon, limit=limit)
    if change:
        message = message.with_body(change)
    suite.add(f"limit/{name}-{short(canon)}", message, want, "RFC 6376 sections 3.5 (l=) and 3.4.5",
              rfc)


def limits(suite):
    """l= of every kind."""
    for canon in CANONS[2:]:
        whole = len(canonical_body(letter().body, canon[1]))
        again = lambda name, l_, limit, want, **more: _limited(  # noqa: E731
            suite, name, l_, limit, want, canon=canon, **more)
        again("whole", str(whole), whole, PASS)
        again("whole-zeros-before", f"000{whole}", whole, PASS)
        again("whole-76-digits", str(whole).rjust(76, "0"), whole, PASS)
        again("whole-appended", str(whole), whole, POLICY, change=lambda b: b + b"Buy!\r\n",
              rfc=True)
        again("whole-empty-lines-appended", str(whole), whole, PASS,
              change=lambda b: b + b"\r\n\r\n")
        again("whole-changed", str(whole), whole, FAIL, change=lambda b: b"J" + b[1:])
        again("part", "10", 10, POLICY, rfc=True)
        again("part-rest-changed", "10", 10, POLICY, change=lambda b: b[:15] + b"!\r\n", rfc=True)
        again("part-changed", "10", 10, FAIL, change=lambda b: b"J" + b[1:])
        again("part-cut-there", "10", 10, PASS, body=b"12345678\r\n9\r\n",
              change=lambda b: b[:10])
        again("part-inside-crlf", "9", 9, POLICY, body=b"12345678\r\n9\r\n", rfc=True)
        again("all-but-one", str(whole - 1), whole - 1, POLICY, rfc=True)
        again("nothing", "0", 0, POLICY, rfc=True)
        again("nothing-of-nothing", "0", 0, PASS if canon[1] == RELAXED else POLICY, body=b"",
              rfc=True)
        again("one-too-many", str(whole + 1), None, PERMERROR)
        again("many-too-many", "1000000", None, PERMERROR)
        again("body-became-shorter", str(whole), whole, PERMERROR, change=lambda b: b[:-9])
        for name, number in (("31-bits", 2**31), ("32-bits", 2**32),
                             ("32-bits-wrapped", 2**32 + 10),
                             ("63-bits", 2**63), ("64-bits-less-1", 2**64 - 1),
                             ("64-bits-less-2", 2**64 - 2), ("64-bits-wrapped", 2**64 + 10),
                             ("20-digits", 10**20 - 1), ("76-digits", 10**76 - 1)):
            limit = 10 if "wrapped" in name else None
            again(name, str(number), limit, PERMERROR)
        again("77-digits", "0" * 75 + "10", 10, NEUTRAL)
        for name, text in (("empty", ""), ("sign", "+10"), ("negative", "-10"), ("minus-0", "-0"),
                           ("blank-inside", "1 0"), ("comma", "1,0"), ("point", "10.0"),
                           ("exponent", "1e1"), ("hex", "0x0a"), ("letters", "ten"),
                           ("letter-behind", "10x"), ("fullwidth", "１０"), ("star", "*")):
            again(f"malformed-{name}", text, 10 if text not in ("", "*") else None, NEUTRAL)
        again("blanks-around", " \r\n 10 ", 10, POLICY, rfc=True)
        again("relaxed-counts-canonical", "7", 7, PASS if canon[1] == RELAXED else POLICY,
              body=b"a   b \tc\t\r\n", rfc=True)


def cases(suite):
    """All of them."""
    bodies(suite)
    large(suite)
    limits(suite)
