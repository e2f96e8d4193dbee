"""Key records of every kind (RFC 6376 section 3.6.1), and what the DNS may answer."""

import base64

import keys
from cases import FAIL, KEYS, PASS, PERMERROR, TEMPERROR, letter
from signer import tags_for

KEY, ED = KEYS["s1"], KEYS["ed"]
RECORD = "RFC 6376 section 3.6.1"
P, ED_P = KEY.public(), ED.public()


def _der(record):
    return keys.b64(record)


def _padless(text):
    return text.rstrip("=")


SPKI = base64.b64decode(P)
PKCS1 = keys.pkcs1(KEY.n, KEY.e)
EC = keys.b64(keys.der(
    0x30, keys.der(0x30, bytes.fromhex("06072a8648ce3d020106082a8648ce3d030107")),
    keys.der(3, b"\0\4", bytes(range(64)))))
RSA = {  # record or records: ours
    "v-k-p": (f"v=DKIM1; k=rsa; p={P}", PASS),
    "p": (f"p={P}", PASS), "k-p": (f"k=rsa; p={P}", PASS), "p-k": (f"p={P}; k=rsa", PASS),
    "no-blanks": (f"v=DKIM1;k=rsa;p={P}", PASS),
    "blanks": (f" v = DKIM1 ;  k = rsa ; p = {P} ", PASS),
    "tabs": (f"v=DKIM1;\tk=rsa;\tp={P}", PASS),
    "semicolon-at-end": (f"v=DKIM1; p={P};", PASS),
    "semicolons-at-end": (f"v=DKIM1; p={P};;", PASS),
    "semicolons-inside": (f"v=DKIM1;; p={P}", PASS),
    "semicolon-at-start": (f"; p={P}", PASS),
    "pkcs1": (f"v=DKIM1; p={_der(PKCS1)}", PASS),
    "p-blanks": (f"v=DKIM1; p={' '.join(P[i:i + 9] for i in range(0, len(P), 9))}", PASS),
    "p-padless": (f"v=DKIM1; p={_padless(_der(PKCS1))}", PASS),
    "p-empty": ("v=DKIM1; p=", PERMERROR), "p-empty-semicolon": ("v=DKIM1; k=rsa; p=;", PERMERROR),
    "p-blank": ("v=DKIM1; p= ", PERMERROR),
    "p-missing": ("v=DKIM1; k=rsa", PERMERROR),
    "p-upper-case-name": (f"v=DKIM1; P={P}", PERMERROR),
    "p-not-base64": ("v=DKIM1; p=!!!!", PERMERROR), "p-url-base64": (
        f"v=DKIM1; p={P.replace('+', '-').replace('/', '_')}-", PERMERROR),
    "p-quoted": (f'v=DKIM1; p="{P}"', PERMERROR),
    "p-cut": (f"v=DKIM1; p={P[:-40]}", PERMERROR),
    "p-cut-der": (f"v=DKIM1; p={_der(SPKI[:-9])}", PERMERROR),
    "p-garbage": (f"v=DKIM1; p={_der(b'garbage' * 20)}", PERMERROR),
    "p-der-length-overflow": (
        f"v=DKIM1; p={_der(bytes.fromhex('3084ffffffff') + SPKI)}", PERMERROR),
    "p-der-trailing": (f"v=DKIM1; p={_der(SPKI + b'x')}", PERMERROR),
    "p-of-ec-key": (f"v=DKIM1; p={EC}", PERMERROR),
    "p-zero-modulus": (f"v=DKIM1; p={_der(keys.spki(0, 65537))}", PERMERROR),
    "p-even-modulus": (f"v=DKIM1; p={_der(keys.spki(KEY.n & ~1, 65537))}", PERMERROR),
    "p-exponent-1": (f"v=DKIM1; p={_der(keys.spki(KEY.n, 1))}", PERMERROR),
    "p-exponent-even": (f"v=DKIM1; p={_der(keys.spki(KEY.n, 65536))}", PERMERROR),
    "v-other": (f"v=DKIM2; p={P}", PERMERROR), "v-lower-case": (f"v=dkim1; p={P}", PERMERROR),
    "v-empty": (f"v=; p={P}", PERMERROR), "v-1": (f"v=1; p={P}", PERMERROR),
    "v-longer": (f"v=DKIM10; p={P}", PERMERROR), "v-spf": (f"v=spf1; p={P}", PERMERROR),
    "v-not-first": (f"k=rsa; v=DKIM1; p={P}", PERMERROR),
    "v-last": (f"p={P}; v=DKIM1", PERMERROR),
    "v-upper-case-name": (f"V=DKIM1; p={P}", PASS),
    "k-upper-case": (f"v=DKIM1; k=RSA; p={P}", PERMERROR),
    "k-unknown": (f"v=DKIM1; k=dsa; p={P}", PERMERROR),
    "k-empty": (f"v=DKIM1; k=; p={P}", PERMERROR),
    "k-ed25519": (f"v=DKIM1; k=ed25519; p={P}", PERMERROR),
    "k-ed25519-real": (f"v=DKIM1; k=ed25519; p={ED_P}", PERMERROR),
    "h-sha256": (f"v=DKIM1; h=sha256; p={P}", PASS),
    "h-both": (f"v=DKIM1; h=sha1:sha256; p={P}", PASS),
    "h-blanks": (f"v=DKIM1; h= sha1 : sha256 ; p={P}", PASS),
    "h-unknown-too": (f"v=DKIM1; h=sha999:sha256; p={P}", PASS),
    "h-sha1": (f"v=DKIM1; h=sha1; p={P}", PERMERROR),
    "h-sha512": (f"v=DKIM1; h=sha512; p={P}", PERMERROR),
    "h-prefix": (f"v=DKIM1; h=sha2567; p={P}", PERMERROR),
    "h-upper-case": (f"v=DKIM1; h=SHA256; p={P}", PERMERROR),
    "h-empty": (f"v=DKIM1; h=; p={P}", PERMERROR),
    "s-email": (f"v=DKIM1; s=email; p={P}", PASS), "s-star": (f"v=DKIM1; s=*; p={P}", PASS),
    "s-list": (f"v=DKIM1; s=tlsrpt:email; p={P}", PASS),
    "s-list-star": (f"v=DKIM1; s=foo : *; p={P}", PASS),
    "s-other": (f"v=DKIM1; s=tlsrpt; p={P}", PERMERROR),
    "s-unknown": (f"v=DKIM1; s=web; p={P}", PERMERROR),
    "s-prefix": (f"v=DKIM1; s=emails; p={P}", PERMERROR),
    "s-empty": (f"v=DKIM1; s=; p={P}", PERMERROR),
    "t-y": (f"v=DKIM1; t=y; p={P}", PASS), "t-s": (f"v=DKIM1; t=s; p={P}", PASS),
    "t-both": (f"v=DKIM1; t=y:s; p={P}", PASS),
    "t-unknown": (f"v=DKIM1; t=z:foo; p={P}", PASS), "t-empty": (f"v=DKIM1; t=; p={P}", PASS),
    "g-star": (f"v=DKIM1; g=*; p={P}", PASS), "g-other": (f"v=DKIM1; g=bob; p={P}", PASS),
    "g-empty": (f"v=DKIM1; g=; p={P}", PASS),
    "n": (f"v=DKIM1; n=A=20note, with punctuation!; p={P}", PASS),
    "n-long": (f"v=DKIM1; n={'note ' * 400}; p={P}", PASS),
    "n-utf-8": (f"v=DKIM1; n=Schlüssel; p={P}", PASS),
    "unknown-tags": (f"v=DKIM1; foo=bar; x_1=; p={P}", PASS),
    "doubled-p": (f"v=DKIM1; p={P}; p={P}", PERMERROR),
    "doubled-k": (f"v=DKIM1; k=rsa; k=rsa; p={P}", PERMERROR),
    "doubled-v": (f"v=DKIM1; v=DKIM1; p={P}", PERMERROR),
    "doubled-unknown": (f"v=DKIM1; x=1; x=2; p={P}", PERMERROR),
    "no-equals": (f"v=DKIM1; foo; p={P}", PERMERROR),
    "bad-name": (f"v=DKIM1; 1a=b; p={P}", PERMERROR),
    "escaped-semicolon": (f"v=DKIM1\\; p={P}", PERMERROR),
    "quoted": (f'"v=DKIM1; p={P}"', PERMERROR),
    "comma": (f"v=DKIM1, p={P}", PERMERROR),
    "empty": ("", PERMERROR), "text": ("hello", PERMERROR), "control": (f"v=DKIM1; n=\x01; p={P}",
                                                                        PERMERROR),
    "other-key": (keys.rsa(1024, number=7).record(), FAIL),
    "strings-two": ((f"v=DKIM1; k=rsa; p={P[:80]}", P[80:]), PASS),
    "strings-inside-tag": (("v=DK", "IM1; k=r", f"sa; p={P}"), PASS),
    "strings-many": (tuple(f"v=DKIM1; p={P}"[i:i + 3] for i in range(0, len(P) + 11, 3)), PASS),
    "strings-empty": (("", f"v=DKIM1; p={P}", "", ""), PASS),
    "strings-blank-between": ((f"v=DKIM1; p={P[:80]} ", f" {P[80:]}"), PASS),
}
SEVERAL = {
    "with-spf": (["v=spf1 -all", f"v=DKIM1; p={P}"], PASS),
    "with-text": ([f"v=DKIM1; p={P}", "hello world"], PASS),
    "with-dmarc": (["v=DMARC1; p=none", f"v=DKIM1; p={P}"], PASS),
    "twice-the-same": ([f"v=DKIM1; p={P}", f"v=DKIM1;p={P}"], PERMERROR),
    "two-keys": ([f"v=DKIM1; p={P}", keys.rsa(1024, number=7).record()], PERMERROR),
    "key-and-revoked": ([f"v=DKIM1; p={P}", "v=DKIM1; p="], PERMERROR),
    "key-and-other-version": ([f"v=DKIM1; p={P}", f"v=DKIM2; p={P}"], PASS),
    "rsa-and-ed25519": ([f"v=DKIM1; p={P}", ED.record()], PERMERROR),
    "none-is-a-key": (["v=spf1 -all", "hello"], PERMERROR),
}
ED25519 = {
    "v-k-p": (f"v=DKIM1; k=ed25519; p={ED_P}", PASS), "k-p": (f"k=ed25519; p={ED_P}", PASS),
    "p-padless": (f"k=ed25519; p={_padless(ED_P)}", PASS),
    "p-blanks": (f"k=ed25519; p={ED_P[:20]} {ED_P[20:]}", PASS),
    "k-missing": (f"v=DKIM1; p={ED_P}", PERMERROR), "k-rsa": (f"k=rsa; p={ED_P}", PERMERROR),
    "k-upper-case": (f"k=Ed25519; p={ED_P}", PERMERROR),
    "rsa-key": (f"v=DKIM1; k=rsa; p={P}", PERMERROR),
    "31": (f"k=ed25519; p={_der(base64.b64decode(ED_P)[:31])}", PERMERROR),
    "33": (f"k=ed25519; p={_der(base64.b64decode(ED_P) + b'x')}", PERMERROR),
    "64": (f"k=ed25519; p={_der(base64.b64decode(ED_P) * 2)}", PERMERROR),
    "spki": ("k=ed25519; p=" + _der(bytes.fromhex("302a300506032b6570032100")
                                    + base64.b64decode(ED_P)), PERMERROR),
    "empty": ("k=ed25519; p=", PERMERROR), "h-sha1": (f"k=ed25519; h=sha1; p={ED_P}", PERMERROR),
    "h-sha256": (f"k=ed25519; h=sha256; p={ED_P}", PASS),
    "other-key": (keys.ed25519(5).record(), FAIL),
    "zeros": (f"k=ed25519; p={_der(bytes(32))}", FAIL),
    "not-a-point": (f"k=ed25519; p={_der(bytes([2]) + bytes(31))}", FAIL),
}
EXPONENTS = {"3": (3, PASS), "17": (17, PASS), "33-bits": (4294967297 + 14, PASS)}


