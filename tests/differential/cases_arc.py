"""ARC chains: whole ones of 1 to 50 sets, and each kind of damage."""

import re

import keys
from cases import FAIL, KEYS, NONE, PASS, TEMPERROR, letter
from cases_damage import short
from chain import AAR, AMS, SEAL, Chain, aar_value
from signer import CANONS, NAMES, RELAXED, octets

KEY, ED = KEYS["s1"], KEYS["ed"]
STRUCTURE = "RFC 8617 section 5.2 step 3"
VALIDATE = "RFC 8617 section 5.2"
AMS_SECTION = "RFC 8617 section 4.1.2"
SEAL_SECTION = "RFC 8617 section 4.1.3"


def base(**more):
    """A message that its author signed."""
    return Chain(letter(**more).signed(KEY))


def _bit(field):
    """The field with one character of its b= changed."""
    at = field.index(b"; b=") + 10
    return field[:at] + (b"A" if field[at:at + 1] != b"A" else b"B") + field[at + 1:]


def _footer(message):
    return message.with_body(lambda body: body + b"-- \r\na list\r\n")


def whole(suite):
    """Chains that hold."""
    suite.publish("arc", KEY.record(), domain="sealer.example")
    suite.publish("arc", keys.rsa(1025).record(), domain="second.example")
    suite.publish("ed", ED.record(), domain="sealer.example")
    suite.publish("s1", KEY.record(), domain="sealer.example")
    suite.add_arc("arc/none", letter(), NONE, VALIDATE)
    suite.add_arc("arc/none-but-signed", letter().signed(KEY), NONE, VALIDATE)
    slow = ("mail_dkim",)
    for count in (1, 2, 3, 4, 5, 10, 15):
        suite.add_arc(f"arc/whole-{count}", base().sealed(count), PASS, VALIDATE, oldest_pass=0)
    long = base().sealed(49)
    suite.add_arc("arc/whole-49", long, PASS, VALIDATE, oldest_pass=0, slow_for=slow)
    long = long.seal()
    suite.add_arc("arc/whole-50", long, PASS, VALIDATE, oldest_pass=0, slow_for=slow)
    suite.add_arc("arc/whole-50-body-changed", long.changed(_footer), FAIL, VALIDATE,
                  slow_for=slow)
    suite.add_arc("arc/whole-51", long.seal(), FAIL, "RFC 8617 section 4.2.1", slow_for=slow)
    for canon in CANONS:
        suite.add_arc(f"arc/canon-{short(canon)}", base().seal(canon=canon), PASS, AMS_SECTION)
        suite.add_arc(f"arc/canon-2-{short(canon)}", base().sealed(2, canon=canon), PASS,
                      AMS_SECTION)
    for bits in (512, 1023, 1024, 2048, 4096, 8192):
        key = keys.rsa(bits)
        suite.publish(f"r{bits}", key.record(), domain="sealer.example")
        chain = Chain(letter().signed(KEY), key, selector=f"r{bits}").seal()
        suite.add_arc(f"arc/rsa-{bits}", chain, PASS if bits >= 1024 else FAIL,
                      "RFC 8617 section 4.1.3, RFC 8301 section 3.2")
    chain = Chain(letter().signed(KEY), ED, selector="ed").sealed(3)
    suite.add_arc("arc/ed25519", chain, PASS, "RFC 8617 section 4.1.2, RFC 8463")
    suite.add_arc("arc/ed25519-body-changed", chain.changed(_footer), FAIL, VALIDATE)
    other = base().seal(ams=lambda t: t.having("d", "second.example"), ams_key=keys.rsa(1025))
    suite.add_arc("arc/two-domains-in-a-set", other, PASS, SEAL_SECTION)
    two = base().seal()
    two.key, two.domain = keys.rsa(1025), "second.example"
    suite.add_arc("arc/two-sealers", two.seal(), PASS, VALIDATE, oldest_pass=0)
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (0, 2, 1)):
        suite.add_arc("arc/order-" + "".join(map(str, order)), base().sealed(2, order=order), PASS,
                      "RFC 8617 section 4.1 (order is of no account)")
    chain = base().sealed(3)
    mixed = chain.changed(lambda m: _sorted(m))
    suite.add_arc("arc/fields-at-the-bottom", mixed, PASS, "RFC 8617 section 4.1")
    suite.add_arc("arc/author-unsigned", Chain(letter()).sealed(2), PASS, VALIDATE)


