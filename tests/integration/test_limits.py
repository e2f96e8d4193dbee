"""Limits of connections: how many there are, and how long they may be silent."""

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