def records(suite):
    """One record, good or bad."""
    undecided = ("v-upper-case-name", "p-padless", "semicolons-at-end", "semicolons-inside",
                 "semicolon-at-start", "h-empty", "s-empty", "p-blank")
    for number, (name, (record, want)) in enumerate(RSA.items()):
        selector = f"k{number}"
        suite.publish(selector, record)
        suite.add(f"key/{name}", letter().signed(KEY, selector=selector), want, RECORD,
                  None if name in undecided else want == PASS)
    for number, (name, (several, want)) in enumerate(SEVERAL.items()):
        suite.publish(f"m{number}", *several)
        suite.add(f"key/several-{name}", letter().signed(KEY, selector=f"m{number}"), want,
                  "RFC 6376 section 3.6.2.2 (undefined)",
                  False if name == "none-is-a-key" else None)
    for number, (name, (record, want)) in enumerate(ED25519.items()):
        suite.publish(f"e{number}", record)
        suite.add(f"key/ed25519-{name}", letter().signed(ED, selector=f"e{number}"), want,
                  "RFC 8463 sections 3 and 4", None if name == "p-padless" else want == PASS)
    for name, (e, want) in EXPONENTS.items():
        key = keys.rsa(1024, e=e)
        suite.publish(f"exp{name}", key.record())
        suite.add(f"key/exponent-{name}", letter().signed(key, selector=f"exp{name}"), want,
                  "RFC 8017 section 3.1")
    huge = keys.rsa(1024, e=(1 << 70) + 25)
    suite.publish("exphuge", huge.record())
    suite.add("key/exponent-71-bits", letter().signed(huge, selector="exphuge"), PERMERROR,
              "RFC 6376 section 8.3 (own limit)", None)
    suite.publish("key9000", f"v=DKIM1; n={'x' * 9000}; p={P}")
    suite.add("key/record-over-8-kilobytes", letter().signed(KEY, selector="key9000"), PERMERROR,
              "RFC 6376 section 8.3 (own limit)", None)
    big = keys.rsa(8192)
    suite.publish("bign", big.record(f"v=DKIM1; k=rsa; n={'x' * 4000}; "))
    suite.add("key/8192-bits-long-n", letter().signed(big, selector="bign"), PASS, RECORD)
    for bits in (2048, 8192):
        key = keys.rsa(bits)
        suite.publish(f"pk{bits}", f"v=DKIM1; p={keys.b64(keys.pkcs1(key.n, key.e))}")
        suite.add(f"key/pkcs1-{bits}", letter().signed(key, selector=f"pk{bits}"), PASS, RECORD)
    suite.publish("over", "v=DKIM1; p=" + keys.b64(keys.spki((1 << 8200) + 1, 65537)))
    suite.add("key/8201-bits", letter().signed(big, selector="over"), PERMERROR,
              "RFC 8301 section 3.2 (own limit)")