def _sorted(message):
    other = message.copy()
    other.fields.sort(key=lambda field: field.startswith(b"ARC-"))
    return other


def on_the_way(suite):
    """What may and may not happen between sealers and us."""
    add = suite.add_arc
    one, two, three = (base().sealed(count) for count in (1, 2, 3))
    for name, chain in (("1", one), ("2", two), ("3", three)):
        add(f"arc/body-changed-{name}", chain.changed(_footer), FAIL, VALIDATE)
        add(f"arc/subject-changed-{name}",
            chain.changed(lambda m: m.replaced("Subject", "Subject: x")), FAIL, VALIDATE)
        add(f"arc/unsigned-added-{name}", chain.changed(lambda m: m.added("X-Spam: no")), PASS,
            VALIDATE)
        add(f"arc/blanks-in-body-{name}", chain.changed(lambda m: m.with_body(
            lambda b: b.replace(b"Second", b"Second "))), PASS, VALIDATE)
        add(f"arc/signature-removed-{name}", chain.changed(
            lambda m: m.replaced("DKIM-Signature", None)), FAIL, VALIDATE)
        add(f"arc/authentication-results-added-{name}", chain.changed(
            lambda m: m.added("Authentication-Results: mx.example.org; none")), PASS, VALIDATE)
    for count in (2, 3, 10):
        chain = base().sealed(count - 1).changed(_footer).seal()
        add(f"arc/list-{count}", chain, PASS, VALIDATE, oldest_pass=count)
        chain = base().seal().changed(_footer).sealed(count - 1)
        add(f"arc/list-first-{count}", chain, PASS, VALIDATE, oldest_pass=2)
        add(f"arc/list-{count}-body-changed", chain.changed(
            lambda m: m.with_body(b"x\r\n")), FAIL, VALIDATE)
    chain = base().seal().changed(lambda m: m.replaced("Subject", "Subject: [l] x")).seal()
    add("arc/list-subject", chain, PASS, VALIDATE, oldest_pass=2)
    for count in (1, 2, 5):
        chain = base().sealed(count)
        for instance in sorted({1, 2, count} & set(range(count + 1))):
            for field in (AMS, SEAL):
                add(f"arc/b-changed-{count}-{instance}-{field}", chain.field(field, instance, _bit),
                    FAIL, VALIDATE)
            add(f"arc/aar-changed-{count}-{instance}",
                chain.field(AAR, instance, lambda f: f.replace(b"spf=pass", b"spf=fail")), FAIL,
                VALIDATE)
            add(f"arc/blank-added-{count}-{instance}",
                chain.field(AAR, instance, lambda f: f.replace(b"\r\n\t", b"   ")), PASS,
                "RFC 8617 section 5.1.1 (relaxed)")
            add(f"arc/names-recased-{count}-{instance}", chain.field(
                SEAL, instance, lambda f: f.replace(b"ARC-Seal", b"Arc-seal")).field(
                    AAR, instance, lambda f: f.replace(b"Results", b"RESULTS")), PASS,
                "RFC 8617 section 5.1.1 (relaxed)")
            for field in (AAR, AMS, SEAL):
                add(f"arc/missing-{count}-{instance}-{field}", chain.field(field, instance, None),
                    FAIL, STRUCTURE)
                add(f"arc/doubled-{count}-{instance}-{field}", chain.changed(
                    lambda m, f=field, c=count, i=instance: m.added(m.fields[m.index(f, c - i)])),
                    FAIL, STRUCTURE)
    gone = three
    for field in (AAR, AMS, SEAL):
        gone = gone.changed(lambda m, f=field: m.replaced(f, None, 1))
    add("arc/gap-2-of-3", gone, FAIL, STRUCTURE)
    gone = three
    for field in (AAR, AMS, SEAL):
        gone = gone.changed(lambda m, f=field: m.replaced(f, None, 2))
    add("arc/gap-1-of-3", gone, FAIL, STRUCTURE)
    gone = two
    for field in (AAR, AMS, SEAL):
        gone = gone.changed(lambda m, f=field: m.replaced(f, None, 0))
    add("arc/newest-removed", gone, PASS, VALIDATE)
    gone = base().seal().changed(_footer).seal()
    for field in (AAR, AMS, SEAL):
        gone = gone.changed(lambda m, f=field: m.replaced(f, None, 0))
    add("arc/newest-removed-body-changed", gone, FAIL, VALIDATE)
    for field in (AAR, AMS, SEAL):
        gone = Chain(letter().signed(KEY))
        add(f"arc/alone-{field}", gone.changed(
            lambda m, f=field: m.added(two.message.fields[two.message.index(f, 1)])), FAIL,
            STRUCTURE)
    replayed = Chain(letter(body=b"Buy!\r\n"))
    for field in reversed(one.message.fields[:3]):
        replayed = replayed.changed(lambda m, f=field: m.added(f))
    add("arc/replayed-onto-another", replayed, FAIL, VALIDATE)


