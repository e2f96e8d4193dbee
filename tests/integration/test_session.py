"""Sessions: several messages, aborts, exempt clients, and the ways to reach truefromd."""

import subprocess

import pytest

import expect
import zones
from letter import letter
from postfix import HOSTNAME
from sasl_server import PASSWORD, USER
from signing import rsa_key, sign
from smtp_client import SmtpClient

FOREIGN = "203.0.113.9"
FORGED = f"Authentication-Results: {HOSTNAME}; dmarc=pass"


def start(mx, door="inet", **changes):
    """example.com publishes reject and has a key; example.net publishes nothing."""
    mx.start(zones.join(
        zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all",
                     dmarc="v=DMARC1; p=reject", keys={"s1": rsa_key()}),
        zones.domain("example.net", spf="v=spf1 ip4:203.0.113.0/24 -all")), door, **changes)


def test_first_of_two_rejected(mx):
    """Two messages on one connection, the first rejected: the second is judged on its own."""
    start(mx)
    with mx.client(FOREIGN, "mail.example.net") as client:
        first = mx.follow(client, letter(), "alice@example.com")
        second = mx.follow(client, letter(sender="b@example.net"), "b@example.net")
    assert (first.code, first.log["spf"], first.log["dmarc"]) == (550, "fail", "fail")
    assert second.delivered
    assert second.field == expect.field(
        expect.spf("pass", "example.net"), expect.NO_DKIM, expect.dmarc("none", "example.net"))


def test_second_of_two_rejected(mx):
    """The other way round: a pass is not inherited."""
    start(mx)
    with mx.client(FOREIGN, "mail.example.net") as client:
        good = sign(letter(), "example.com", rsa_key())
        assert mx.follow(client, good, "b@example.net").delivered
        assert mx.follow(client, letter(), "b@example.net").code == 550
        assert mx.follow(client, good, "b@example.net").delivered


def test_reset_between_senders(mx):
    """RSET after MAIL: only the new sender counts; after a message begun, too."""
    start(mx)
    with mx.client("192.0.2.1") as client:
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.rset()
        outcome = mx.follow(client, letter(sender="b@example.net"), "b@example.net")
    assert outcome.field.startswith(expect.field(expect.spf("fail", "example.net")))
    assert len(mx.daemon.message_lines(1)) == 1


def test_connection_cut_within_a_message(mx):
    """The client hangs up in the middle of DATA: no line, no trace, and the next one is served."""
    start(mx)
    client = mx.client("192.0.2.1")
    client.mail("alice@example.com")
    client.rcpt("user@example.org")
    assert client.docmd("DATA")[0] == 354
    client.send(b"From: alice@example.com\r\nSubject: cut")
    client.close()
    assert mx.send(letter()).delivered
    assert len(mx.daemon.message_lines(1)) == 1


def test_several_recipients(mx):
    """One message to several recipients is judged once; a refused recipient does not matter."""
    start(mx)
    with mx.client("192.0.2.1") as client:
        client.mail("alice@example.com")
        assert client.rcpt("one@example.org")[0] == 250
        assert client.rcpt("relay@elsewhere.example")[0] == 554
        assert client.rcpt("two@example.org")[0] == 250
        assert client.data(letter())[0] == 250
    mx.postfix.sink.wait_for(lambda d: d.recipients == ["one@example.org"])
    delivery = mx.postfix.sink.wait_for(lambda d: d.recipients == ["two@example.org"])
    assert delivery.data.count(b"Authentication-Results:") == 1
    assert len(mx.daemon.message_lines(1)) == 1


def test_exempt_recipient(mx):
    """Mail to postmaster alone is never refused, only judged; to postmaster and another it is."""
    start(mx)
    outcome = mx.send(letter(), ip=FOREIGN, recipient="postmaster@example.org")
    assert outcome.delivered and outcome.log["dmarc"] == "fail"
    with mx.client(FOREIGN) as client:
        both = ["postmaster@example.org", "user@example.org"]
        assert mx.follow(client, letter(), "alice@example.com", both).code == 550


def test_smtp_auth_exempt(mx):
    """An authenticated client is passed on unevaluated: no field, no login name, forged ones gone;
    and that holds for this session only."""
    start(mx)
    forged = f"{FORGED}\r\n".encode()
    outcome = mx.send(letter(extra=[FORGED]), ip=FOREIGN, door="auth", auth=(USER, PASSWORD),
                      removed=[forged])
    assert outcome.delivered and outcome.field is None
    assert USER.encode() not in outcome.data.replace(b"alice@example.com", b"")
    assert (outcome.log["rule"], outcome.log["dmarc"]) == ("authenticated", "none")
    assert mx.send(letter(), ip=FOREIGN, door="auth").code == 550


def test_smtp_auth_not_trusted(mx):
    """trust_authenticated = false: evaluated like any other."""
    start(mx, trust_authenticated=False)
    outcome = mx.send(letter(), ip=FOREIGN, door="auth", auth=(USER, PASSWORD))
    assert (outcome.code, outcome.log["rule"]) == (550, "dmarc-policy")


