"""Algorithms, key sizes and canonicalisations; and what happens to mail on its way."""

import keys
from cases import FAIL, KEYS, PASS, PERMERROR, letter
from signer import CANONS, NAMES, RELAXED, SIMPLE, tags_for

SIZES = {512: PERMERROR, 768: PERMERROR, 1016: PERMERROR, 1022: PERMERROR, 1023: PERMERROR,
         1024: PASS, 1025: PASS, 1536: PASS, 2047: PASS, 2048: PASS, 3072: PASS, 4096: PASS,
         5120: PASS, 5704: PASS, 6144: PASS, 7680: PASS, 8192: PASS}
SIGNED = NAMES + ["Cc", "X-Twice", "X-Twice"]
EITHER = {SIMPLE: PASS, RELAXED: PASS}
NEITHER = {SIMPLE: FAIL, RELAXED: FAIL}
LOOSE = {SIMPLE: FAIL, RELAXED: PASS}


def short(canon):
    """Two letters for the canonicalisations."""
    return canon[0][0] + canon[1][0]


def algorithms(suite):
    """Every size with every canonicalisation, and every way to write c=."""
    for bits, want in SIZES.items():
        key = keys.rsa(bits)
        suite.publish(f"r{bits}", key.record())
        section = "RFC 8301 section 3.2" if bits <= 4096 else "RFC 8301 section 3.2 (MAY)"
        for canon in CANONS if bits in (1024, 2048, 8192) else CANONS[3:]:
            suite.add(f"size/rsa-{bits}-{short(canon)}",
                      letter().signed(key, canon=canon, selector=f"r{bits}"), want, section)
    for selector, key in (("s1", KEYS["s1"]), ("ed", KEYS["ed"])):
        for canon in CANONS:
            suite.add(f"canon/{key.type}-{short(canon)}",
                      letter().signed(key, canon=canon, selector=selector), PASS,
                      "RFC 6376 section 3.4" if key.type == "rsa" else "RFC 8463 section 3")
        for text, canon in ((None, CANONS[0]), ("simple", CANONS[0]), ("relaxed", CANONS[2])):
            tags = tags_for(key, selector=selector).without("c")
            if text:
                tags = tags.having("c", text).first("v", "a", "c")
            suite.add(f"canon/{key.type}-c-{text or 'missing'}",
                      letter().signed(key, tags, canon=canon), PASS, "RFC 6376 section 3.5 (c=)")
            other = (SIMPLE if canon[0] == RELAXED else RELAXED, RELAXED)
            suite.add(f"canon/{key.type}-c-{text or 'missing'}-untrue",
                      letter().signed(key, tags, canon=other), FAIL, "RFC 6376 section 3.5 (c=)")
    for bits in (1024, 2048):
        for canon in CANONS:
            key = keys.rsa(bits)
            tags = tags_for(key, canon=canon, selector=f"r{bits}").having("a", "rsa-sha1")
            suite.add(f"sha1/rsa-{bits}-{short(canon)}",
                      letter().signed(key, tags, canon=canon, algorithm="sha1"), PERMERROR,
                      "RFC 8301 section 3.1")
    tags = tags_for(KEYS["s1"]).having("a", "rsa-sha1")
    suite.add("sha1/digest-is-sha256", letter().signed(KEYS["s1"], tags), PERMERROR,
              "RFC 8301 section 3.1")
    tags = tags_for(KEYS["s1"])
    suite.add("sha1/called-sha256", letter().signed(KEYS["s1"], tags, algorithm="sha1"), FAIL,
              "RFC 6376 section 3.3.2")


def _in_body(old, new):
    assert old != new
    return lambda message: message.with_body(lambda body: _once(body, old, new))


def _in_field(name, old, new):
    return lambda message: message.replaced(name, lambda field: _once(field, old, new))


def _once(text, old, new):
    assert text.count(old) == 1, (text, old)
    return text.replace(old, new)