def instances(suite):
    """i= of every form in each of the three fields."""
    bad = {"missing": None, "empty": "", "0": "0", "letter": "a", "51": "51", "negative": "-1",
           "point": "1.0", "two": "2", "list": "1,1", "hex": "0x1", "three-digits": "001",
           "99": "99", "100": "100", "huge": "9" * 30, "32-bits": str(2**32 + 1), "sign": "+1"}
    for name, value in bad.items():
        def change(tags, value=value):
            return tags.without("i") if value is None else tags.having("i", value)

        more = {"rfc": None if name == "three-digits" else (),
                "slow_for": ("mail_dkim",) if name in ("huge", "32-bits") else ()}
        section = "RFC 8617 section 4.2.1"
        suite.add_arc(f"arc/i-{name}-AMS", base().seal(ams=change), FAIL, section, **more)
        suite.add_arc(f"arc/i-{name}-AS", base().seal(seal=change), FAIL, section, **more)
        aar = aar_value(1).replace("i=1; ", "" if value is None else f"i={value}; ", 1)
        suite.add_arc(f"arc/i-{name}-AAR", base().seal(aar=aar), FAIL, section, **more)
    suite.add_arc("arc/i-01-everywhere", base().seal(
        ams=lambda t: t.having("i", "01"), seal=lambda t: t.having("i", "01"),
        aar=aar_value("01")), PASS, "RFC 8617 section 4.2.1 (1*2DIGIT)")
    for name, aar, want in (
            ("blanks", " i = 1 ; mx.example.org; spf=pass", PASS),
            ("folded", "\r\n\ti=1;\r\n\tmx.example.org;\r\n\tspf=pass", PASS),
            ("comment", "(a comment) i=1; mx.example.org; spf=pass", PASS),
            ("comments", "i(x)=(y)1(z);mx.example.org; none", PASS),
            ("none", "i=1; mx.example.org; none", PASS),
            ("no-space", "i=1;mx.example.org;none", PASS),
            ("not-first", "mx.example.org; i=1; spf=pass", FAIL),
            ("no-semicolon", "i=1", FAIL), ("no-semicolon-text", "i=1 mx.example.org; none", FAIL),
            ("upper-case", "I=1; mx.example.org; none", FAIL),
            ("no-equals", "i 1; mx.example.org; none", FAIL), ("empty", "", FAIL),
            ("long", "i=1; mx.example.org;" + " spf=pass smtp.mailfrom=a.example;" * 400
             + " spf=none", PASS)):
        suite.add_arc(f"arc/aar-{name}", base().seal(aar=aar), want, "RFC 8617 section 4.1.1")
    third = base().sealed(2).seal(instance=2)
    suite.add_arc("arc/i-second-of-2", third, FAIL, STRUCTURE)
    suite.add_arc("arc/i-starts-at-2", base().seal(instance=2, cv="none"), FAIL, STRUCTURE)
    suite.add_arc("arc/i-starts-at-2-pass", base().seal(instance=2, cv="pass"), FAIL, STRUCTURE)
    suite.add_arc("arc/i-1-and-3", base().seal().seal(instance=3), FAIL, STRUCTURE)
    suite.add_arc("arc/i-1-and-50", base().seal().seal(instance=50), FAIL, STRUCTURE)


