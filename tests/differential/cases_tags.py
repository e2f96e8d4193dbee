"""Every tag of a signature missing, empty, doubled and malformed; identities, domains, times."""

from cases import BODY, FAIL, KEYS, NEUTRAL, PASS, PERMERROR, letter
from signer import NAMES, Letter, canonical_body, octets, tags_for

KEY = KEYS["s1"]
TAG_LIST = "RFC 6376 section 3.2"
SIGNATURE = "RFC 6376 section 3.5"
REQUIRED = ("v", "a", "b", "bh", "d", "h", "s")


def _usual(suite):
    """Tags with each that there is."""
    return (tags_for(KEY).adding("i", "@example.com", 4).adding("q", "dns/txt", 4)
            .adding("t", str(suite.now - 60), 5).adding("x", str(suite.now + 86400), 6)
            .adding("l", str(len(canonical_body(BODY, "relaxed"))), 7)
            .adding("z", "From:alice@example.com", 8))


def presence(suite):
    """Missing, empty, doubled, in another case."""
    usual = _usual(suite)
    suite.add("tag/all", letter().signed(KEY, usual, limit=None), PASS, SIGNATURE)
    for name, value in list(usual.list):
        required = name in REQUIRED
        # Without c= the simple body is meant, which is longer than l= says.
        tags = usual.without("l") if name == "c" else usual
        missing = tags.without(name)
        canon = ("simple", "simple") if name == "c" else ("relaxed", "relaxed")
        suite.add(f"tag/missing-{name}", letter().signed(KEY, missing, canon=canon),
                  PERMERROR if required else PASS, SIGNATURE)
        suite.add(f"tag/empty-{name}", letter().signed(KEY, usual.having(name, "")),
                  PASS if name == "z" else NEUTRAL, SIGNATURE)
        doubled = value if name != "b" else "AAAA"
        suite.add(f"tag/doubled-{name}", letter().signed(KEY, usual.adding(name, doubled)), NEUTRAL,
                  TAG_LIST)
        suite.add(f"tag/doubled-other-{name}",
                  letter().signed(KEY, usual.adding(name, "1", 0)), NEUTRAL, TAG_LIST)
        upper = tags.copy()
        upper.list = [(n.upper() if n == name else n, v) for n, v in tags.list]
        suite.add(f"tag/upper-case-{name}",
                  letter().signed(KEY, upper, canon=canon), PERMERROR if required else PASS,
                  "RFC 6376 section 3.2 (names are case-sensitive)")
        suite.add(f"tag/blank-before-equals-{name}",
                  letter().signed(KEY, octets(usual.text(";")).replace(
                      b";" + octets(name) + b"=", b";" + octets(name) + b" \t=")
                      if name != "v" else b"v \t" + octets(usual.text(";"))[1:]), PASS, TAG_LIST)


VALUES = {
    "v": {"2": NEUTRAL, "0": NEUTRAL, "1.0": NEUTRAL, "01": NEUTRAL, "0.5": NEUTRAL, "11": NEUTRAL,
          "1 1": NEUTRAL, "x": NEUTRAL, "DKIM1": NEUTRAL, " 1 ": PASS, "\r\n 1\r\n ": PASS},
    "a": {"rsa-sha512": NEUTRAL, "rsa-md5": NEUTRAL, "rsa": NEUTRAL, "sha256": NEUTRAL,
          "RSA-SHA256": NEUTRAL, "rsa-sha256x": NEUTRAL, "rsa-sha2560": NEUTRAL, "-": NEUTRAL,
          "dsa-sha256": NEUTRAL, "rsa_sha256": NEUTRAL, "rsa - sha256": NEUTRAL,
          "ed25519": NEUTRAL, "ed25519-sha512": NEUTRAL, "rsa-sha256:rsa-sha1": NEUTRAL},
    "c": {"relaxed/foo": NEUTRAL, "foo/relaxed": NEUTRAL, "nowsp": NEUTRAL, "RELAXED/RELAXED":
          NEUTRAL, "relaxed/relaxed/relaxed": NEUTRAL, "/": NEUTRAL, "relaxed/": NEUTRAL,
          "/relaxed": NEUTRAL, "relaxed / relaxed": NEUTRAL, "relaxed,relaxed": NEUTRAL},
    "q": {"dns": NEUTRAL, "http": NEUTRAL, "dns/mx": NEUTRAL, "dns/txt:foo": PASS,
          "foo:dns/txt": PASS, "foo/bar : dns/txt": PASS, "dns/txtx": NEUTRAL},
    "bh": {"====": NEUTRAL, "A": NEUTRAL, "*": NEUTRAL, "A=AA": NEUTRAL, "AA=A": NEUTRAL,
           "QUJD": FAIL, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=": FAIL,
           "AA-_": NEUTRAL, "AAAA,AAAA": NEUTRAL},
    "b": {"====": NEUTRAL, "A": NEUTRAL, "*": NEUTRAL, "AA=A": NEUTRAL, "QUJD": FAIL,
          "AA-_": NEUTRAL, "=" * 8: NEUTRAL, "\"QUJD\"": NEUTRAL, "QUJDx,": NEUTRAL},
    "z": {"": PASS, "not|copied|headers": PASS, "From:=": PASS},
}


