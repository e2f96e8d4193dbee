"""Clients that mean harm, at the protocol's level: afterwards truefromd serves as before.

What libmilter itself does not survive is left out, by hostile.tame: who may connect to the socket
is trusted that far, and a socket in a folder of the MTA's group is how others are kept away.
"""

import itertools
import random
import resource
import struct
import threading
import time

import pytest

import expect
import zones
from hostile import (COMMANDS, LENGTHS, Health, conversation, dial, hang_up, message, negotiation,
                     packet, talk, tame)
from milter_client import ACTIONS, PROTOCOL, MilterClient

CONVERSATIONS = 2000  # at random; so many, or for --minutes
IDLE = 1000
PASS = expect.field(expect.spf("pass", "example.com"), expect.NO_DKIM,
                    expect.dmarc("pass", "example.com", "reject"))


both_doors = pytest.mark.parametrize("door", ["inet", "unix"], indirect=True)


@pytest.fixture(name="door")
def fixture_door(request):
    """Attacks that depend on the kind of socket come over TCP and over a UNIX socket, the others
    over this one."""
    return getattr(request, "param", "unix")


@pytest.fixture(name="health")
def fixture_health(mx, door):
    """A truefromd for example.com that is well; it must be so afterwards."""
    mx.start(zones.join(
        zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc="v=DMARC1; p=reject"),
        zones.domain("mail.example.com", spf="v=spf1 ip4:192.0.2.0/24 -all")), door)
    health = Health(mx, door, PASS)
    yield health
    health.check()


@pytest.fixture(name="address")
def fixture_address(mx, door, health):
    """Where it listens."""
    del health
    return mx.milter(door)


def judge(client):
    """The verdict on a message without anything that could do without."""
    client.connect("192.0.2.1")
    return client.message(b"From: alice@example.com\r\n\r\n", "alice@example.com")


def in_threads(count, work):
    """Do the work so many times at once; each is told its number."""
    failures = []

    def run(number):
        try:
            work(number)
        except Exception as error:  # a thread has nobody else to tell
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


@both_doors
def test_random_conversations(request, mx, address, health):
    """Conversations at random, four at a time: each connection is closed in the end. (--minutes
    has it go on for so long, with a look at the daemon's health each minute.)"""
    end = time.monotonic() + request.config.getoption("minutes") * 60
    had = 0
    while had == 0 or time.monotonic() < end:
        pause = time.monotonic() + 60
        counts = [0] * 4

        def converse(number, first=had):
            rng = random.Random(f"{first} {number}")
            while counts[number] < CONVERSATIONS // 4 or time.monotonic() < min(end, pause):
                octets = conversation(rng)
                if rng.random() < 0.2:
                    hang_up(address, octets)
                else:
                    talk(address, octets, mx.programs.patience)
                counts[number] += 1

        in_threads(len(counts), converse)
        had += sum(counts)
        health.check_service()
    print(f"{had} conversations")


@both_doors
def test_cut_everywhere(address):
    """A session is cut at each of its octets, softly and hard."""
    octets = b"".join(message())
    for stop in range(len(octets)):
        (hang_up if stop % 2 else talk)(address, octets[:stop])


def test_lengths(address):
    """Each command with lengths that lie, after each beginning that it may have; and octets of
    other protocols."""
    begin = message()[:8]
    for command, length in itertools.product(sorted(set(COMMANDS)), LENGTHS):
        for before in (b"", begin[0], b"".join(begin)):
            talk(address, before + packet(bytes([command]), b"abc\0def\0", length))
    for octets in (b"\0\0\0\1\0", b"\0\0\0\5Oabcd", b"GET / HTTP/1.0\r\n\r\n", b"EHLO x\r\n",
                   b"\x16\x03\x01\x02\x00\x01\x00", b"\xff" * 70000):
        talk(address, octets)


def test_commands_in_any_order(address):
    """Each command after each other one, with data, without, and with NULs alone; whole words of
    commands that make no sense; letters that are no command."""
    data = {**{p[4:5]: p[5:] for p in message()}, b"D": b"Mi\0x\0"}
    for one, other in itertools.product(sorted(set(COMMANDS)), repeat=2):
        one, other = bytes([one]), bytes([other])
        talk(address, negotiation() + b"".join(
            packet(c, d) for c in (one, other)
            for d in (data.get(c, b""), b"", b"\0\0", b"\0" * 65)))
    for events in (b"E", b"BE", b"LNE", b"MNE", b"MRME", b"RRE", b"TE", b"NNE", b"MRLALE", b"CC",
                   b"MREE", b"CHMRBLNE", b"CHMRNLBE", b"CHMREMRE", b"KCHMRE", b"OOCOHOMOROE"):
        talk(address, negotiation() + b"".join(
            packet(bytes([c]), data.get(bytes([c]), b"")) for c in events))
    for letter in range(256):
        talk(address, b"".join(message()[:5]) + packet(bytes([letter]), b"x\0"))