BODY_DAMAGE = {
    "letter": (_in_body(b"Second", b"Sekond"), NEITHER),
    "case": (_in_body(b"Second", b"second"), NEITHER),
    "line-added": (lambda m: m.with_body(lambda b: b + b"-- \r\n"), NEITHER),
    "line-removed": (_in_body(b"Second line\r\n", b""), NEITHER),
    "last-line-removed": (_in_body(b"Bye\r\n", b""), NEITHER),
    "all-removed": (lambda m: m.with_body(b""), NEITHER),
    "rewrapped": (_in_body(b"Second line", b"Second\r\nline"), NEITHER),
    "joined": (_in_body(b"\r\nSecond", b" Second"), NEITHER),
    "empty-lines-at-end": (lambda m: m.with_body(lambda b: b + b"\r\n\r\n\r\n"), EITHER),
    "no-final-crlf": (lambda m: m.with_body(lambda b: b[:-2]), EITHER),
    "blank-line-at-end": (lambda m: m.with_body(lambda b: b + b" \t\r\n"), LOOSE),
    "empty-line-inside": (_in_body(b"Second line", b"\r\nSecond line"), NEITHER),
    "empty-line-removed": (_in_body(b"Bob,\r\n\r\n", b"Bob,\r\n"), NEITHER),
    "empty-line-blank": (_in_body(b"Bob,\r\n\r\n", b"Bob,\r\n \r\n"), LOOSE),
    "blanks-at-line-end": (_in_body(b"Second line", b"Second line \t"), LOOSE),
    "blanks-at-line-end-stripped": (_in_body(b"test. \r\n", b"test.\r\n"), LOOSE),
    "blanks-doubled": (_in_body(b"Second line", b"Second  line"), LOOSE),
    "blanks-squeezed": (_in_body(b"Hello  Bob", b"Hello Bob"), LOOSE),
    "blank-to-tab": (_in_body(b"Second line", b"Second\tline"), LOOSE),
    "tab-to-blanks": (_in_body(b"is\ta", b"is        a"), LOOSE),
    "blanks-removed": (_in_body(b"Hello  Bob", b"HelloBob"), NEITHER),
    "indent-doubled": (_in_body(b"\r\n this", b"\r\n  this"), LOOSE),
    "indent-added": (_in_body(b"Second line", b" Second line"), NEITHER),
    "indent-removed": (_in_body(b"\r\n this", b"\r\nthis"), NEITHER),
    "crlf-to-lf": (_in_body(b"Second line\r\n", b"Second line\n"), NEITHER),
    "crlf-to-cr": (_in_body(b"Second line\r\n", b"Second line\r"), NEITHER),
    "cr-doubled": (_in_body(b"Second line\r\n", b"Second line\r\r\n"), NEITHER),
    "nul-added": (_in_body(b"Second", b"Sec\0ond"), NEITHER),
    "eighth-bit": (_in_body(b"Second", b"Sec\xefnd"), NEITHER),
}

