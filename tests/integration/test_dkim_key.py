"""DKIM keys as the field publishes them, good and bad (attacks.md D3, D4)."""

import pytest

import zones
from letter import letter
from signing import ed25519_key, rsa_key, sign

FOREIGN = "203.0.113.9"


def judge(mx, records, key, **options):
    """A message signed by example.com whose key record is this; DKIM's part of the outcome."""
    selector = zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject",
                            keys={"s1": records})
    mx.start(selector)
    outcome = mx.send(sign(letter(), options.pop("domain", "example.com"), key, **options),
                      ip=FOREIGN)
    signature, = outcome.check["dkim"]
    assert outcome.log["dkim"] == f"{signature['result']}:{signature['domain']}"
    assert (outcome.code == 250) == (signature["result"] == "pass")
    assert (signature["reason"] is None) == (signature["result"] == "pass")
    return signature


@pytest.mark.parametrize("bits, result", [(512, "permerror"), (768, "permerror"), (1024, "pass"),
                                          (4096, "pass")])
def test_rsa_sizes(mx, bits, result):
    """dkim.min_rsa_bits is 1024."""
    key = rsa_key(bits)
    signature = judge(mx, [key.record()], key)
    assert (signature["result"], signature["bits"]) == (result, bits)


@pytest.mark.parametrize("record, result", [
    ("p={p}", "pass"),
    ("k=rsa; p={p}", "pass"),
    ("v=DKIM1; k=rsa; h=sha256; s=email; n=a note; p={p}", "pass"),
    ("v=DKIM1; t=y; p={p}", "pass"),
    ("v=DKIM1; t=s; p={p}", "pass"),
    ("v=DKIM1; s=*; h=sha1:sha256; p={p}", "pass"),
    ("v=DKIM1; x=unknown; p={p}", "pass"),
    ("v=DKIM1; p=", "permerror"),
    ("v=DKIM2; p={p}", "permerror"),
    ("v=DKIM1; k=ed25519; p={p}", "permerror"),
    ("v=DKIM1; h=sha1; p={p}", "permerror"),
    ("v=DKIM1; s=tlsrpt; p={p}", "permerror"),
    ("v=DKIM1; k=rsa; p=AAAA", "permerror"),
    ("v=DKIM1; k=rsa", "permerror"),
    ("v=DKIM1; p={p}; p={p}", "permerror"),
    ("no key at all", "permerror"),
])
def test_records(mx, record, result):
    """Tags of the key record: versions, kinds, hashes, services, flags; a revoked key."""
    key = rsa_key()
    assert judge(mx, [record.format(p=key.public)], key)["result"] == result


def test_no_record(mx):
    """No key at all."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject"))
    outcome = mx.send(sign(letter(), "example.com", rsa_key()), ip=FOREIGN)
    assert outcome.log["dkim"] == "permerror:example.com"
    assert 'dkim=permerror reason="key not found"' in outcome.check["authentication_results"]


def test_two_keys(mx):
    """Two records that both are keys: nobody says which."""
    key = rsa_key()
    assert judge(mx, [key.record(), rsa_key(2048, 1).record()], key)["result"] == "permerror"


def test_huge_record(mx):
    """A TXT record of 20 KB."""
    key = rsa_key()
    record = key.record(f" n={'x' * 20000};")
    assert judge(mx, [record], key)["result"] == "permerror"


def test_wrong_key(mx):
    """Another key than the one that signed."""
    assert judge(mx, [rsa_key(2048, 1).record()], rsa_key())["result"] == "fail"


def test_wrong_ed25519_key(mx):
    """An Ed25519 key of the wrong length."""
    record = "v=DKIM1; k=ed25519; p=" + rsa_key().public
    assert judge(mx, [record], ed25519_key())["result"] == "permerror"


def test_strict_key_and_subdomain_identity(mx):
    """t=s: i= must be of the very domain."""
    record = rsa_key().record(" t=s;")
    assert judge(mx, [record], rsa_key(), identity=b"@sub.example.com")["result"] == "permerror"


def test_rsa_sha1(mx):
    """rsa-sha1 is no signature any more."""
    key = rsa_key()
    sha1 = type(key)("rsa-sha1", key.bits, key.private, key.public)
    assert judge(mx, [key.record()], sha1)["result"] == "permerror"
