"""What a milter client may send that Postfix does not: truefromd at the protocol's level."""

import threading

import pytest

import expect
import zones
from dns_server import SERVFAIL
from letter import letter
from milter_client import LEADSPC, NO_REPLY, PROTOCOL, MilterClient, send
from signing import rsa_key, sign

FOREIGN = "203.0.113.9"
SKIP, RCPT_REJ = 0x400, 0x800
ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x1, 0x10, 0x20, 0x100
PASS = expect.field(expect.spf("pass", "example.com"), expect.NO_DKIM,
                    expect.dmarc("pass", "example.com", "reject"))


@pytest.fixture(name="address")
def fixture_address(mx):
    """A truefromd for example.com, which allows 192.0.2.0/24 and 2001:db8::/32 only."""
    mx.start(zones.join(
        zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all",
                     dmarc="v=DMARC1; p=reject", keys={"s1": rsa_key()}),
        zones.domain("mail.example.com", spf="v=spf1 ip4:192.0.2.0/24 -all"),
        zones.domain("held.example", spf="v=spf1 -all", dmarc="v=DMARC1; p=quarantine"),
        zones.domain("broken.example", spf="v=spf1 -all", dmarc=SERVFAIL)),
        dmarc={"on_quarantine": "hold", "on_temperror": "tempfail"})
    return mx.milter()


def begin(address, ip="192.0.2.1", helo="mail.example.com", **options):
    """A session after HELO."""
    client = MilterClient(address, **options)
    client.connect(ip)
    client.helo(helo)
    return client


def test_negotiation(address):
    """It asks for what it needs, and for nothing else."""
    with MilterClient(address) as client:
        assert client.version == 6
        assert client.actions & (ADDHDRS | CHGHDRS | QUARANTINE) == (
            ADDHDRS | CHGHDRS | QUARANTINE)
        assert not client.actions & ~(ADDHDRS | CHGHDRS | QUARANTINE | SETSYMLIST)
        assert client.protocol & LEADSPC
        for event in "CHMLNB":
            assert client.protocol & NO_REPLY[event], event
        assert not client.protocol & (RCPT_REJ | SKIP)


def test_no_reply_events_are_never_answered(address):
    """Where no reply was promised, none comes: the next packet is the end's."""
    with begin(address) as client:
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.content(letter(), chunk=10)
        verdict = client.end()
    assert (verdict.field, verdict.final) == (PASS, verdict.final) and verdict.final in "ac"


def test_old_mta(address):
    """An MTA without leading blanks, no-reply and skip: values come with one blank restored."""
    message = sign(letter(), "example.com", rsa_key(), canon="simple/simple")
    with begin(address, version=6, protocol=PROTOCOL & 0x37F) as client:
        assert not client.protocol & LEADSPC
        assert not any(client.protocol & bit for bit in NO_REPLY.values())
        verdict = client.message(message, "alice@example.com")
    assert "dkim=pass" in verdict.field
    (_, _, value), = verdict.inserted
    assert not value.startswith(" ")


def test_leading_blank_of_our_field(address):
    """With leading blanks negotiated our value brings its own, and goes in above everything."""
    verdict = send(address, letter(), "192.0.2.1", "mail.example.com", "alice@example.com")
    (index, name, value), = verdict.inserted
    assert (index, name, value[:16]) == (0, "Authentication-Results", " mx.example.org;")
    assert "\r" not in value


def test_aborted_message(address):
    """A message aborted within its headers has no effect on the next."""
    with begin(address) as client:
        client.mail("x@attack.example")
        client.rcpt("user@example.org")
        client.header("From", " x@attack.example")
        client.header("Authentication-Results", " mx.example.org; dmarc=pass")
        client.abort()
        verdict = client.message(letter(), "alice@example.com")
    assert verdict.field == PASS and verdict.deleted == []


def test_aborted_everywhere(address):
    """An abort at every point of a message."""
    with begin(address) as client:
        for stop in range(5):
            client.mail("x@attack.example")
            if stop > 0:
                client.rcpt("user@example.org")
            if stop > 1:
                client.header("From", " x@attack.example")
            if stop > 2:
                client.content(letter())
            client.abort()
        assert client.message(letter(), "alice@example.com").field == PASS


