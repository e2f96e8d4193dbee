"""A client that means harm: what no MTA says, and what the daemon is like afterwards."""

import errno
import os
import re
import socket
import struct
import time

import wait
from letter import letter
from milter_client import ACTIONS, PROTOCOL, MilterClient, MilterGone

LENGTHS = (0, 1, 2, 4, 5, 65535, 65536, 65537, 1 << 20, 1 << 31, (1 << 31) - 1, (1 << 32) - 1)
COMMANDS = b"ABCDEHKLMNOQRTU"
END_TIMEOUT = 30  # a connection that we have closed for writing is closed by the daemon, soon
# What the daemon may have more of once it has settled: kB, descriptors, threads, time.
MEMORY_MORE, FILES_MORE, THREADS_MORE, LATENCY_FACTOR = 4 * 1024, 2, 4, 4
SETTLE = 15  # seconds
EXPECTED = re.compile(  # what a hostile client may make the daemon say
    r" action=|ready$|the MTA did not take our header edits; put off$|limits\.connections reached"
    r"|reload: the new configuration is in force$")


def packet(command, data=b"", length=None):
    """One command of the protocol; `length` where it lies."""
    command = command.encode() if isinstance(command, str) else command
    return struct.pack("!I", len(command + data) if length is None else length) + command + data


def negotiation(version=6, actions=ACTIONS, protocol=PROTOCOL):
    """What the MTA says first."""
    return packet("O", struct.pack("!III", version, actions, protocol))


def message(sender=b"alice@example.com"):
    """A whole good session: its packets, to be sent without waiting for an answer."""
    return [
        negotiation(),
        packet("D", b"Cj\0mx.example.org\0v\0Postfix 3.7.11\0"),
        packet("C", b"mail.example.com\0" b"4" b"\0\x19" b"192.0.2.1\0"),
        packet("H", b"mail.example.com\0"),
        packet("D", b"M{mail_addr}\0" + sender + b"\0"),
        packet("M", b"<" + sender + b">\0SIZE=100\0"),
        packet("D", b"R{rcpt_addr}\0user@example.org\0"),
        packet("R", b"<user@example.org>\0"),
        packet("D", b"Li\0" b"4TESTID\0"),
        packet("L", b"From\0 " + sender + b"\0"),
        packet("L", b"Authentication-Results\0 mx.example.org; dmarc=pass\0"),
        packet("L", b"DKIM-Signature\0 v=1; a=rsa-sha256; d=example.com; s=s1; h=from;"
               b"\n\tbh=AAAA; b=AAAA\0"),
        packet("N"),
        packet("B", b"Hello,\r\nthis is a test.\r\n"),
        packet("D", b"Ei\0" b"4TESTID\0"),
        packet("E"),
    ]


