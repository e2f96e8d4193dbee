"""Authentication-Results that a message brings along: ours are forged and go, others' stay."""

import pytest

import zones
from letter import letter
from signing import rsa_key, sign

FORGED = "mx.example.org; dmarc=pass header.from=example.com"
OTHERS = "mail.example.net; spf=pass smtp.mailfrom=example.com"
FOREIGN = "203.0.113.9"


def field(value, name="Authentication-Results"):
    """A whole field."""
    return f"{name}: {value}\r\n".encode()


def send(mx, removed=(), kept=(), top=False, **options):
    """A message with these fields; those of `removed` must be gone, those of `kept` there."""
    fields = [*removed, *kept]
    fields = [f[:-2] for f in fields]
    message = letter(top=fields if top else (), extra=() if top else fields)
    return mx.send(message, removed=removed, **options)


def start(mx, **changes):
    """A domain with an SPF record, and no policy."""
    mx.start(zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all"), **changes)


@pytest.mark.parametrize("top", [False, True], ids=["bottom", "top"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_ours_removed(mx, count, top):
    """D6: one, two and three forged fields of ours, below and above the others: all gone."""
    start(mx)
    outcome = send(mx, removed=[field(f"{FORGED}; spf=pass smtp.mailfrom=n{n}.example")
                                for n in range(count)], top=top)
    assert outcome.data.count(b"Authentication-Results:") == 1
    assert outcome.field.startswith("mx.example.org; spf=pass smtp.mailfrom=example.com;")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_others_stay(mx, count):
    """Fields of other hosts stay, octet by octet."""
    start(mx)
    outcome = send(mx, kept=[field(f"mail{n}.example.net;\r\n\t dkim=pass  header.d=x.example")
                             for n in range(count)])
    assert outcome.data.count(b"Authentication-Results:") == count + 1


@pytest.mark.parametrize("pattern", ["fof", "off", "ffo", "oof", "fofof", "foffo"])
def test_ours_and_others_mixed(mx, pattern):
    """AUTHRES-4: forged (f) and others' (o) in every order: exactly the forged ones go."""
    start(mx)
    made = [field(f"{FORGED if kind == 'f' else OTHERS}; auth=pass smtp.auth=u{n}")
            for n, kind in enumerate(pattern)]
    removed = [f for f, kind in zip(made, pattern) if kind == "f"]
    outcome = mx.send(letter(extra=[f[:-2] for f in made]), removed=removed)
    assert outcome.data.count(b"Authentication-Results:") == pattern.count("o") + 1


@pytest.mark.parametrize("value", [
    "MX.Example.ORG; dmarc=pass",
    "\r\n\tmx.example.org;\r\n\tdmarc=pass",
    "(a comment) mx.example.org; dmarc=pass",
    "(nested (comment)) mx.example.org (another) 1; dmarc=pass",
    '"mx.example.org"; dmarc=pass',
    '"mx\\.example.org"; dmarc=pass',
    "mx.example.org.; dmarc=pass",
    "mx.example.org 1; dmarc=pass",
    "mx.example.org",
    "; dmarc=pass",
    "",
    "dmarc=pass header.from=example.com",
    "mx.example.org; dmarc=pass; " + "x" * 50000,
], ids=["case", "folded", "comment", "nested", "quoted", "escaped", "dot", "version", "bare",
        "no-id", "empty", "result-first", "long"])
def test_other_spellings_removed(mx, value):
    """AUTHRES-1, D6: every spelling in which a reader could take the field for ours, and no id at all."""
    start(mx)
    assert send(mx, removed=[field(value)]).field.startswith("mx.example.org; spf=pass ")


@pytest.mark.parametrize("name", ["authentication-results", "AUTHENTICATION-RESULTS",
                                  "Authentication-results"])
def test_other_names_removed(mx, name):
    """The field's name in any case; mixed ones are counted together."""
    start(mx)
    send(mx, removed=[field(FORGED, name), field(FORGED + "; auth=none")],
         kept=[field(OTHERS, name)])


def test_name_with_blank_before_colon(mx):
    """A blank before the colon is removed by Postfix; the forged field all the same."""
    start(mx)
    message = letter(extra=[f"Authentication-Results : {FORGED}"])
    outcome = mx.send(message, removed=[f"Authentication-Results : {FORGED}\r\n".encode()],
                      check=True)
    assert outcome.data.lower().count(b"authentication-results") == 1


def test_near_misses_stay(mx):
    """AUTHRES-2, AUTHRES-3: names that are only like ours, and ids that are only like ours."""
    start(mx)
    send(mx, kept=[
        field("mx.example.org.example.net; dmarc=pass"), field("xmx.example.org; dmarc=pass"),
        field("example.org; dmarc=pass"),
        field("mx.example.net; spf=pass (mx.example.org)"), field(FORGED, "X-Authentication-Results"),
        field(FORGED, "Authentication-Results-Original"),
        field(f"i=1; {FORGED}", "ARC-Authentication-Results")])


def test_remove_authserv_ids(mx):
    """Further ids that the configuration names."""
    start(mx, remove_authserv_ids=["old-mx.example.org", "mx2.example.org"])
    send(mx, removed=[field("old-mx.example.org; spf=pass"), field("MX2.example.org; spf=pass"),
                      field(FORGED)], kept=[field(OTHERS)])


def test_name_of_the_mta(mx):
    """authserv_id = "": the name that Postfix gives is written, and defended."""
    start(mx, authserv_id="")
    outcome = send(mx, removed=[field(FORGED)], kept=[field(OTHERS)], check=False)
    assert outcome.field.startswith("mx.example.org; spf=pass ")


def test_name_of_our_own(mx):
    """authserv_id of one's own choice; the MTA's name then is another's."""
    start(mx, authserv_id="auth.example.org")
    outcome = send(mx, removed=[field("auth.example.org; dmarc=pass")], kept=[field(FORGED)])
    assert outcome.field.startswith("auth.example.org; spf=pass ")


def test_forged_field_is_never_believed(mx):
    """D7: a forged pass, in Authentication-Results and Received-SPF, saves nobody from the policy."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject"))
    outcome = send(mx, removed=[field(FORGED)], kept=[field("pass", "Received-SPF")], ip=FOREIGN)
    assert outcome.code == 550


@pytest.mark.parametrize("count", [40, 300])
def test_many(mx, count):
    """AUTHRES-10: very many of them, forged and others' by turns."""
    start(mx)
    made = [field(f"{FORGED if n % 2 else OTHERS}; auth=pass smtp.auth=u{n}x")
            for n in range(count)]
    outcome = mx.send(letter(extra=[f[:-2] for f in made]),
                      removed=[f for n, f in enumerate(made) if n % 2])
    assert outcome.data.count(b"Authentication-Results:") == count // 2 + 1


@pytest.mark.parametrize("value", [
    "mail.example.net" + "; dkim=pass header.d=example.com" * 17,
    "mail.example.net" + ";\r\n dkim=pass header.d=example.com" * 1000,
    "mail.example.net; none",
], ids=["17", "1000", "none"])
def test_others_are_never_used(mx, value):
    """D8: what others have found stays, breaks nothing, and counts for nothing."""
    mx.start(zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all",
                          dmarc="v=DMARC1; p=reject"))
    assert send(mx, kept=[field(value)]).delivered
    assert send(mx, kept=[field(value)], ip=FOREIGN).code == 550


def test_covered_by_a_signature(mx):
    """AUTHRES-5: a signature that covers the forged field holds, and the field goes."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject",
                          keys={"s1": rsa_key()}))
    message = sign(letter(extra=[field(FORGED)[:-2]]), "example.com", rsa_key(),
                   headers=[b"from", b"subject", b"authentication-results"])
    outcome = mx.send(message, removed=[field(FORGED)], ip=FOREIGN)
    assert outcome.log["dkim"] == "pass:example.com"
    assert outcome.data.count(b"Authentication-Results:") == 1


def test_ours_is_first(mx):
    """AUTHRES-11: our field stands above everything, the MTA's own Received included."""
    start(mx)
    outcome = send(mx, kept=[field(OTHERS)], top=True)
    assert outcome.data.startswith(b"Authentication-Results: mx.example.org;\r\n")