def values(suite):
    """Values that mean nothing, or not that."""
    for name, table in VALUES.items():
        for number, (value, want) in enumerate(table.items()):
            tags = tags_for(KEY).having(name, value)
            suite.add(f"value/{name}-{number}", letter().signed(KEY, tags), want, SIGNATURE)
    lists = {
        "leading-semicolon": (lambda t: ";" + t, NEUTRAL),
        "two-semicolons": (lambda t: t.replace("; d=", ";; d="), NEUTRAL),
        "two-semicolons-blank": (lambda t: t.replace("; d=", "; ; d="), NEUTRAL),
        "two-semicolons-at-end": (lambda t: t + ";;", NEUTRAL),
        "no-equals": (lambda t: t.replace("; d=", "; foo; d="), NEUTRAL),
        "no-name": (lambda t: t.replace("; d=", "; =foo; d="), NEUTRAL),
        "name-hyphen": (lambda t: t.replace("; d=", "; x-y=foo; d="), NEUTRAL),
        "name-digit-first": (lambda t: t.replace("; d=", "; 1x=foo; d="), NEUTRAL),
        "name-underscore-first": (lambda t: t.replace("; d=", "; _x=foo; d="), NEUTRAL),
        "name-dot": (lambda t: t.replace("; d=", "; x.y=foo; d="), NEUTRAL),
        "name-two-words": (lambda t: t.replace("; d=", "; x y=foo; d="), NEUTRAL),
        "name-eight-bit": (lambda t: t.replace("; d=", "; ü=foo; d="), NEUTRAL),
        "name-long": (lambda t: t.replace("; d=", "; " + "x" * 900 + "=foo; d="), PASS),
        "value-long": (lambda t: t.replace("; d=", "; x=" + "9" * 200 + "; d="), PASS),
        "value-huge": (lambda t: t.replace("; d=", "; foo=" + "\r\n ".join(["y" * 70] * 500)
                                           + "; d="), PASS),
        "value-utf-8": (lambda t: t.replace("; d=", "; foo=Größe; d="), PASS),
        "value-control": (lambda t: t.replace("; d=", "; foo=a\x08b; d="), NEUTRAL),
        "value-delete": (lambda t: t.replace("; d=", "; foo=a\x7fb; d="), NEUTRAL),
        "value-quoted": (lambda t: t.replace("; d=", "; foo=\"a b\"; d="), PASS),
        "value-quoted-semicolon": (lambda t: t.replace("; d=", "; foo=\"a;b\"; d="), NEUTRAL),
        "comment": (lambda t: t.replace("; d=", "; (a comment) d="), NEUTRAL),
        "comma-for-semicolon": (lambda t: t.replace("; d=", ", d="), PERMERROR),
        "no-semicolon": (lambda t: t.replace("; d=", " d="), PERMERROR),
        "text-only": (lambda t: "none", NEUTRAL),
        "nothing": (lambda t: "", NEUTRAL),
        "semicolon-only": (lambda t: ";", NEUTRAL),
    }
    for name, (change, want) in lists.items():
        text = change(tags_for(KEY).text().decode())
        suite.add(f"list/{name}", letter().signed(KEY, text), want, TAG_LIST)
    for name, octet in (("nul", b"\0"), ("bad-utf-8", b"\xff"), ("cut-utf-8", b"\xc3"),
                        ("overlong", b"\xc0\xaf"), ("surrogate", b"\xed\xa0\x80")):
        text = tags_for(KEY).text().replace(b"; d=", b"; foo=a" + octet + b"b; d=")
        suite.add(f"list/value-{name}", letter().signed(KEY, text), NEUTRAL,
                  "RFC 6376 section 3.2, RFC 8616 section 4")
    for count, want in ((64, PASS), (65, NEUTRAL)):
        text = "; ".join(f"x{n}=1" for n in range(count - 8))
        text = tags_for(KEY).text() + b"; " + octets(text)
        suite.add(f"list/{count}-tags", letter().signed(KEY, text), want,
                  "RFC 6376 section 8.3 (own limit)" if want != PASS else TAG_LIST, rfc=None)


