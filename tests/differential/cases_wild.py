"""Mail as it is met: several signatures, dkimpy's own signatures, lists, gateways, rewritings."""

import base64
import quopri
import re

import dkim

import keys
from cases import FAIL, KEYS, NEUTRAL, PASS, PERMERROR, POLICY, TEMPERROR, letter
from cases_damage import short
from signer import CANONS, NAMES, RELAXED, SIMPLE, Letter, canonical_body, tags_for

KEY, ED = KEYS["s1"], KEYS["ed"]


def several(suite):
    """Each signature has its own answer, in the order of the message."""
    section = "RFC 6376 section 6.1"
    suite.publish("s1", KEY.record(), domain="example.net")
    message = (letter().signed(KEY).signed(ED, selector="ed")
               .signed(KEY, selector="nothing").signed(KEY, tags_for(KEY).having("v", "9"))
               .signed(KEY, tags_for(KEY).without("s")).signed(KEY, body=b"other\r\n")
               .signed(KEY, selector="broken").signed(KEY, domain="example.net"))
    suite.add("several/all-kinds", message,
              [PASS, TEMPERROR, FAIL, PERMERROR, NEUTRAL, PERMERROR, PASS, PASS], section)
    every = letter()
    for canon in CANONS:
        every = every.signed(KEY, canon=canon).signed(ED, selector="ed", canon=canon)
    suite.add("several/every-canonicalisation", every, [PASS] * 8, section)
    changed = every.with_body(lambda body: body.replace(b"Second", b"Second "))
    suite.add("several/every-canonicalisation-blank-added", changed,
              [FAIL if canon[1] == SIMPLE else PASS for canon in CANONS[::-1] for _ in "ab"],
              section)
    for canon in (CANONS[0], CANONS[3]):
        limited = letter()
        for limit in (5, 20, 54):
            tags = tags_for(KEY, canon=canon).adding("l", str(limit), 4)
            limited = limited.signed(KEY, tags, canon=canon, limit=limit)
        length = len(canonical_body(limited.body, canon[1]))
        limited = limited.signed(ED, selector="ed", canon=canon)
        wants = [PASS] + [PASS if limit == length else POLICY if limit < length else PERMERROR
                          for limit in (54, 20, 5)]
        suite.add(f"several/limits-{short(canon)}", limited, wants, section,
                  [want != PERMERROR for want in wants])
    many = letter()
    for _ in range(12):
        many = many.signed(KEY, domain="example.net")
    suite.add("several/beyond-the-cap", many, [PASS] * 10 + [POLICY] * 2,
              "RFC 6376 section 8.4 (own limit)", [None] * 12)
    low = letter().signed(KEY)
    for _ in range(12):
        low = low.signed(KEY, domain="example.net")
    suite.add("several/beyond-the-cap-aligned-last", low, [PASS] * 9 + [POLICY] * 3 + [PASS],
              "RFC 6376 section 8.4 (own limit)", [None] * 13)


def by_dkimpy(suite):
    """Signatures as dkimpy writes them."""
    suite.publish("py-ed", keys.ed25519(3).record())
    signers = (("rsa-sha256", "two", KEYS["two"]), ("ed25519-sha256", "py-ed", keys.ed25519(3)))
    for algorithm, selector, key in signers:
        for canon in CANONS:
            for what, options in (("default", {}), ("length", {"length": True}),
                                  ("identity", {"identity": b"alice@example.com"}),
                                  ("names", {"include_headers": [b"from", b"from", b"subject",
                                                                 b"cc"]})):
                message = letter().bytes()
                field = dkim.sign(message, selector.encode(), b"example.com", key.private_pem(),
                                  canonicalize=(canon[0].encode(), canon[1].encode()),
                                  signature_algorithm=algorithm.encode(), **options)
                name = f"dkimpy/{key.type}-{what}-{short(canon)}"
                suite.add(name, field + message, PASS, "RFC 6376 section 3")
                suite.add(f"{name}-body-changed", field + message.replace(b"Second", b"Sekond"),
                          FAIL, "RFC 6376 section 6.1.3")
                suite.add(f"{name}-header-changed", field + message.replace(b"Subject: A",
                                                                            b"Subject: B"),
                          FAIL, "RFC 6376 section 6.1.3")


QUOTED = "Grüße aus Köln,\r\nein Satz mit  zwei Leerzeichen am Ende  \r\n=20\r\n"
HTML = "<html><body><p>Hello</p></body></html>\r\n"