def test_negotiations(address):
    """Versions, actions and steps of all kinds: what is agreed on was offered, and a message gets
    its verdict, or is put off by one who cannot have its header edited."""
    for version, actions, protocol in itertools.product(
            (2, 3, 6, 7, 0x7FFFFFFF), (0x1, 0x11, ACTIONS, 0xFFFFFFFF),
            (0x1, 0x7F, PROTOCOL, 0xFFFFFFFF)):
        with MilterClient(address, actions, protocol, version) as client:
            assert client.version == min(version, 6)
            assert not client.actions & ~actions and not client.protocol & ~protocol
            assert judge(client).field == PASS
    with MilterClient(address, actions=0x2) as client:  # may change the body, nothing else
        verdict = judge(client)
        assert verdict.final == "t" and not verdict.edits
    for size in range(16):
        talk(address, packet("O", struct.pack("!IIII", 6, ACTIONS, PROTOCOL, 0)[:size]))
    for version in (0, 1, 0x80000000, 0xFFFFFFFF):
        assert talk(address, negotiation(version) + b"".join(message()[1:])) == b""


def test_macros(address):
    """Macros of each stage that make no sense change nothing."""
    lists = (b"i\0", b"\0\0", b"\0" * 1000, b"{auth_authen", b"\xff\xfe\0\x01\0", b"%n%s\0\r\n\0",
             b"j\0" + b"x" * 60000 + b"\0", b"x\0y\0" * 16000, b"j\0a;b(c\0", b"i\0\xff\r\nX: y\0")
    for stage, macros in itertools.product("CHMRTNEXD\0\xff", lists):
        octets = packet("D", stage.encode("latin-1") + macros)
        with MilterClient(address) as client:
            client.sock.sendall(tame(octets))
            verdict = judge(client)
            assert verdict.field.endswith(PASS.partition("; ")[2]) and verdict.final in "ac"


def test_huge_commands(address):
    """The longest commands that libmilter takes, and one octet more."""
    with MilterClient(address, timeout=60) as client:
        client.connect("192.0.2.1")
        client.helo("h" * 65000)
        for _ in range(3):
            client.mail("alice@example.com", *["x"] * 30000)
            client.rcpt("r" * 65000)
            client.header("n" * 60000, "v" * 5000)
            client.header("From", " alice@example.com")
            for _ in range(10):
                client.header("X", "\n\t" * 32000)
            client.content(b"Subject: x\r\n\r\n" + b"b" * 65535)
            verdict = client.end()
            assert verdict.field.startswith(PASS.partition(" smtp")[0]), verdict
            assert "dmarc=pass" in verdict.field
    for size in (65536, 200000):  # beyond: it is libmilter that hangs up
        with dial(address) as sock:
            sock.sendall(b"".join(message()[:12]) + packet("B", b"b" * size))
            with pytest.raises((ConnectionResetError, EOFError)):
                while sock.recv(65536):
                    pass
                raise EOFError
    for command in sorted(set(COMMANDS)):
        for size in (65534, 65535, 65536, 200000):
            octets = packet(bytes([command]), b"\0" * size)
            hang_up(address, b"".join(message()[:8]) + octets)


@both_doors
def test_idle_connections(address, health):
    """A thousand connections on which nothing is said, or no message, or (a few) half a command."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert most >= IDLE + 200, "the test itself needs descriptors"
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    beginnings = (b"", negotiation(), b"".join(message()[:3]))
    idle = []
    try:
        for number in range(IDLE):
            idle.append(dial(address))
            idle[-1].sendall(negotiation()[:7] if number % 100 == 0
                             else beginnings[number % len(beginnings)])
        health.check_service()
    finally:
        for sock in idle:
            sock.close()


@both_doors
def test_connection_per_millisecond(address, health):
    """For a good second somebody connects each millisecond, says a little at most, and is gone."""
    octets = b"".join(message())
    began = time.monotonic()
    for number in range(1200):
        sock = dial(address)
        if number % 4 == 0:
            sock.sendall(octets[:number % len(octets)])
        sock.close()
        time.sleep(max(0.0, began + number / 1000 - time.monotonic()))
        if number == 600:
            health.check_service()


@both_doors
def test_slow_clients(address, health):
    """Forty clients that say an octet every 100 ms hold nobody up; one that does so every
    millisecond gets its verdict."""
    octets = b"".join(message())
    over = threading.Event()

    def drip(number):
        with dial(address) as sock:
            for at in range(len(octets)):
                sock.sendall(octets[at:at + 1])
                if number == 0:
                    time.sleep(0.001)
                elif over.wait(0.1):
                    return
            assert b"dmarc=pass" in sock.recv(65536)
        health.check_service()
        over.set()

    in_threads(41, drip)


@both_doors
def test_half_commands(address):
    """Half a command holds a thread of libmilter's; the session that was to have the same thread
    does not wait for the other half."""
    halves = []
    try:
        for _ in range(25):
            halves.append(dial(address))
            with dial(address, timeout=10) as sock:
                time.sleep(0.02)  # libmilter waits for both
                halves[-1].sendall(negotiation()[:7])
                sock.sendall(negotiation())
                assert sock.recv(65536)[4:5] == b"O"
    finally:
        for sock in halves:
            sock.close()