def test_sender_changed_before_data(address):
    """MAIL, abort, MAIL: only the new sender counts."""
    with begin(address) as client:
        client.mail("x@attack.example")
        client.abort()
        assert client.message(letter(), "alice@example.com").field == PASS


def test_second_helo_counts(address):
    """EHLO twice (as after STARTTLS): the second is the identity."""
    with begin(address, helo="first.example") as client:
        client.helo("mail.example.com")
        verdict = client.message(letter(sender="a@mail.example.com"), "")
    assert verdict.field.startswith(expect.field(expect.spf("pass", "mail.example.com", "helo")))


def test_no_helo(address):
    """No HELO at all: SPF none for the null sender, and nothing breaks."""
    with MilterClient(address) as client:
        client.connect("192.0.2.1")
        verdict = client.message(letter(sender="a@example.net"), "")
    assert verdict.field.startswith("mx.example.org; spf=none")


def test_two_milter_connections_share_nothing(address):
    """Interleaved sessions keep their own senders and headers apart."""
    with begin(address) as one, begin(address, FOREIGN) as two:
        one.mail("alice@example.com")
        two.mail("bob@example.net")
        one.rcpt("user@example.org")
        two.rcpt("user@example.org")
        one.content(letter(), "ONE")
        two.content(letter(sender="bob@example.net"), "TWO")
        assert two.end("TWO").field.endswith("dmarc=none header.from=example.net")
        assert one.end("ONE").field == PASS


@pytest.mark.parametrize("chunk", [1, 2, 7, 65535])
@pytest.mark.parametrize("canon", ["simple/simple", "relaxed/relaxed"])
def test_body_chunks(address, chunk, canon):
    """However the body is cut, its hash is the same."""
    message = sign(letter(body="one  two\t\r\n\r\n three \r\n\r\n\r\n"), "example.com", rsa_key(),
                   canon=canon)
    with begin(address, FOREIGN) as client:
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.content(message, chunk=chunk)
        assert "dkim=pass" in client.end().field


def test_no_body_event(address):
    """A message without a body event."""
    message = sign(letter(body=b""), "example.com", rsa_key())
    assert "dkim=pass" in send(address, message, FOREIGN, "x.example", "alice@example.com").field


@pytest.mark.parametrize("ip, result", [("192.0.2.1", "pass"), ("::ffff:192.0.2.1", "pass"),
                                        ("2001:db8::25", "pass"), ("IPv6:2001:db8::25", "pass"),
                                        ("2001:db9::1", "fail"), (FOREIGN, "fail")])
def test_client_addresses(address, ip, result):
    """IPv4, IPv6, IPv4 in IPv6, with SMTP's prefix."""
    verdict = send(address, letter(sender="a@example.net"), ip, "mail.example.com",
                   "alice@example.com")
    assert verdict.field.startswith(expect.field(expect.spf(result, "example.com")))


@pytest.mark.parametrize("ip", [None, "/run/local"])
def test_unknown_client(address, mx, ip):
    """A client without an address: unknown, or on the same host by a UNIX socket; no crash."""
    send(address, letter(sender="a@example.net"), ip, "mail.example.com", "alice@example.com")
    assert mx.daemon.running()
    assert len(mx.daemon.message_lines(1)) == 1


@pytest.mark.parametrize("path, field", [
    ("<>", expect.spf("pass", "mail.example.com", "helo")),
    ("<alice@example.com>", expect.spf("pass", "example.com")),
    ("<@relay.example,@b.example:alice@example.com>", expect.spf("pass", "example.com")),
    ("<alice@EXAMPLE.com>", expect.spf("pass", "example.com")),
])
def test_envelope_senders(address, path, field):
    """MAIL FROM in its forms."""
    verdict = send(address, letter(sender="a@example.net"), "192.0.2.1", "mail.example.com", path)
    assert verdict.field.startswith(expect.field(field))