def identities(suite):
    """i= against d=, quoted and not."""
    suite.publish("strict", KEY.record("v=DKIM1; t=s; "))
    suite.publish("s1", KEY.record(), domain="xn--bcher-kva.example")
    suite.publish("s1", KEY.record(), domain="sub.example.com")
    table = {
        "domain": ("@example.com", PASS, PASS),
        "user": ("alice@example.com", PASS, PASS),
        "upper-case": ("Alice@EXAMPLE.com", PASS, PASS),
        "below": ("@lists.example.com", PASS, PERMERROR),
        "user-far-below": ("a.b+c@x.y.example.com", PASS, PERMERROR),
        "other": ("@example.net", PERMERROR, PERMERROR),
        "above": ("@com", PERMERROR, PERMERROR),
        "suffix": ("@notexample.com", PERMERROR, PERMERROR),
        "suffix-user": ("user@notexample.com", PERMERROR, PERMERROR),
        "domain-in-local-part": ("example.com@example.net", PERMERROR, PERMERROR),
        "no-at": ("example.com", NEUTRAL, NEUTRAL),
        "no-at-below": ("x.example.com", NEUTRAL, NEUTRAL),
        "empty": ("", NEUTRAL, NEUTRAL),
        "at-only": ("@", NEUTRAL, NEUTRAL),
        "user-at": ("alice@", NEUTRAL, NEUTRAL),
        "two-ats": ("a@b@example.com", NEUTRAL, NEUTRAL),
        "dots": ("a..b@example.com", NEUTRAL, NEUTRAL),
        "trailing-dot": ("@example.com.", NEUTRAL, NEUTRAL),
        "quoted": ('"a"@example.com', PASS, PASS),
        "quoted-blank": ('"a=20b"@example.com', PASS, PASS),
        "quoted-at": ('"a@b"@example.com', PASS, PASS),
        "quoted-at-as-hex": ('"a=40b"@example.com', PASS, PASS),
        "quoted-semicolon-as-hex": ('"a=3Bb"@example.com', PASS, PASS),
        "quoted-domain": ('"@example.com"@example.net', PERMERROR, PERMERROR),
        "hex-letter": ("al=69ce@example.com", PASS, PASS),
        "hex-at": ("alice=40example.com", PASS, PASS),
        "hex-lower-case": ("al=6fx@example.com", NEUTRAL, NEUTRAL),
        "hex-cut": ("al=6@example.com", NEUTRAL, NEUTRAL),
        "hex-at-end": ("alice@example.com=", NEUTRAL, NEUTRAL),
        "hex-nul": ("a=00b@example.com", NEUTRAL, NEUTRAL),
        "hex-in-domain": ("@ex=61mple.com", PASS, PASS),
        "blank-inside": ("ali\r\n ce@example.com", PASS, PASS),
        "utf-8": ("ü@example.com", PASS, PASS),
        "utf-8-as-hex": ("=C3=BC@example.com", PASS, PASS),
        "literal": ("a@[192.0.2.1]", NEUTRAL, NEUTRAL),
        "long": ("a" * 230 + "@example.com", PASS, PASS),
        "angle": ("<alice@example.com>", NEUTRAL, NEUTRAL),
        "list": ("a@example.com,b@example.com", NEUTRAL, NEUTRAL),
    }
    section = "RFC 6376 sections 3.5 (i=) and 2.11"
    open_ = ("hex-at", "hex-in-domain")  # the ABNF has them outside the quoted-printable part
    for name, (i, want, want_strict) in table.items():
        tags = tags_for(KEY).adding("i", i, 4)
        suite.add(f"identity/{name}", letter().signed(KEY, tags), want, section,
                  None if name in open_ else want == PASS)
        tags = tags_for(KEY, selector="strict").adding("i", i, 4)
        suite.add(f"identity/strict-{name}", letter().signed(KEY, tags), want_strict,
                  "RFC 6376 section 3.6.1 (t=s)", None if name in open_ else want_strict == PASS)
    tags = tags_for(KEY, selector="strict")
    suite.add("identity/strict-absent", letter().signed(KEY, tags), PASS,
              "RFC 6376 section 3.6.1 (t=s)")
    for name, d, i, want in (
            ("u-label-both", "bücher.example", "ü@bücher.example", PASS),
            ("u-label-i", "xn--bcher-kva.example", "@bücher.example", PASS),
            ("u-label-d", "bücher.example", "@xn--bcher-kva.example", PASS),
            ("u-label-upper-case", "BÜCHER.example", "@bücher.EXAMPLE", PASS),
            ("u-label-below", "bücher.example", "a@liste.bücher.example", PASS),
            ("u-label-other", "bücher.example", "a@bucher.example", PERMERROR),
            ("d-below-i", "sub.example.com", "@example.com", PERMERROR)):
        tags = tags_for(KEY, domain=d).adding("i", i, 4)
        suite.add(f"identity/{name}", letter().signed(KEY, tags), want,
                  "RFC 8616 section 4" if "label" in name else section,
                  None if "upper-case" in name else want == PASS)


