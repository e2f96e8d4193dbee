"""The MTA's side of the milter protocol, version 6: what Postfix cannot be made to send."""

import dataclasses
import re
import socket
import struct

# What the MTA offers (SMFIF_*, SMFIP_*).
ACTIONS = 0x1FF
LEADSPC = 0x100000
PROTOCOL = 0x1FFFFF
NO_REPLY = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000,
            "U": 0x20000, "N": 0x40000, "B": 0x80000}
NOT_WANTED = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "B": 0x10, "L": 0x20, "N": 0x40,
              "U": 0x100, "T": 0x200}
FINAL = "acdrty4s"


class MilterGone(Exception):
    """The filter closed the connection."""


@dataclasses.dataclass
class Verdict:
    """What the filter answered to the end of a message."""

    final: str = ""  # a accept, c continue, r reject, t tempfail, d discard, y reply code
    reply: str = ""  # with y
    edits: list = dataclasses.field(default_factory=list)  # ("i", index, name, value), ("m", ...)
    quarantine: str = ""
    progress: int = 0

    @property
    def inserted(self):
        """The fields put in, as (index, name, value)."""
        return [edit[1:] for edit in self.edits if edit[0] == "i"]

    @property
    def deleted(self):
        """The fields taken out, as (name, index), in the order asked for."""
        return [(edit[2], edit[1]) for edit in self.edits if edit[0] == "m" and edit[3] == ""]

    @property
    def field(self):
        """The value of the inserted Authentication-Results, unfolded; None without one."""
        values = [value for _, name, value in self.inserted
                  if name.lower() == "authentication-results"]
        assert len(values) <= 1, values
        return re.sub(r"\s+", " ", values[0]).strip() if values else None


def _z(text):
    octets = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return octets + b"\0"


def _strings(data):
    return [part.decode("utf-8", "surrogateescape") for part in data.split(b"\0")]


class MilterClient:
    """One connection to the filter; methods send one command each and return its answer."""

    def __init__(self, address, actions=ACTIONS, protocol=PROTOCOL, version=6, timeout=60):
        family = socket.AF_UNIX if isinstance(address, str) else (
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        if family != socket.AF_UNIX:  # there a full queue is an error for who does not wait
            self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.sock.settimeout(timeout)
        if family != socket.AF_UNIX:  # small packets, each answered only after the last
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.send("O", struct.pack("!III", version, actions, protocol))
        command, data = self.receive()
        assert command == "O", command
        self.version, self.actions, self.protocol = struct.unpack("!III", data[:12])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self, command="Q"):
        """Say that the session is over, and hang up."""
        try:
            if command:
                self.send(command)
        except OSError:
            pass
        self.sock.close()

    def send(self, command, data=b""):
        """One packet to the filter."""
        self.sock.sendall(struct.pack("!I", len(data) + 1) + command.encode() + data)

    def receive(self):
        """One packet from the filter: command and data."""
        size, = struct.unpack("!I", self._read(4))
        packet = self._read(size)
        return chr(packet[0]), packet[1:]

    def _read(self, size):
        while len(self._buffer) < size:
            more = self.sock.recv(65536)
            if not more:
                raise MilterGone
            self._buffer += more
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def _event(self, command, data, macros=None):
        """Send an event that the filter wants, and take its answer where it gives one."""
        if macros is not None:
            pairs = b"".join(_z(name) + _z(value) for name, value in macros.items())
            self.send("D", command.encode() + pairs)
        if self.protocol & NOT_WANTED.get(command, 0):
            return "c", b""
        self.send(command, data)
        if self.protocol & NO_REPLY.get(command, 0):
            return "c", b""
        return self.receive()

    def connect(self, ip, name=None, macros=None):
        """The client's address; None = unknown, a path = a local client."""
        macros = {"j": "mx.example.org", "v": "Postfix 3.7.11"} if macros is None else macros
        if ip is None:
            return self._event("C", _z(name or "unknown") + b"U", macros)
        family = b"L" if ip.startswith("/") else b"6" if ":" in ip else b"4"
        return self._event("C", _z(name or f"[{ip}]") + family + struct.pack("!H", 25) + _z(ip),
                           macros)

    def helo(self, name):
        """EHLO or HELO."""
        return self._event("H", _z(name))

    def mail(self, sender, *parameters, macros=None):
        """MAIL FROM; sender without brackets, or with them to send it as it is."""
        path = sender if sender.startswith("<") else f"<{sender}>"
        return self._event("M", _z(path) + b"".join(_z(p) for p in parameters), macros or {})

    def rcpt(self, recipient, macros=None):
        """One RCPT TO."""
        return self._event("R", _z(f"<{recipient}>"), macros or {})

    def header(self, name, value):
        """One header field; its value as after the colon, folds as LF."""
        if not self.protocol & LEADSPC and value[:1] in (" ", b" "):
            value = value[1:]
        return self._event("L", _z(name) + _z(value))

    def abort(self):
        """RSET and the like; there is no answer to it."""
        self.send("A")

    def content(self, message, queue_id="4TESTID", chunk=65535):
        """Header fields and body of a message in CRLF form."""
        self._event("T", b"", {"i": queue_id})
        block, _, body = message.partition(b"\r\n\r\n")
        for field in re.split(rb"\r\n(?![ \t])", block) if block else []:
            name, _, value = field.partition(b":")
            self.header(name, value.replace(b"\r\n", b"\n"))
        self._event("N", b"", {"i": queue_id})
        for start in range(0, len(body), chunk):
            self._event("B", body[start:start + chunk])

    def end(self, queue_id="4TESTID"):
        """The end of the message: edits, then the final answer."""
        self.send("D", b"E" + _z("i") + _z(queue_id))
        self.send("E")
        return self.wait_for_verdict()

    def wait_for_verdict(self):
        """Take edits until the final answer is there."""
        verdict = Verdict()
        while not verdict.final:
            command, data = self.receive()
            if command == "p":
                verdict.progress += 1
            elif command == "q":
                verdict.quarantine = _strings(data)[0]
            elif command in "im":
                index, = struct.unpack("!I", data[:4])
                name, value = _strings(data[4:])[:2]
                verdict.edits.append((command, index, name, value))
            elif command in "heb+-2":
                verdict.edits.append((command, *_strings(data)))
            else:
                assert command in FINAL, command
                verdict.final = command
                verdict.reply = _strings(data)[0] if command == "y" else ""
        return verdict

    def message(self, message, sender, recipient="user@example.org", queue_id="4TESTID"):
        """A whole message on an open session."""
        self.mail(sender)
        self.rcpt(recipient)
        self.content(message, queue_id)
        return self.end(queue_id)


def send(address, message, ip, helo, sender, **options):
    """One session with one message; returns the filter's verdict."""
    with MilterClient(address, **options) as client:
        client.connect(ip)
        client.helo(helo)
        return client.message(message, sender)