def mime(parts, boundary="=_b1"):
    """A multipart body."""
    lines = ["This is a multi-part message in MIME format.", ""]
    for type_, text in parts:
        lines += [f"--{boundary}", f"Content-Type: {type_}", "", text.rstrip("\r\n"), ""]
    return "\r\n".join(lines + [f"--{boundary}--", ""])


def _eight_bit():
    return Letter(["From: alice@example.com", "To: list@lists.example.net", "Subject: Gr=?q?",
                   "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
                   "Content-Transfer-Encoding: 8bit", "Date: Mon, 01 Jun 2026 12:00:00 +0000",
                   "Message-ID: <2@example.com>"], QUOTED)


def _to_quoted(message):
    """What an MTA without 8BITMIME on the other side does."""
    body = quopri.encodestring(message.body.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return message.replaced("Content-Transfer-Encoding",
                            "Content-Transfer-Encoding: quoted-printable").with_body(body)


def _to_base64(message):
    body = base64.encodebytes(message.body).replace(b"\n", b"\r\n")
    return message.replaced("Content-Transfer-Encoding",
                            "Content-Transfer-Encoding: base64").with_body(body)


def _footer(body):
    return body + (b"_______________________________________________\r\n"
                   b"List mailing list -- list@lists.example.net\r\n")


def _subject_tag(message):
    return message.replaced("Subject", lambda f: f.replace(b"Subject:", b"Subject: [list]", 1))


def _strip(body):
    return re.sub(rb"[ \t]+(?=\r\n)", b"", body)


def _as_list(message):
    """The fields that a list adds."""
    for field in ("List-Id: <list.lists.example.net>", "Precedence: list",
                  "Sender: list-bounces@lists.example.net", "X-BeenThere: list@lists.example.net",
                  "Received: from a by b; Mon, 01 Jun 2026 12:00:01 +0000"):
        message = message.added(field)
    return message


def rewritings(suite):
    """What lists, gateways and scanners do; only what c= and l= allow holds."""
    section = "RFC 6376 sections 3.4 and 8.2"
    sender = NAMES + ["MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
    over = sender + ["From", "Subject", "Sender", "List-Id"]
    simple_text = letter(mime([("text/plain", "Hello  Bob \r\n"), ("text/html", HTML)]),
                         ["MIME-Version: 1.0",
                          'Content-Type: multipart/alternative;\r\n\tboundary="=_b1"'])
    changes = {  # header part survives, body part survives: (simple, relaxed)
        "list-fields": (_as_list, (1, 1), (1, 1)),
        "subject-tag": (_subject_tag, (0, 0), (1, 1)),
        "footer": (lambda m: m.with_body(_footer), (1, 1), (0, 0)),
        "list-fields-and-footer": (lambda m: _as_list(m).with_body(_footer), (1, 1), (0, 0)),
        "footer-as-part": (lambda m: m.with_body(
            lambda b: b.replace(b"--=_b1--", b"--=_b1\r\n\r\nfooter\r\n--=_b1--")), (1, 1), (0, 0)),
        "boundary-renamed": (lambda m: m.with_body(lambda b: b.replace(b"=_b1", b"=_b2")).replaced(
            "Content-Type", lambda f: f.replace(b"=_b1", b"=_b2")), (0, 0), (0, 0)),
        "preamble-dropped": (lambda m: m.with_body(lambda b: b[b.index(b"--=_b1"):]), (1, 1),
                             (0, 0)),
        "html-dropped": (lambda m: m.with_body(
            lambda b: b[:b.index(b"--=_b1\r\nContent-Type: text/html")] + b"--=_b1--\r\n"), (1, 1),
                         (0, 0)),
        "type-folded-anew": (lambda m: m.replaced(
            "Content-Type", lambda f: f.replace(b";\r\n\t", b";\r\n ")), (0, 1), (1, 1)),
        "type-unfolded": (lambda m: m.replaced(
            "Content-Type", lambda f: f.replace(b";\r\n\t", b"; ")), (0, 1), (1, 1)),
        "type-quotes-dropped": (lambda m: m.replaced(
            "Content-Type", lambda f: f.replace(b'"', b"")), (0, 0), (1, 1)),
        "trailing-blanks-stripped": (lambda m: m.with_body(_strip), (1, 1), (0, 1)),
        "names-recased": (lambda m: m.replaced("Message-ID", lambda f: f.replace(
            b"Message-ID", b"Message-Id")), (0, 1), (1, 1)),
        "to-rewritten": (lambda m: m.replaced("To", "To: bob@example.org, carol@example.org"),
                         (0, 1), (1, 1)),
        "from-rewritten": (lambda m: m.replaced(
            "From", 'From: "Alice via list" <list@lists.example.net>'), (0, 0), (1, 1)),
        "date-normalised": (lambda m: m.replaced("Date", "Date: Mon, 1 Jun 2026 12:00:00 +0000"),
                            (0, 0), (1, 1)),
        "dot-stuffed-twice": (lambda m: m.with_body(b"." + m.body), (1, 1), (0, 0)),
        "from-escaped": (lambda m: m.with_body(b">" + m.body), (1, 1), (0, 0)),
        "empty-line-added": (lambda m: m.with_body(lambda b: b + b"\r\n"), (1, 1), (1, 1)),
        "spam-fields": (lambda m: m.added("X-Spam-Status: No").added("X-Virus-Scanned: ok", -1),
                        (1, 1), (1, 1)),
        "received-added": (lambda m: m.added("Received: by c; now"), (1, 1), (1, 1)),
        "forwarded": (lambda m: m.added("Delivered-To: x@example.org").added(
            "Return-Path: <srs0=a@example.org>"), (1, 1), (1, 1)),
    }
    for canon in CANONS:
        for mark, signed in (("once", sender), ("over", over)):
            message = simple_text.signed(KEY, canon=canon, names=signed)
            for name, (change, header, body) in changes.items():
                if mark == "over" and "list-fields" in name:
                    header = (0, 0)  # it signed that there is none
                holds = header[canon[0] == RELAXED] and body[canon[1] == RELAXED]
                suite.add(f"wild/{name}-{mark}-{short(canon)}", change(message),
                          PASS if holds else FAIL, section)
    for canon in CANONS[2:]:
        message = _eight_bit().signed(KEY, canon=canon, names=sender)
        suite.add(f"wild/8bit-{short(canon)}", message, PASS, section)
        suite.add(f"wild/8bit-to-quoted-printable-{short(canon)}", _to_quoted(message), FAIL,
                  "RFC 6376 section 5.3")
        suite.add(f"wild/8bit-to-base64-{short(canon)}", _to_base64(message), FAIL,
                  "RFC 6376 section 5.3")
        encoded = _to_quoted(_eight_bit()).signed(KEY, canon=canon, names=sender)
        suite.add(f"wild/quoted-printable-{short(canon)}", encoded, PASS, section)
        suite.add(f"wild/quoted-printable-rewrapped-{short(canon)}", encoded.with_body(
            lambda b: b.replace(b"aus", b"a=\r\nus")), FAIL, section)
        suite.add(f"wild/quoted-printable-soft-break-blank-{short(canon)}", encoded.with_body(
            lambda b: b.replace(b"=20\r\n", b"=20 \r\n")), PASS if canon[1] == RELAXED else FAIL,
                  section)
        suite.add(f"wild/8bit-without-mime-{short(canon)}", letter("Größe\r\n").signed(
            KEY, canon=canon), PASS, section)


def footers(suite):
    """A list's footer behind l=: the signature holds, and what it leaves out is told."""
    section = "RFC 6376 sections 3.5 (l=) and 8.2"
    for canon in CANONS:
        length = len(canonical_body(letter().body, canon[1]))
        tags = tags_for(KEY, canon=canon).adding("l", str(length), 4)
        message = letter().signed(KEY, tags, canon=canon)
        suite.add(f"wild/l-untouched-{short(canon)}", message, PASS, section)
        suite.add(f"wild/l-footer-{short(canon)}", message.with_body(_footer), POLICY, section,
                  True)
        suite.add(f"wild/l-list-and-footer-{short(canon)}",
                  _as_list(message).with_body(_footer), POLICY, section, True)
        suite.add(f"wild/l-footer-and-subject-tag-{short(canon)}",
                  _subject_tag(message).with_body(_footer), FAIL, section)
        suite.add(f"wild/l-footer-in-front-{short(canon)}",
                  message.with_body(lambda b: b"Please note:\r\n" + b), FAIL, section)
        suite.add(f"wild/l-empty-lines-{short(canon)}",
                  message.with_body(lambda b: b + b"\r\n\r\n"), PASS, section)
        suite.add(f"wild/l-then-signed-by-list-{short(canon)}",
                  message.with_body(_footer).signed(KEY, domain="example.net", canon=canon),
                  [PASS, POLICY], section, [True, True])


def cases(suite):
    """All of them."""
    several(suite)
    by_dkimpy(suite)
    rewritings(suite)
    footers(suite)