def statuses(suite):
    """cv= of every kind."""
    section = SEAL_SECTION
    for count, cv, want in ((1, "pass", FAIL), (1, "fail", FAIL), (2, "none", FAIL),
                            (2, "fail", FAIL), (3, "none", FAIL), (3, "fail", FAIL)):
        suite.add_arc(f"arc/cv-{cv}-at-{count}", base().sealed(count - 1).seal(cv=cv), want,
                      section)
    suite.add_arc("arc/cv-fail-then-pass", base().seal().seal(cv="fail").seal(), FAIL, section)
    suite.add_arc("arc/cv-fail-first-then-pass", base().seal(cv="fail").seal(), FAIL, section)
    for name, change in (
            ("missing", lambda t: t.without("cv")), ("empty", lambda t: t.having("cv", "")),
            ("other", lambda t: t.having("cv", "Foo")), ("prefix", lambda t: t.having("cv", "non")),
            ("longer", lambda t: t.having("cv", "nonee")),
            ("two-words", lambda t: t.having("cv", "none pass")),
            ("upper-case-name", lambda t: t.without("cv").adding("CV", "none"))):
        suite.add_arc(f"arc/cv-{name}", base().seal(seal=change), FAIL, section)
    suite.add_arc("arc/cv-missing-2", base().seal().seal(seal=lambda t: t.without("cv")), FAIL,
                  section)
    suite.add_arc("arc/cv-missing-1-of-2", base().seal(seal=lambda t: t.without("cv")).seal(), FAIL,
                  section)
    suite.add_arc("arc/cv-in-AMS", base().seal(ams=lambda t: t.adding("cv", "fail", 2)), PASS,
                  AMS_SECTION)


SEAL_TAGS = {
    "h": (lambda t: t.adding("h", "From", 2), FAIL, True),
    "h-empty": (lambda t: t.adding("h", "", 2), FAIL, True),
    "unknown": (lambda t: t.adding("w", "1", 2), PASS, True),
    "unknown-like-b": (lambda t: t.adding("ab", "1", 2), PASS, True),
    "c-simple": (lambda t: t.adding("c", "simple/simple", 2), PASS, True),
    "doubled": (lambda t: t.adding("t", "1700000000", 2), FAIL, True),
    "doubled-d": (lambda t: t.adding("d", "sealer.example"), FAIL, True),
    "upper-case-a": (lambda t: t.without("a").adding("A", "rsa-sha256", 2), FAIL, True),
    "a-missing": (lambda t: t.without("a"), FAIL, True),
    "a-other": (lambda t: t.having("a", "foo"), FAIL, True),
    "a-empty": (lambda t: t.having("a", ""), FAIL, True),
    "d-missing": (lambda t: t.without("d"), FAIL, True),
    "d-empty": (lambda t: t.having("d", ""), FAIL, True),
    "d-bad": (lambda t: t.having("d", "sealer..example"), FAIL, True),
    "d-upper-case": (lambda t: t.having("d", "Sealer.EXAMPLE"), PASS, True),
    "s-missing": (lambda t: t.without("s"), FAIL, True),
    "s-empty": (lambda t: t.having("s", ""), FAIL, True),
    "s-absent-key": (lambda t: t.having("s", "absent"), FAIL, True),
    "b-missing": (lambda t: t.without("b"), FAIL, True),
    "b-empty": (lambda t: t.having("b", ""), FAIL, True),
    "b-bad": (lambda t: t.having("b", "!!!"), FAIL, True),
    "t-missing": (lambda t: t.without("t"), PASS, True),
    "t-empty": (lambda t: t.having("t", ""), FAIL, True),
    "t-letters": (lambda t: t.having("t", "now"), FAIL, True),
    "semicolon-at-end": (lambda t: t.text() + b";", PASS, True),
    "two-semicolons": (lambda t: t.text().replace(b"; d=", b";; d="), FAIL, True),
    "no-equals": (lambda t: t.text().replace(b"; d=", b"; foo; d="), FAIL, True),
    "blanks": (lambda t: t.text("  ;\r\n\t", " = "), PASS, True),
    "one-line": (lambda t: t.text(";"), PASS, True),
    "b-first": (lambda t: t.first("b").text(), PASS, None),
    "i-last": (lambda t: t.without("i").adding("i", "1").text(), PASS, None),
    "v": (lambda t: t.adding("v", "1", 1), PASS, None),
}
AMS_TAGS = {
    "unknown": (lambda t: t.adding("w", "1", 2), PASS, True),
    "unknown-like-b": (lambda t: t.adding("ab", "1", 2), PASS, True),
    "v": (lambda t: t.adding("v", "1", 2), PASS, None),
    "doubled": (lambda t: t.adding("t", "1700000000", 2), FAIL, True),
    "a-missing": (lambda t: t.without("a"), FAIL, True),
    "a-other": (lambda t: t.having("a", "foo"), FAIL, True),
    "d-missing": (lambda t: t.without("d"), FAIL, True),
    "d-empty": (lambda t: t.having("d", ""), FAIL, True),
    "d-bad": (lambda t: t.having("d", "sealer..example"), FAIL, True),
    "s-missing": (lambda t: t.without("s"), FAIL, True),
    "s-absent-key": (lambda t: t.having("s", "absent"), FAIL, True),
    "h-missing": (lambda t: t.without("h"), FAIL, True),
    "bh-missing": (lambda t: t.without("bh"), FAIL, True),
    "bh-empty": (lambda t: t.having("bh", ""), FAIL, True),
    "bh-bad": (lambda t: t.having("bh", "!!!"), FAIL, True),
    "b-missing": (lambda t: t.without("b"), FAIL, True),
    "b-bad": (lambda t: t.having("b", "!!!"), FAIL, True),
    "c-empty": (lambda t: t.having("c", ""), FAIL, True),
    "c-other": (lambda t: t.having("c", "foo/bar"), FAIL, True),
    "t-missing": (lambda t: t.without("t"), PASS, True),
    "t-letters": (lambda t: t.having("t", "now"), FAIL, True),
    "semicolon-at-end": (lambda t: t.text() + b";", PASS, True),
    "two-semicolons": (lambda t: t.text().replace(b"; d=", b";; d="), FAIL, True),
    "folds": (lambda t: t.text(";\r\n\t", " = "), PASS, True),
    "b-first": (lambda t: t.first("b").text(), PASS, None),
}