@pytest.mark.parametrize("raw, field", [
    (b"", expect.spf("pass", "mail.example.com", "helo")),
    (b"alice@example.com", expect.spf("pass", "example.com")),
])
def test_envelope_senders_without_brackets(address, raw, field):
    """Postfix's simulated sessions leave the brackets out."""
    with begin(address) as client:
        client._event("M", raw + b"\0SIZE=100\0", {})
        client.rcpt("user@example.org")
        client.content(letter(sender="a@example.net"))
        assert client.end().field.startswith(expect.field(field))


def test_deletions_come_from_the_highest_down(address):
    """Forged fields 1, 3 and 5 of 6: deleted 5, 3, 1, then one insertion at the top."""
    fields = [f"Authentication-Results: {'mx' if n % 2 else 'other'}.example.org; auth=none"
              for n in range(1, 7)]
    verdict = send(address, letter(extra=fields), "192.0.2.1", "x.example", "alice@example.com")
    assert [index for _, index in verdict.deleted] == [5, 3, 1]
    assert [edit[0] for edit in verdict.edits] == ["m", "m", "m", "i"]


def test_names_in_any_case_are_counted_together(address):
    """authentication-results and Authentication-Results are one name."""
    fields = ["authentication-results: other.example.org; auth=none",
              "AUTHENTICATION-RESULTS: mx.example.org; auth=none",
              "Authentication-Results: mx.example.org; auth=none"]
    verdict = send(address, letter(extra=fields), "192.0.2.1", "x.example", "alice@example.com")
    assert [index for _, index in verdict.deleted] == [3, 2]


def test_authenticated_is_not_inherited(address, mx):
    """{auth_authen} of one message says nothing about the next session's."""
    with begin(address, FOREIGN) as client:
        client.mail("alice@example.com", macros={"{auth_authen}": "alice"})
        client.rcpt("user@example.org")
        client.content(letter())
        assert client.end().field is None
    with begin(address, FOREIGN) as client:
        assert client.message(letter(), "alice@example.com").final == "y"
    assert [line["rule"] for line in mx.daemon.message_lines(2)] == [
        "authenticated", "dmarc-policy"]


def test_no_macros_at_all(address):
    """No macro is needed."""
    with MilterClient(address) as client:
        client.connect("192.0.2.1", macros={})
        client.helo("mail.example.com")
        assert client.message(letter(), "alice@example.com").field == PASS


def test_reject_reply(address):
    """The whole reply in one packet."""
    verdict = send(address, letter(), FOREIGN, "x.example", "alice@example.com")
    assert (verdict.final, verdict.reply) == (
        "y", "550 5.7.1 rejected by DMARC policy for example.com")


def test_temperror_reply(address):
    """A deferral is a 4xx with the enhanced code of its class."""
    verdict = send(address, letter("a@broken.example"), FOREIGN, "x.example", "a@broken.example")
    assert verdict.final == "y" and verdict.reply.startswith("451 4.7.1 ")


@pytest.mark.parametrize("changes, final", [({}, "t"), ({"on_error": "accept"}, "c"),
                                            ({"mode": "monitor"}, "c")])