def domains(suite):
    """d= and s= of every form."""
    section = "RFC 6376 section 3.5 (d=, s=)"
    for selector, domain in (("a.b.c", "example.com"), ("a_b", "example.com"),
                             ("s1", "_x.example.com"),
                             ("xn--schlssel-95a", "xn--bcher-kva.example"), ("1", "example.com"),
                             ("a" * 63, "example.com"), ("s1", "a.b.c.d.e.f.example.com")):
        suite.publish(selector, KEY.record(), domain=domain)
    table = {
        "upper-case": ("EXAMPLE.Com", "S1", PASS), "selector-dots": ("example.com", "a.b.c", PASS),
        "selector-underscore": ("example.com", "a_b", PASS),
        "selector-digit": ("example.com", "1", PASS),
        "selector-63": ("example.com", "a" * 63, PASS),
        "domain-underscore": ("_x.example.com", "s1", PASS),
        "domain-many-labels": ("a.b.c.d.e.f.example.com", "s1", PASS),
        "u-labels": ("bücher.example", "schlüssel", PASS),
        "a-labels": ("xn--bcher-kva.example", "xn--schlssel-95a", PASS),
        "u-label-upper-case": ("Bücher.Example", "SCHLÜSSEL", PASS),
        "one-label": ("com", "s1", NEUTRAL), "empty": ("", "s1", NEUTRAL),
        "dot": (".", "s1", NEUTRAL), "trailing-dot": ("example.com.", "s1", NEUTRAL),
        "leading-dot": (".example.com", "s1", NEUTRAL),
        "two-dots": ("example..com", "s1", NEUTRAL),
        "label-64": ("a" * 64 + ".example.com", "s1", NEUTRAL),
        "name-254": (".".join(["a" * 49] * 5) + ".com", "s1", NEUTRAL),
        "blank": ("exam ple.com", "s1", NEUTRAL), "slash": ("example.com/", "s1", NEUTRAL),
        "at": ("a@example.com", "s1", NEUTRAL), "parenthesis": ("example(.com", "s1", NEUTRAL),
        "quote": ('exa"mple.com', "s1", NEUTRAL), "apostrophe": ("exa'mple.com", "s1", NEUTRAL),
        "backslash": ("exa\\mple.com", "s1", NEUTRAL), "star": ("*.example.com", "s1", NEUTRAL),
        "literal": ("[192.0.2.1]", "s1", NEUTRAL), "colon": ("example.com:53", "s1", NEUTRAL),
        "selector-empty": ("example.com", "", NEUTRAL),
        "selector-trailing-dot": ("example.com", "s1.", NEUTRAL),
        "selector-leading-dot": ("example.com", ".s1", NEUTRAL),
        "selector-two-dots": ("example.com", "a..b", NEUTRAL),
        "selector-label-64": ("example.com", "a" * 64, NEUTRAL),
        "selector-blank": ("example.com", "s 1", NEUTRAL),
        "selector-at": ("example.com", "s@1", NEUTRAL),
        "selector-slash": ("example.com", "s/1", NEUTRAL),
        "selector-absent-key": ("example.com", "nothing", PERMERROR),
        "domain-absent": ("absent.example.com", "s1", PERMERROR),
    }
    for name, (d, s, want) in table.items():
        suite.add(f"domain/{name}", letter().signed(KEY, tags_for(KEY, domain=d, selector=s)), want,
                  section, None if name == "u-label-upper-case" else want == PASS)
    for name, d, s in (("nul-in-domain", b"example.com\0.example.net", b"s1"),
                       ("nul-in-selector", b"example.com", b"s1._domainkey.example.com\0x"),
                       ("latin-1", b"b\xfccher.example", b"s1"),
                       ("escape", b"example.com\x1b[2J", b"s1")):
        tags = tags_for(KEY).having("d", d).having("s", s)
        suite.add(f"domain/{name}", letter().signed(KEY, tags), NEUTRAL, section)