def tags(suite):
    """The tags of ARC-Seal and ARC-Message-Signature."""
    for name, (change, want, decided) in SEAL_TAGS.items():
        suite.add_arc(f"arc/seal-{name}", base().seal(seal=change), want, SEAL_SECTION,
                      () if decided else None)
        if name not in ("i-last",):
            lower = base().seal(seal=change).seal()
            suite.add_arc(f"arc/seal-{name}-1-of-2", lower, want, SEAL_SECTION,
                          () if decided else None)
    for name, (change, want, decided) in AMS_TAGS.items():
        suite.add_arc(f"arc/ams-{name}", base().seal(ams=change), want, AMS_SECTION,
                      () if decided else None)
    simple = CANONS[0]
    suite.add_arc("arc/ams-c-missing", base().seal(canon=simple, ams=lambda t: t.without("c")),
                  PASS, "RFC 6376 section 3.5 (c=)")
    suite.add_arc("arc/ams-c-missing-but-relaxed", base().seal(ams=lambda t: t.without("c")), FAIL,
                  "RFC 6376 section 3.5 (c=)")
    suite.add_arc("arc/ams-c-half", base().seal(
        canon=CANONS[2], ams=lambda t: t.having("c", "relaxed")), PASS, "RFC 6376 section 3.5 (c=)")
    for name, names, want, rfc in (
            ("covers-seal", NAMES + [SEAL], FAIL, ()), ("covers-aar", NAMES + [AAR], FAIL, None),
            ("covers-ams", NAMES + [AMS], PASS, None),
            ("covers-authentication-results", NAMES + ["Authentication-Results"], PASS, None),
            ("h-without-from", ["Subject"], FAIL, None), ("h-empty", [""], FAIL, None),
            ("h-oversigned", NAMES + ["From", "Cc"], PASS, ())):
        suite.add_arc(f"arc/ams-{name}", base().seal(names=names), want, AMS_SECTION, rfc)
    for name, l_, limit, want, rfc in (("whole", None, None, PASS, ()), ("part", "10", 10, None, 0),
                                       ("too-long", "9999", None, FAIL, ())):
        chain = base()
        if want is None:
            continue
        length = l_ or str(len(letter().body))
        if name == "whole":
            chain = base().seal(canon=CANONS[0], ams=lambda t, v=length: t.adding("l", v, 4))
        else:
            chain = base().seal(limit=limit, ams=lambda t, v=length: t.adding("l", v, 4))
        suite.add_arc(f"arc/ams-l-{name}", chain, want, AMS_SECTION, rfc)
    expired = base().seal(ams=lambda t: t.adding("x", "1700000001", 4))
    suite.add_arc("arc/ams-expired", expired, FAIL, AMS_SECTION, None)