def dial(address, timeout=END_TIMEOUT):
    """A connection to the daemon on which nothing has been said."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    sock.connect(address)  # waits, where a UNIX socket with a time-out would not
    sock.settimeout(timeout)
    return sock


def _shut(sock):
    """Nothing more will be said; the daemon may have hung up already."""
    try:
        sock.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise


def talk(address, octets, patience=1.0):
    """Say all of it and no more; returns the answer. The daemon must hang up then, in its turn."""
    answer = b""
    with dial(address, END_TIMEOUT * patience) as sock:
        try:
            sock.sendall(octets)
            _shut(sock)
            while more := sock.recv(65536):
                answer += more
        except (BrokenPipeError, ConnectionResetError):  # it had enough
            pass
    return answer


def hang_up(address, octets):
    """Say it and cut the connection, so hard that the daemon gets an error."""
    with dial(address) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            sock.sendall(octets)
        except (BrokenPipeError, ConnectionResetError):
            pass


def _mutate(rng, packets):
    """Change one thing about one packet, or about their order."""
    at = rng.randrange(len(packets))
    size, command, data = packets[at][:4], packets[at][4:5], packets[at][5:]
    kind = rng.randrange(12)
    if kind == 0:
        del packets[at]
    elif kind == 1:
        packets.insert(rng.randrange(len(packets) + 1), packets[at])
    elif kind == 2:
        packets.insert(rng.randrange(len(packets)), packets.pop(at))
    elif kind == 3:
        packets[at] = packet(bytes([rng.choice(COMMANDS)]), data)
    elif kind == 4:
        packets[at] = packet(rng.randbytes(1), data)
    elif kind == 5:
        packets[at] = packet(command, data, rng.choice(LENGTHS))
    elif kind == 6:
        packets[at] = packet(command, data, max(0, len(data) + rng.randint(-3, 4)))
    elif kind == 7:
        packets[at] = packet(command, data[:rng.randrange(len(data) + 1)])
    elif kind == 8:
        packets[at] = packet(command, _noise(rng, data))
    elif kind == 9:
        packets[at] = packet(command, data.replace(b"\0", b"", rng.randint(1, 3)))
    elif kind == 10:
        packets[at] = packet(command, data + rng.randbytes(rng.choice((1, 100, 65535, 70000))))
    else:
        packets[at] = rng.randbytes(rng.randint(1, 40)) + size + command
    if not packets:
        packets.append(b"")


def _noise(rng, data):
    """Some octets changed, many of them to NUL."""
    noisy = bytearray(data)
    for _ in range(min(len(noisy), rng.randint(1, 8))):
        noisy[rng.randrange(len(noisy))] = rng.choice((0, 0, 0, 255, rng.randrange(256)))
    return bytes(noisy)


def conversation(rng):
    """A random conversation: mostly a good one with some mutations, cut short at times, or two of
    them on one connection; else random packets, or octets that are no packets at all."""
    kind = rng.randrange(10)
    if kind == 0:
        return rng.randbytes(rng.randint(0, 2000))
    if kind == 1:
        return tame(negotiation() + b"".join(
            packet(bytes([rng.choice(COMMANDS)]), rng.randbytes(rng.choice((0, 1, 4, 12, 100))))
            for _ in range(rng.randint(1, 60))))
    packets = message(rng.choice((b"alice@example.com", b"x@attack.example", b"", b"a\0b@\xff")))
    if rng.random() < 0.3:
        packets += rng.choice((packets[5:], [packet("A")] + packets[5:], [packet("K")] + packets))
    for _ in range(rng.randint(1, 5)):
        _mutate(rng, packets)
    octets = tame(b"".join(packets))
    return octets[:rng.randrange(len(octets) + 1)] if rng.random() < 0.3 else octets


def tame(octets):
    """The same without what libmilter itself cannot take: smfi_getsymval reads beyond the end of a
    list of macros that names one without a value. Such lists are sent for a stage that is none."""
    tamed, at = bytearray(octets), 0
    while at + 5 <= len(tamed):
        size, = struct.unpack("!i", tamed[at:at + 4])  # signed, as libmilter reads it
        data = tamed[at + 5:at + 4 + max(size, 1)]
        if tamed[at + 4] == ord("D") and data[1:].count(0) % 2:
            tamed[at + 5] = ord("Z")
        at += 5 + len(data)
    return bytes(tamed)


class Health:
    """The daemon before and after: how fast a good message gets its verdict, which verdict, and
    what memory, descriptors and threads the process has."""

    def __init__(self, mx, door, field):
        self._mx, self._door, self._field = mx, door, field
        self.latency = self._latency()
        self._log = len(mx.daemon.lines())
        self.rss, self.files, self.threads = self._process()

    def _latency(self, count=30):
        """What a good message takes when nothing else wants the processor: of some of them, each
        on a connection of its own, the third fastest. All must pass."""
        times = []
        for _ in range(count):
            began = time.monotonic()
            with MilterClient(self._mx.milter(self._door)) as client:
                client.connect("192.0.2.1")
                client.helo("mail.example.com")
                verdict = client.message(letter(), "alice@example.com")
            times.append(time.monotonic() - began)
            assert verdict.field == self._field and verdict.final in "ac", verdict
        return sorted(times)[2]

    def _process(self):
        """Resident memory in kB, open descriptors, threads."""
        process = f"/proc/{self._mx.daemon.pid}"
        with open(f"{process}/status", encoding="ascii") as file:
            status = dict(line.split(":", 1) for line in file)
        return (int(status["VmRSS"].split()[0]), len(os.listdir(f"{process}/fd")),
                int(status["Threads"]))

    def check_service(self):
        """Good messages still get their verdict, about as fast as before."""
        assert self._mx.daemon.running(), self._mx.daemon.text()
        wait.until(lambda: self._latency() <= self.latency * LATENCY_FACTOR,
                   f"{LATENCY_FACTOR} times {self.latency} s", SETTLE * self._mx.programs.patience)

    def check(self):
        """The same, and nothing is left behind. (Idle threads of libmilter need 10 s to leave.)"""
        self.check_service()
        odd = [line for line in self._mx.daemon.lines()[self._log:] if not EXPECTED.search(line)]
        assert not odd, odd[:20]
        patience = self._mx.programs.patience
        wait.until(lambda: self._process()[1] <= self.files + FILES_MORE,
                   f"{self.files} descriptors", SETTLE * patience)
        wait.until(lambda: self._process()[2] <= self.threads + THREADS_MORE,
                   f"{self.threads} threads", SETTLE * patience, step=0.1)
        if patience == 1.0:  # a sanitizer keeps what was freed
            wait.until(lambda: self._process()[0] <= self.rss + MEMORY_MORE,
                       f"{self.rss} kB and {MEMORY_MORE} more", SETTLE, step=0.1)