HEADER_DAMAGE = {
    "value": (_in_field("Subject", b"test", b"tset"), NEITHER),
    "value-case": (_in_field("Subject", b"test", b"Test"), NEITHER),
    "name-case": (_in_field("Subject", b"Subject", b"SUBJECT"), LOOSE),
    "blank-after-colon": (_in_field("Subject", b": ", b":  "), LOOSE),
    "no-blank-after-colon": (_in_field("Subject", b": ", b":"), LOOSE),
    "tab-after-colon": (_in_field("Subject", b": ", b":\t"), LOOSE),
    "blank-at-end": (_in_field("From", b">", b"> "), LOOSE),
    "blank-at-end-stripped": (_in_field("Subject", b"signatures ", b"signatures"), LOOSE),
    "blanks-squeezed": (_in_field("Subject", b"A  test", b"A test"), LOOSE),
    "blanks-removed": (_in_field("Subject", b"A  test", b"Atest"), NEITHER),
    "tab-to-blank": (_in_field("Subject", b"\t", b" "), LOOSE),
    "folded": (_in_field("Subject", b"of\t", b"of\r\n\t"), LOOSE),
    "folded-after-colon": (_in_field("Subject", b": A", b":\r\n A"), LOOSE),
    "folded-twice": (_in_field("Subject", b"of\t", b"of \r\n \t"), LOOSE),
    "unfolded": (_in_field("To", b"\r\n\t", b" "), LOOSE),
    "refolded": (_in_field("To", b"\r\n\t", b"\r\n        "), LOOSE),
    "unfolded-to-nothing": (_in_field("To", b"\r\n\t", b""), NEITHER),
    "removed": (lambda m: m.replaced("Subject", None), NEITHER),
    "emptied": (lambda m: m.replaced("Subject", "Subject:"), NEITHER),
    "renamed": (_in_field("Subject", b"Subject", b"Betreff"), NEITHER),
    "absent-added": (lambda m: m.added("Cc: mallory@example.net"), NEITHER),
    "absent-added-empty": (lambda m: m.added("Cc:"), NEITHER),
    "unsigned-added": (lambda m: m.added("X-Spam: no"), EITHER),
    "unsigned-added-below": (lambda m: m.added("X-Spam: no", -1), EITHER),
    "unsigned-changed": (lambda m: m.replaced("Received", "Received: changed"), EITHER),
    "unsigned-removed": (lambda m: m.replaced("Received", None), EITHER),
    "second-subject-above": (lambda m: m.added("Subject: Another"), EITHER),
    "second-subject-below": (lambda m: m.added("Subject: Another", -1), NEITHER),
    "second-from-above": (lambda m: m.added("From: mallory@example.net"), EITHER),
    "second-from-below": (lambda m: m.added("From: mallory@example.net", -1), NEITHER),
    "other-names-swapped": (lambda m: _swapped(m, "From", "Subject"), EITHER),
    "same-name-swapped": (lambda m: _same_swapped(m), NEITHER),
    "same-name-third-above": (lambda m: m.added("X-Twice: three"), EITHER),
    "same-name-third-below": (lambda m: m.added("X-Twice: three", -1), NEITHER),
    "same-name-one-removed": (lambda m: m.replaced("X-Twice", None), NEITHER),
    "unsigned-between": (lambda m: m.added("X-Other: x", m.index("X-Twice", 1)), EITHER),
}

SIGNATURE_DAMAGE = {
    "name-case": (_in_field("DKIM-Signature", b"DKIM-Signature", b"dkim-signature"), LOOSE),
    "blank-after-colon": (_in_field("DKIM-Signature", b": v=1", b":  v=1"), LOOSE),
    "folded": (_in_field("DKIM-Signature", b"; s=", b";\r\n\ts="), LOOSE),
    "blank-to-tab": (_in_field("DKIM-Signature", b"; s=", b";\ts="), LOOSE),
    "blank-removed": (_in_field("DKIM-Signature", b"; s=", b";s="), NEITHER),
    "blank-before-equals": (_in_field("DKIM-Signature", b"; s=", b"; s ="), NEITHER),
    "blank-after-equals": (_in_field("DKIM-Signature", b"; s=", b"; s= "), NEITHER),
    "semicolon-at-end": (lambda m: m.replaced("DKIM-Signature", lambda f: f + b";"), NEITHER),
    "tag-added": (_in_field("DKIM-Signature", b"; s=", b"; foo=bar; s="), NEITHER),
    "tags-swapped": (lambda m: m.replaced("DKIM-Signature", _v_behind_a), NEITHER),
    "h-case": (_in_field("DKIM-Signature", b":Subject", b":subject"), NEITHER),
    "h-shorter": (_in_field("DKIM-Signature", b":Subject", b""), NEITHER),
    "h-longer": (_in_field("DKIM-Signature", b":Subject", b":Subject:Reply-To"), NEITHER),
    "h-other-order": (_in_field("DKIM-Signature", b"To:Subject", b"Subject:To"), NEITHER),
    "b-folded": (lambda m: m.replaced("DKIM-Signature", _b_spread), EITHER),
    "b-unfolded": (lambda m: m.replaced("DKIM-Signature", lambda f: f.replace(b"\r\n\t", b"")),
                   EITHER),
    "b-blanks-around": (lambda m: m.replaced("DKIM-Signature",
                                             lambda f: _once(f, b"; b=", b"; b=\r\n  ") + b"\r\n "),
                        EITHER),
    "b-other-bit": (lambda m: m.replaced("DKIM-Signature", _b_bit), NEITHER),
    "b-shorter": (lambda m: m.replaced("DKIM-Signature", _b_cut), NEITHER),
    "b-of-zeros": (lambda m: m.replaced("DKIM-Signature", _b_zeros), NEITHER),
    "bh-other-bit": (lambda m: m.replaced("DKIM-Signature", _bh_bit), NEITHER),
    "bh-folded": (lambda m: m.replaced("DKIM-Signature", _bh_spread), NEITHER),
    "c-changed": (lambda m: m.replaced("DKIM-Signature", _c_changed), NEITHER),
    "s-other-key": (_in_field("DKIM-Signature", b"; s=s1", b"; s=r1025"), NEITHER),
    "d-other-case": (_in_field("DKIM-Signature", b"d=example", b"d=Example"), NEITHER),
}


