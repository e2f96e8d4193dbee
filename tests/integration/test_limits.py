"""Limits of connections: how many there are, and how long they may be silent; and of a message."""

import time

import pytest

import zones
from letter import letter
from milter_client import MilterClient, MilterGone

ZONE = zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc="v=DMARC1; p=reject")


def greeted(mx):
    """A connection on which a client has said who it is."""
    client = MilterClient(mx.milter())
    client.connect("192.0.2.1")
    client.helo("mail.example.com")
    return client


def test_connections(mx):
    """limits.connections: messages on one more are put off, and said once; then there is room."""
    mx.start(ZONE, limits={"connections": 2})
    with greeted(mx) as first, greeted(mx):
        with greeted(mx) as surplus:
            assert surplus.message(letter(), "alice@example.com").reply.startswith("451 4.7.1")
        assert "dmarc=pass" in first.message(letter(), "alice@example.com").field
    mx.daemon.wait_for_line(r"limits\.connections reached \(2\)")
    with greeted(mx) as client:
        assert "dmarc=pass" in client.message(letter(), "alice@example.com").field


FORGED = "Authentication-Results: mx.example.org; dmarc=pass"
BEYOND = {  # a message within the limit, one beyond, and the settings
    "limits.headers": (letter(extra=["X: x"] * 4 + [FORGED]), letter(extra=["X: x"] * 5 + [FORGED]),
                       {"headers": 10}),
    "limits.header_bytes": (letter(extra=["X: " + "x" * 800] * 4 + [FORGED]),
                            letter(extra=["X: " + "x" * 800] * 6 + [FORGED]),
                            {"header_bytes": "4K"}),
    "limits.message_memory": (letter(extra=["X: " + "x" * 900] * 300 + [FORGED]),
                              letter(extra=["X: " + "x" * 900] * 1100 + [FORGED]),
                              {"header_bytes": "1M", "message_memory": "1M"}),
}


@pytest.mark.parametrize("on_error, code", [("tempfail", 451), ("accept", 250)])
def test_message(mx, on_error, code):
    """Each limit of a message, through Postfix: within it the message has its verdict, beyond
    on_error decides, the field that claims to be ours goes, a line says why, and it is counted."""
    mx.start(ZONE)
    for name, (within, beyond, limits) in BEYOND.items():
        mx.daemon.reload(mx.settings(on_error=on_error, limits=limits))
        removed = [FORGED.encode() + b"\r\n"]
        outcome = mx.send(within, removed=removed, check=False)
        assert outcome.delivered and "dmarc=pass" in outcome.field, name
        outcome = mx.send(beyond, removed=removed, check=False)
        assert (outcome.code, outcome.log["rule"], outcome.log["reason"]) == (
            code, "error", f"{name} reached")
        assert outcome.text.startswith("4.7.1 ") if code == 451 else outcome.field is None
    mx.daemon.terminate()
    mx.daemon.wait_for_line("stopping: 6 messages since the start; 3 undecided: 3 limits")


def test_idle_timeout(mx):
    """limits.idle_timeout: who stops in the middle of a command is hung up on, and nobody else.

    Who is silent between two commands is found when libmilter looks, every ten minutes.
    """
    mx.start(ZONE, limits={"idle_timeout": 10})
    with greeted(mx) as stopped, greeted(mx) as talking:
        stopped.sock.sendall(b"\0\0")
        began = time.monotonic()
        with pytest.raises(MilterGone):
            stopped.receive()
        assert time.monotonic() - began > 8
        assert "dmarc=pass" in talking.message(letter(), "alice@example.com").field