def algorithms_and_keys(suite):
    """rsa-sha1, and keys that cannot be had."""
    sha1 = lambda t: t.having("a", "rsa-sha1")  # noqa: E731
    section = "RFC 8301 section 3.1"
    suite.add_arc("arc/sha1-both", base().seal(ams=sha1, seal=sha1, algorithm="sha1"), FAIL,
                  section)
    suite.add_arc("arc/sha1-called-sha256", base().seal(algorithm="sha1"), FAIL, section)
    suite.publish("arcrevoked", "v=DKIM1; p=", domain="sealer.example")
    suite.publish("arcnotmail", KEY.record("v=DKIM1; s=tlsrpt; "), domain="sealer.example")
    suite.publish("arcsha1", KEY.record("v=DKIM1; h=sha1; "), domain="sealer.example")
    suite.publish("arcother", keys.rsa(1024, number=7).record(), domain="sealer.example")
    suite.publish("arctwo", KEY.record(), keys.rsa(1024, number=7).record(),
                  domain="sealer.example")
    suite.failing.add("arcbroken._domainkey.sealer.example")
    for name, want, rfc in (("revoked", FAIL, ()), ("notmail", FAIL, ()), ("sha1", FAIL, ()),
                            ("other", FAIL, ()), ("two", FAIL, None), ("broken", TEMPERROR, ())):
        for field in ("ams", "seal"):
            change = {field: lambda t, n=name: t.having("s", f"arc{n}")}
            suite.add_arc(f"arc/key-{name}-{field}", base().seal(**change), want,
                          "RFC 8617 section 5.2, RFC 6376 section 3.6.1", rfc)
    lower = base().seal(ams=lambda t: t.having("s", "absent")).seal()
    suite.add_arc("arc/key-absent-of-older-AMS", lower, PASS, "RFC 8617 section 5.2 step 5",
                  oldest_pass=2)
    lower = base().seal(seal=lambda t: t.having("s", "absent")).seal()
    suite.add_arc("arc/key-absent-of-older-seal", lower, FAIL, "RFC 8617 section 5.2 step 6")
    suite.publish("arc", KEY.record(), domain="xn--bcher-kva.example")
    u_label = Chain(letter().signed(KEY), domain="bücher.example")
    suite.add_arc("arc/u-label", u_label.seal(), PASS, "RFC 8616 section 4")
    a_label = Chain(letter().signed(KEY), domain="xn--bcher-kva.example")
    suite.add_arc("arc/a-label", a_label.seal(), PASS, "RFC 8616 section 4")
    for count in (2, 3):
        chain = base().sealed(count - 1).seal(covered=0)
        suite.add_arc(f"arc/seal-over-own-set-only-{count}", chain, FAIL, SEAL_SECTION)
    stripped = base().sealed(2)
    stripped = stripped.field(SEAL, 1, lambda f: re.sub(rb"; b=.*", b"; b=", f, flags=re.S))
    suite.add_arc("arc/b-emptied-1-of-2", stripped, FAIL, VALIDATE)
    swapped = base().seal()
    swapped = swapped.field(SEAL, 1, lambda f: f.replace(octets("cv=none"), b"cv=pass"))
    suite.add_arc("arc/cv-changed", swapped, FAIL, VALIDATE)
    for name, body in (("empty", b""), ("no-final-crlf", b"x"), ("lines", b"\r\n" * 9),
                       ("eight-bit", b"\xff\0\r\n")):
        for canon in ((RELAXED, RELAXED), CANONS[0]):
            suite.add_arc(f"arc/body-{name}-{short(canon)}", base(body=body).seal(canon=canon),
                          PASS, "RFC 6376 section 3.4.3-4")


def cases(suite):
    """All of them."""
    whole(suite)
    on_the_way(suite)
    instances(suite)
    statuses(suite)
    tags(suite)
    algorithms_and_keys(suite)