def signatures(suite):
    """Signatures that do not have the form of the key's."""
    section = "RFC 8017 section 8.2.2"
    size = KEY.bits // 8
    for name, form in (("longer", lambda raw: b"\0" + raw), ("shorter", lambda raw: raw[1:]),
                       ("empty-octet", lambda raw: b"\0"), ("zero", lambda raw: bytes(size)),
                       ("one", lambda raw: bytes(size - 1) + b"\1"),
                       ("modulus", lambda raw: KEY.n.to_bytes(size, "big")),
                       ("modulus-added", lambda raw: (int.from_bytes(raw, "big") + KEY.n)
                        .to_bytes(size + 1, "big"))):
        message = letter().signed(
            KEY, b_form=lambda v, f=form: base64.b64encode(f(base64.b64decode(v))))
        suite.add(f"raw/rsa-{name}", message, FAIL, section)
    order = 2**252 + 27742317777372353535851937790883648493
    for name, form in (
            ("longer", lambda raw: raw + b"\0"), ("shorter", lambda raw: raw[:-1]),
            ("zeros", lambda raw: bytes(64)), ("r-only", lambda raw: raw[:32]),
            ("s-zero", lambda raw: raw[:32] + bytes(32)),
            ("s-plus-order", lambda raw: raw[:32] + (
                int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little"))):
        message = letter().signed(
            ED, selector="ed", b_form=lambda v, f=form: base64.b64encode(f(base64.b64decode(v))))
        suite.add(f"raw/ed25519-{name}", message, FAIL, "RFC 8032 section 5.1.7")
    message = letter().signed(KEY, b_form=lambda v: v.rstrip(b"="))
    suite.add("raw/b-padless", message, PASS, "RFC 6376 section 2.10", None)


class _Raw:
    """A key that signs the message itself, not its hash, as early signers did."""

    type = "ed25519"

    @staticmethod
    def sign(data, _algorithm):
        return ED.pair.sign(data).signature


def answers(suite):
    """What the DNS may say."""
    section = "RFC 6376 section 6.1.2"
    suite.add("dns/nxdomain", letter().signed(KEY, selector="absent"), PERMERROR, section)
    suite.publish("x.below", KEY.record())
    suite.add("dns/nodata", letter().signed(KEY, selector="below"), PERMERROR, section)
    suite.failing.add("broken._domainkey.example.com")
    suite.add("dns/servfail", letter().signed(KEY, selector="broken"), TEMPERROR, section)
    suite.add("raw/ed25519-without-hash", letter().signed(_Raw, selector="ed"), FAIL,
              "RFC 8463 section 3")
    rsa_pem = tags_for(KEY).having("a", "rsa-sha256")
    suite.add("dns/upper-case-question",
              letter().signed(KEY, rsa_pem.having("s", "S1").having("d", "EXAMPLE.COM")), PASS,
              "RFC 4343")


def cases(suite):
    """All of them."""
    records(suite)
    signatures(suite)
    answers(suite)