def _swapped(message, one, two):
    other = message.copy()
    a, b = other.index(one), other.index(two)
    other.fields[a], other.fields[b] = other.fields[b], other.fields[a]
    return other


def _same_swapped(message):
    other = message.copy()
    a, b = other.index("X-Twice"), other.index("X-Twice", 1)
    other.fields[a], other.fields[b] = other.fields[b], other.fields[a]
    return other


def _v_behind_a(field):
    return _once(field, b"v=1; a=rsa-sha256", b"a=rsa-sha256; v=1")


def _parts(field):
    """The field up to b= and the value behind it."""
    at = field.index(b"; b=") + 4
    return field[:at], field[at:].replace(b"\r\n\t", b"")


def _b_spread(field):
    head, value = _parts(field)
    return head + b"\r\n ".join(value[i:i + 9] for i in range(0, len(value), 9))


def _b_bit(field):
    head, value = _parts(field)
    return head + value[:20] + (b"A" if value[20:21] != b"A" else b"B") + value[21:]


def _b_cut(field):
    head, value = _parts(field)
    return head + value[:-4]


def _b_zeros(field):
    head, value = _parts(field)
    return head + b"A" * (len(value) - 4) + value[-4:]


def _bh_bit(field):
    at = field.index(b"; bh=") + 10
    return field[:at] + (b"A" if field[at:at + 1] != b"A" else b"B") + field[at + 1:]


def _bh_spread(field):
    at = field.index(b"; bh=") + 10
    return field[:at] + b"\r\n " + field[at:]


def _c_changed(field):
    at = field.index(b"; c=") + 4
    end = field.index(b";", at)
    header, body = field[at:end].split(b"/")
    other = b"relaxed" if header == b"simple" else b"simple"
    return field[:at] + other + b"/" + body + field[end:]


def damage(suite):
    """Every damage to every canonicalisation."""
    tables = (("body", BODY_DAMAGE, 1, "RFC 6376 section 3.4.3-4"),
              ("header", HEADER_DAMAGE, 0, "RFC 6376 sections 3.4.1-2 and 5.4.2"),
              ("signature", SIGNATURE_DAMAGE, 0, "RFC 6376 sections 3.4.1-2 and 3.7"))
    for canon in CANONS:
        message = letter().signed(KEYS["s1"], canon=canon, names=SIGNED)
        suite.add(f"damage/none-{short(canon)}", message, PASS, "RFC 6376 section 6.1.3")
        for family, table, half, section in tables:
            for name, (change, answer) in table.items():
                suite.add(f"damage/{family}-{name}-{short(canon)}", change(message),
                          answer[canon[half]], section)
    message = letter().signed(KEYS["ed"], selector="ed", names=SIGNED)
    for name in ("letter", "blanks-doubled", "line-added", "empty-lines-at-end"):
        change, answer = BODY_DAMAGE[name]
        suite.add(f"damage/ed25519-body-{name}", change(message), answer[RELAXED],
                  "RFC 8463 section 3")
    for name in ("value", "name-case", "folded", "removed", "absent-added"):
        change, answer = HEADER_DAMAGE[name]
        suite.add(f"damage/ed25519-header-{name}", change(message), answer[RELAXED],
                  "RFC 8463 section 3")
    for name in ("b-folded", "b-other-bit", "b-shorter", "b-of-zeros"):
        change, answer = SIGNATURE_DAMAGE[name]
        suite.add(f"damage/ed25519-signature-{name}", change(message), answer[RELAXED],
                  "RFC 8463 section 3")
    tags = tags_for(KEYS["s1"]).having("a", "ed25519-sha256")
    suite.add("damage/rsa-called-ed25519", letter().signed(KEYS["s1"], tags), PERMERROR,
              "RFC 8463 section 3")


def cases(suite):
    """All of them."""
    algorithms(suite)
    damage(suite)