def test_smtp_auth_wrong_password(mx):
    """A client that failed to authenticate is no authenticated client."""
    start(mx)
    with mx.client(FOREIGN, door="auth") as client:
        assert client.docmd("AUTH", "PLAIN AGFsaWNlAHdyb25n")[0] == 535
        assert mx.follow(client, letter(), "alice@example.com").code == 550


def test_trusted_network_exempt(mx):
    """AUTHRES-9: loopback is trusted by default: no field of ours, forged ones gone."""
    start(mx)
    forged = f"{FORGED}\r\n".encode()
    outcome = mx.send(letter(extra=[FORGED]), ip="127.0.0.1", removed=[forged])
    assert outcome.delivered and outcome.field is None
    assert outcome.log["rule"] == "trusted-network"
    assert mx.send(letter(), ip="::1").log["rule"] == "trusted-network"
    assert mx.send(letter(), ip=FOREIGN).code == 550


def test_trusted_network_configured(mx):
    """Networks of one's own take the place of loopback."""
    start(mx, trusted_networks=["203.0.113.0/28", "2001:db8:1::/48"])
    assert mx.send(letter(), ip=FOREIGN).log["rule"] == "trusted-network"
    assert mx.send(letter(), ip="2001:db8:1::5").log["rule"] == "trusted-network"
    assert mx.send(letter(), ip="203.0.113.16").code == 550
    assert mx.send(letter(), ip="127.0.0.1").code == 550


def test_trusted_network_each_message(mx):
    """Exempt mail in the middle of a session never exempts what follows it elsewhere."""
    start(mx)
    with mx.client("127.0.0.1") as client:
        assert mx.follow(client, letter(), "alice@example.com").delivered
        assert mx.follow(client, letter(extra=[FORGED]), "alice@example.com").field is None
    assert mx.send(letter(), ip=FOREIGN).code == 550


def test_trusted_relay(mx):
    """AUTHRES-26: a relay that runs a truefrom of ours: its fields stay, nothing is evaluated again."""
    start(mx, trusted_relays=["203.0.113.9"])
    outcome = mx.send(letter(extra=[FORGED]), ip=FOREIGN)
    assert outcome.rest.count(FORGED.encode()) == 1
    assert (outcome.code, outcome.log["rule"]) == (250, "trusted-relay")


def test_inbound_relay(mx):
    """A backup MX hands us others' mail: SPF does not apply to it, DKIM does."""
    start(mx, inbound_relays=["203.0.113.0/24"])
    outcome = mx.send(sign(letter(), "example.com", rsa_key()), ip=FOREIGN)
    assert outcome.delivered and outcome.log["spf"] == "none"
    assert mx.send(letter(), ip=FOREIGN).code == 550


@pytest.mark.parametrize("door", ["inet", "inet6", "unix"])
def test_sockets(mx, door):
    """Postfix reaches truefromd by IPv4, IPv6 and UNIX socket, and gets its verdicts."""
    if door not in mx.postfix.milters:
        pytest.skip("no IPv6 on loopback here")
    start(mx, door)
    assert mx.send(letter(), door=door).delivered
    assert mx.send(letter(), ip=FOREIGN, door=door).code == 550


def test_swaks(mx):
    """Another SMTP client: what swaks sends and reads."""
    start(mx)

    def swaks(ip, *more):
        return subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port", str(mx.postfix.ports["inet"]),
             "--xclient-addr", ip, "--xclient-name", "[UNAVAILABLE]", "--ehlo",
             "mail.example.com", "--from", "alice@example.com", "--to", "user@example.org",
             "--header", "From: alice@example.com", *more],
            capture_output=True, text=True, check=False)

    result = swaks("192.0.2.1")
    assert result.returncode == 0, result.stdout
    delivery = mx.postfix.sink.wait_for(lambda d: True)
    assert delivery.data.startswith(b"Authentication-Results: mx.example.org;\r\n\tspf=pass ")
    result = swaks(FOREIGN)
    assert result.returncode == 26, result.stdout
    assert "<** 550 5.7.1 rejected by DMARC policy for example.com" in result.stdout


def test_milter_down_and_default_accept(mx):
    """truefromd is not there: tempfail keeps mail out, accept lets forged fields in."""
    mx.dns.load({})
    with SmtpClient(mx.postfix.ports["inet"]) as client:
        code, text = client.offer(letter(), "alice@example.com", "user@example.org")
    assert (code, text[:6]) == (451, "4.7.1 ")
    with SmtpClient(mx.postfix.ports["accept"]) as client:
        code, _ = client.offer(letter(extra=[FORGED]), "alice@example.com", "user@example.org")
    assert code == 250
    assert FORGED.encode() in mx.postfix.sink.wait_for(lambda d: True).data
