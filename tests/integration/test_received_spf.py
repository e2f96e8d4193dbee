"""Received-SPF: what is written and removed through Postfix, and how others read it."""

import json
import os
import pathlib

import pytest
import spf

import zones
from letter import letter
from sasl_server import PASSWORD, USER

FOREIGN = "203.0.113.9"
READER = pathlib.Path(__file__).with_name("read_received_spf.pl")
PASS = ("pass (mx.example.org: 192.0.2.1 may send mail for example.com) client-ip=192.0.2.1; "
        'envelope-from="alice@example.com"; helo=mail.example.com; receiver=mx.example.org; '
        'mechanism="ip4:192.0.2.0/24"; identity=mailfrom')
HELO_PASS = ("pass (mx.example.org: 192.0.2.1 may call itself mail.example.com) "
             "client-ip=192.0.2.1; helo=mail.example.com; receiver=mx.example.org; "
             "mechanism=+all; identity=helo")
OURS = "pass (x) receiver=mx.example.org; identity=mailfrom"
OTHERS = "pass (mail.example.net: x) receiver=mail.example.net; identity=mailfrom"


def field(value):
    """A whole field."""
    return f"Received-SPF: {value}\r\n".encode()


def start(mx, helo=None, **changes):
    """example.com sends from 192.0.2.0/24; its host may have a record of its own."""
    mx.start(zones.join(zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all"),
                        zones.domain("mail.example.com", spf=helo)),
             **{"spf": {"received_spf": True}, **changes})


def test_octets(mx):
    """Both fields between Authentication-Results and the MTA's Received, octet by octet."""
    start(mx, helo="v=spf1 +all")
    data = mx.send(letter()).data
    assert data.startswith(b"Authentication-Results: mx.example.org;\r\n")
    assert (b"\r\nReceived-SPF: pass (mx.example.org: 192.0.2.1 may send mail for example.com)\r\n"
            b"\tclient-ip=192.0.2.1; envelope-from=\"alice@example.com\";\r\n"
            b"\thelo=mail.example.com; receiver=mx.example.org; mechanism=\"ip4:192.0.2.0/24\";\r\n"
            b"\tidentity=mailfrom\r\n"
            b"Received-SPF: pass\r\n"
            b"\t(mx.example.org: 192.0.2.1 may call itself mail.example.com)\r\n"
            b"\tclient-ip=192.0.2.1; helo=mail.example.com; receiver=mx.example.org;\r\n"
            b"\tmechanism=+all; identity=helo\r\n"
            b"Received: from mail.example.com ") in data


def test_off(mx):
    """By default there is none, and those of a message stay."""
    start(mx, spf={})
    outcome = mx.send(letter(top=[field(OURS)[:-2].decode()]))
    assert outcome.received_spf == [] and outcome.check["received_spf"] is None
    assert field(OURS) in outcome.data


def test_helo_without_a_record(mx):
    """HELO was checked, too: none."""
    start(mx)
    assert mx.send(letter()).received_spf == [
        PASS, "none (mx.example.org: no SPF record at mail.example.com) client-ip=192.0.2.1; "
        "helo=mail.example.com; receiver=mx.example.org; identity=helo"]


def test_helo_that_is_no_domain(mx):
    """An address literal cannot be checked: one field."""
    start(mx)
    outcome = mx.send(letter(), helo="[192.0.2.1]")
    assert outcome.received_spf == [PASS.replace("helo=mail.example.com", 'helo="[192.0.2.1]"')]


def test_null_sender(mx):
    """One field, about HELO."""
    start(mx, helo="v=spf1 +all")
    assert mx.send(letter(), sender="").received_spf == [HELO_PASS]