def test_edits_refused(mx, changes, final):
    """An MTA that lets no header be changed: on_error decides, and monitor mode refuses nothing."""
    mx.start(zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all"), **changes)
    with begin(mx.milter(), actions=0x04) as client:  # it may add recipients
        verdict = client.message(letter(), "alice@example.com")
    assert (verdict.final, verdict.edits) == (final, [])
    mx.daemon.wait_for_line("the MTA did not take our header edits; "
                            + ("put off" if final == "t" else "accepted"))


def test_quarantine(address):
    """hold: the reason names domain and policy; the field is written as well."""
    verdict = send(address, letter("a@held.example"), FOREIGN, "x.example", "a@held.example")
    assert "held.example" in verdict.quarantine and "quarantine" in verdict.quarantine
    assert "dis=quarantine" in verdict.field and verdict.final in "ac"


@pytest.mark.parametrize("sender", ["%s%n%s@%d.example.com", "a\x01b@example.com",
                                    b"a@\xff\xfe.example", "a@example.com\r\nX: y"])
def test_hostile_senders(address, mx, sender):
    """Formats, control characters and 8-bit octets end up nowhere unescaped."""
    with begin(address, FOREIGN) as client:
        path = sender if isinstance(sender, bytes) else sender.encode()
        client._event("M", b"<" + path + b">\0", {})
        client.rcpt("user@example.org")
        client.content(letter())
        verdict = client.end()
    assert verdict.final == "y"
    assert verdict.reply.isascii() and verdict.reply.isprintable()
    assert all(line.isprintable() for line in mx.daemon.lines())


@pytest.mark.parametrize("value", [b" a@example.com\0, b@example.net", b" a@\xe9xample.com",
                                   b" \0", b""])
def test_odd_from_values(address, value):
    """NUL and 8-bit octets in From never make it a pass."""
    with begin(address) as client:
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client._event("L", b"From\0" + value + b"\0")
        client._event("N", b"")
        verdict = client.end()
    assert verdict.final == "y" or "dmarc=pass" in verdict.field and value.startswith(
        b" a@example.com\0")


def test_many_headers(address):
    """Ten thousand fields: an answer in bounded time, and the next message is fine."""
    with begin(address) as client:
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.header("From", " alice@example.com")
        for number in range(10000):
            client.header(f"X-{number}", " y")
        client.content(b"Subject: x\r\n\r\nbody\r\n")
        assert client.end().final in "acyt"
        assert client.message(letter(), "alice@example.com").field == PASS


def test_large_header(address):
    """A field of nearly 64 KB, and as the author."""
    big = "(" + "c" * 60000 + ")"
    with begin(address) as client:
        assert client.message(letter(extra=[f"X: {big}"]), "alice@example.com").field == PASS
        assert client.message(letter(sender=f"alice@example.com {big}"),
                              "alice@example.com").final in "acy"


def test_large_body_in_bounded_memory(address, mx):
    """A body of 200 MB does not stay in memory."""
    block = b"0123456789abcdef" * 4000 + b"\r\n"
    message = sign(letter(), "example.com", rsa_key())
    head = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    with begin(address) as client:
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.content(head)
        for _ in range(200 * 1024 * 1024 // len(block)):
            client._event("B", block)
        assert "dkim=fail" in client.end().field
    with open(f"/proc/{mx.daemon.pid}/status", encoding="ascii") as file:
        peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    if mx.programs.patience == 1.0:  # a sanitizer keeps what was freed
        assert peak < 80 * 1024, f"{peak} kB"


def test_500_parallel_sessions(mx, address):
    """No cross-talk: each of 500 sessions gets the result of its own domain."""
    del address
    count, wrong = 500, []
    zone = {}
    for number in range(count):
        spf = "v=spf1 ip4:192.0.2.0/24 -all" if number % 2 else "v=spf1 -all"
        zone.update(zones.domain(f"d{number}.example", spf=spf, dmarc="v=DMARC1; p=none"))
    mx.dns.load(zone)
    gate = threading.Barrier(50)

    def work(first):
        clients = []
        for number in range(first, count, 50):
            client = begin(mx.milter(), timeout=120)
            client.mail(f"a@d{number}.example")
            client.rcpt("user@example.org")
            clients.append((number, client))
        gate.wait(60)
        for number, client in clients:
            client.content(letter(sender=f"a@d{number}.example"), f"Q{number}")
        for number, client in clients:
            result = "pass" if number % 2 else "fail"
            domain = f"d{number}.example"
            verdict = client.end(f"Q{number}")
            client.close()
            if verdict.field != expect.field(
                    expect.spf(result, domain), expect.NO_DKIM,
                    expect.dmarc(result, domain, "none")):
                wrong.append((number, verdict))

    threads = [threading.Thread(target=work, args=(first,), daemon=True) for first in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not wrong and len(mx.daemon.message_lines(count)) == count