def times(suite):
    """t= and x=: what a verifier may refuse, the RFC does not decide."""
    now = suite.now
    section = "RFC 6376 section 3.5 (t=, x=)"
    table = {  # t, x, ours, the RFC's
        "t-now": (now, None, PASS, True), "t-60-ahead": (now + 60, None, PASS, None),
        "t-hour-ahead": (now + 3600, None, FAIL, None),
        "t-far-ahead": (now + 10**9, None, FAIL, None), "t-12-digits": ("9" * 12, None, FAIL, None),
        "t-13-digits": ("9" * 13, None, FAIL, None), "t-old": (now - 10**8, None, PASS, True),
        "t-0": (0, None, PASS, True), "t-1999": (930000000, None, PASS, True),
        "t-zeros-before": ("00" + str(now - 100), None, PASS, True),
        "x-ahead": (None, now + 3600, PASS, True), "x-60-ago": (None, now - 60, PASS, None),
        "x-hour-ago": (None, now - 3600, FAIL, None), "x-old": (None, 1000000000, FAIL, None),
        "x-0": (None, 0, FAIL, None), "x-12-digits": (None, "9" * 12, PASS, True),
        "x-13-digits": (None, "9" * 13, PASS, True), "x-20-digits": (None, "9" * 20, PASS, True),
        "x-70-digits": (None, "9" * 70, PASS, True),
        "x-zeros-before": (None, "00" + str(now + 3600), PASS, True),
        "x-after-t": (now - 60, now + 60, PASS, True), "x-is-t":
            (now - 60, now - 60, PERMERROR, False),
        "x-before-t": (now - 60, now - 120, PERMERROR, False),
        "x-long-before-t": (now - 60, 1000000000, PERMERROR, False),
        "x-one-after-t": (now - 60, now - 59, PASS, None),
        "t-huge-x-huge": ("9" * 13, "9" * 14, FAIL, None),
        "t-empty": ("", None, NEUTRAL, False), "x-empty": (None, "", NEUTRAL, False),
        "t-negative": ("-1", None, NEUTRAL, False), "x-negative": (None, "-1", NEUTRAL, False),
        "t-letters": ("now", None, NEUTRAL, False), "x-letters": (None, "never", NEUTRAL, False),
        "t-point": ("1.5", None, NEUTRAL, False), "x-sign": (None, f"+{now + 60}", NEUTRAL, False),
        "t-blank": (f"{now}"[:4] + " " + f"{now}"[4:], None, NEUTRAL, False),
        "x-hex": (None, "0x7fffffff", NEUTRAL, False),
    }
    for name, (t, x, want, rfc) in table.items():
        tags = tags_for(KEY)
        for tag, value in (("t", t), ("x", x)):
            if value is not None:
                tags = tags.adding(tag, str(value), 5)
        suite.add(f"time/{name}", letter().signed(KEY, tags), want, section, rfc)


def header_as_signature(suite):
    """A field that is no signature, or nothing but one."""
    message = Letter(["From: alice@example.com", "Subject: x"], "x\r\n")
    suite.add("tag/short-message", message.signed(KEY, names=NAMES), PASS, SIGNATURE)
    old = letter().added("DomainKey-Signature: a=rsa-sha1; q=dns; c=nofws; s=s1; d=example.com; "
                         "b=QUJD")
    suite.add("tag/domainkeys-beside", old.signed(KEY), PASS, "RFC 4870 (historic)")


def cases(suite):
    """All of them."""
    presence(suite)
    values(suite)
    identities(suite)
    domains(suite)
    times(suite)
    header_as_signature(suite)