def test_marked(mx):
    """The mark of a quarantine comes to stand below."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=quarantine"),
             spf={"received_spf": True})
    outcome = mx.send(letter(), helo="[192.0.2.1]")
    assert outcome.marked and len(outcome.received_spf) == 1
    assert outcome.received_spf[0].startswith("fail (")


def test_permerror(mx):
    """The problem, in the words of Authentication-Results."""
    mx.start(zones.domain("example.com", spf="v=spf1 moo"), spf={"received_spf": True})
    outcome = mx.send(letter(), helo="[192.0.2.1]")
    assert outcome.received_spf[0].endswith(
        'problem="syntax error at moo: unknown mechanism"; identity=mailfrom')


def test_smtputf8(mx):
    """An internationalised sender is there as it was said; its domain is asked as A-labels."""
    mx.start(zones.domain("xn--bcher-kva.example", spf="v=spf1 ip4:192.0.2.0/24 -all"),
             spf={"received_spf": True})
    outcome = mx.send(letter(), sender="j\u00f6rg@b\u00fccher.example", helo="[192.0.2.1]",
                      options=["SMTPUTF8"])
    assert outcome.received_spf[0].startswith(
        "pass (mx.example.org: 192.0.2.1 may send mail for xn--bcher-kva.example) ")
    assert 'envelope-from="j\u00f6rg@b\u00fccher.example"; ' in outcome.received_spf[0]


@pytest.mark.parametrize("top", [False, True], ids=["bottom", "top"])
@pytest.mark.parametrize("pattern", ["f", "fof", "off", "ffo", "foffo"])
def test_forged(mx, pattern, top):
    """Those that name us go (f), those of other hosts stay (o), in every order."""
    start(mx)
    made = [field(f"{OURS if kind == 'f' else OTHERS}; x-number={n}")
            for n, kind in enumerate(pattern)]
    removed = [f for f, kind in zip(made, pattern) if kind == "f"]
    fields = [f[:-2] for f in made]
    outcome = mx.send(letter(top=fields if top else (), extra=() if top else fields),
                      removed=removed)
    assert outcome.data.count(b"Received-SPF:") == pattern.count("o") + 2


def test_forged_in_other_spellings(mx):
    """Names and values in every form; those that name nobody go, too."""
    start(mx)
    removed = [b"received-spf: PASS receiver=\"MX.example.org\"\r\n",
               b"Received-SPF: pass (mx.example.org: domain of x)\r\n",
               b"RECEIVED-SPF: pass receiver\r\n\t=\r\n\tmx.example.org.\r\n",
               b"Received-SPF: pass\r\n"]
    kept = [b"Received-SPF: pass (google.com: domain of x@y.example) client-ip=192.0.2.9;\r\n",
            b"X-Received-SPF: pass receiver=mx.example.org\r\n"]
    mx.send(letter(extra=[f[:-2] for f in removed + kept]), removed=removed)


@pytest.mark.parametrize("why", ["trusted_networks", "auth"])
def test_exempt(mx, why):
    """Mail that is not evaluated gets none; forged ones go all the same."""
    changes = {"trusted_networks": ["203.0.113.0/24"]} if why == "trusted_networks" else {}
    start(mx, **changes)
    options = {} if changes else {"auth": (USER, PASSWORD), "door": "auth"}
    outcome = mx.send(letter(extra=[field(OURS)[:-2]]), ip=FOREIGN, removed=[field(OURS)],
                      **options)
    assert outcome.received_spf == [] and outcome.field is None


def test_trusted_relay(mx):
    """What a truefrom of ours wrote stays."""
    start(mx, trusted_relays=["203.0.113.0/24"])
    assert field(OURS) in mx.send(letter(extra=[field(OURS)[:-2]]), ip=FOREIGN).data


def test_inbound_relay(mx):
    """SPF does not apply: no field of ours, the relay's own stays, forged ones go."""
    start(mx, inbound_relays=["203.0.113.0/24"])
    outcome = mx.send(letter(extra=[field(OTHERS)[:-2], field(OURS)[:-2]]), ip=FOREIGN,
                      removed=[field(OURS)])
    assert outcome.received_spf == [] and outcome.log["spf"] == "none"


@pytest.fixture(scope="module", name="rows")
def fixture_rows(programs):
    """Every field of the writer's unit test."""
    program = os.path.join(os.path.dirname(programs.truefrom), "tests", "unit",
                           "test_received_spf")
    result = programs.run(program, "--print")
    assert result.returncode == 0, result.stderr
    rows = result.stdout.splitlines()
    assert len(rows) >= 20
    return rows


def test_spamassassin(programs, rows):
    """SpamAssassin takes result and identity, whatever the client said."""
    read = programs.run("perl", str(READER), stdin="".join(f"{r}\n" for r in rows).encode())
    assert read.returncode == 0 and not read.stderr, read.stderr
    for row, line in zip(rows, read.stdout.splitlines(), strict=True):
        result = row.removeprefix("Received-SPF: ").split()[0]
        assert json.loads(line) == {row.rpartition("identity=")[2]: result}, row


def test_pyspf(rows):
    """pyspf reads every key, and gives its value back."""
    for row in rows:
        query = spf.query("192.0.2.77", "nobody@example.org", "none.example.org")
        others = query.parse_header_spf(row.removeprefix("Received-SPF: "))
        assert query.result == row.split()[1]
        assert query.ident == row.rpartition("identity=")[2]
        for key, value in (("client-ip", query.c), ("envelope-from", query.s), ("helo", query.h),
                           ("receiver", query.r)):
            if f" {key}=" in row:
                assert f'{key}={value};' in row or f'{key}="{value}";' in row, (row, value)
        assert not others
