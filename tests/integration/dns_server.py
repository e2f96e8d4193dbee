"""A scripted DNS server on loopback: answers from a table, failures on demand.

It stands where a recursive resolver would: every name below the root is its own, aliases are
followed, and what is not in the table is NXDOMAIN, or NODATA where a name exists (an empty
non-terminal exists). Answers have a TTL of 0 unless told otherwise, so a changed table is seen
at once. Each question is counted.
"""

import asyncio
import collections.abc
import dataclasses
import socket
import struct
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY import TXT

ALL = "*"  # the key for every type of a name
ALIASES = 16  # how far a chain of CNAMEs is followed


@dataclasses.dataclass(frozen=True)
class Reply:
    """What one name and type are answered with."""

    records: tuple = ()
    rcode: int = dns.rcode.NOERROR
    delay: float = 0.0
    silent: bool = False  # never answered
    truncated: bool = False  # TC over UDP, whole over TCP
    garbage: bool = False  # a packet that does not parse
    fault: collections.abc.Callable = None  # called with an Exchange in place of the answer


SERVFAIL = Reply(rcode=dns.rcode.SERVFAIL)
REFUSED = Reply(rcode=dns.rcode.REFUSED)
NXDOMAIN = Reply(rcode=dns.rcode.NXDOMAIN)
TIMEOUT = Reply(silent=True)
MALFORMED = Reply(garbage=True)


def after(seconds, *records):
    """Answer with these records, but only after so many seconds."""
    return Reply(records=records, delay=seconds)


def truncated(*records):
    """Answer so over TCP only; over UDP say that it does not fit."""
    return Reply(records=records, truncated=True)


@dataclasses.dataclass(frozen=True)
class Line:
    """How a question came, and the way back."""

    transport: str
    send: collections.abc.Callable  # a packet
    peer: tuple = None  # over UDP: whence
    write: collections.abc.Callable = None  # over TCP: octets as they are
    hang_up: collections.abc.Callable = None


@dataclasses.dataclass(frozen=True)
class Exchange:
    """A question that is answered wrongly, with the answer that would be right."""

    line: Line
    query: dns.message.Message
    wire: bytes
    later: collections.abc.Callable  # (seconds, function, arguments...)


@dataclasses.dataclass(frozen=True)
class Question:
    """A question that arrived."""

    when: float
    transport: str
    name: str
    type: str


def _strings(value):
    """Character-strings of a TXT record: a tuple is taken as it is, a text cut at 255 octets."""
    if isinstance(value, tuple):
        return [part if isinstance(part, bytes) else part.encode("latin-1") for part in value]
    octets = value.encode("latin-1")
    return [octets[i:i + 255] for i in range(0, max(len(octets), 1), 255)]


def _rdata(rtype, value):
    if rtype == "TXT":
        return TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, _strings(value))
    if rtype in ("CNAME", "MX", "NS", "PTR"):
        value = value.rstrip(".") + "."
    return dns.rdata.from_text(dns.rdataclass.IN, rtype, value)


def _compile(zone):
    """{name: {type: records or Reply} or Reply} as tables of dns objects."""
    table = {}
    for text, types in zone.items():
        name = dns.name.from_text(text)
        if isinstance(types, Reply):
            types = {ALL: types}
        entry = {}
        for rtype, value in types.items():
            if not isinstance(value, Reply):
                value = Reply(records=tuple(value) if isinstance(value, list) else (value,))
            records = tuple(_rdata(rtype, record) for record in value.records)
            entry[rtype] = dataclasses.replace(value, records=records)
        table[name] = entry
    known = set()
    for name in table:
        while True:
            known.add(name)
            if name == dns.name.root:
                break
            name = name.parent()
    return table, known


class DnsServer:
    """The server in a thread of its own; `zone` may be replaced at any time."""

    def __init__(self, address="127.0.0.1", port=0):
        self.address = address
        self.ttl = 0
        self._arrived = threading.Condition()
        self._questions = []
        self._tables = _compile({})
        self._sought = {}  # when a delayed answer was asked for first
        self._loop = asyncio.new_event_loop()
        self._udp, self._tcp, self.port = self._bind(port)
        self._thread = threading.Thread(target=self._run, name="dns", daemon=True)
        self._thread.start()

    @property
    def server(self):
        """The server's address as truefrom's configuration writes it."""
        return f"{self.address}@{self.port}"

    def load(self, zone, ttl=0):
        """Answer from this table from now on, and forget the questions asked so far."""
        tables = _compile(zone)
        with self._arrived:
            self._tables = tables
            self.ttl = ttl
            self._sought = {}
            self._questions = []

    def questions(self, name=None, rtype=None):
        """The questions so far, of one name and type where given."""
        with self._arrived:
            return [q for q in self._questions if self._matches(q, name, rtype)]

    def wait_for_question(self, name, rtype=None, count=1, timeout=10):
        """Sleep until a name was asked for so many times."""
        with self._arrived:
            seen = self._arrived.wait_for(
                lambda: sum(self._matches(q, name, rtype) for q in self._questions) >= count,
                timeout)
            assert seen, f"no {count} questions for {name} within {timeout} s: {self._questions}"

    def stop(self):
        """End the thread and close the sockets."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        for sock in (self._udp, self._tcp):
            sock.close()

    @staticmethod
    def _matches(question, name, rtype):
        return ((name is None or question.name == name.rstrip(".").lower())
                and (rtype is None or question.type == rtype))

    def _bind(self, port):
        """A UDP and a TCP socket on one port."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        for _ in range(50):
            tcp = socket.socket(family, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            try:
                tcp.bind((self.address, port))
                udp.bind((self.address, tcp.getsockname()[1]))
            except OSError:
                tcp.close()
                udp.close()
                if port:
                    raise
                continue
            for sock in (tcp, udp):
                sock.setblocking(False)
            tcp.listen(256)
            return udp, tcp, tcp.getsockname()[1]
        raise OSError("no port that is free for both UDP and TCP")

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.create_task(self._loop.create_datagram_endpoint(
            lambda: _Datagrams(self), sock=self._udp))
        self._loop.create_task(asyncio.start_server(self._stream, sock=self._tcp))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _stream(self, reader, writer):
        """One TCP connection: questions one after the other."""
        try:
            while True:
                size, = struct.unpack("!H", await reader.readexactly(2))
                packet = await reader.readexactly(size)
                self.take(packet, Line(
                    "tcp", lambda wire: writer.write(struct.pack("!H", len(wire)) + wire),
                    write=writer.write, hang_up=writer.close))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def take(self, packet, line):
        """Note a question and answer it now, later or never."""
        try:
            query = dns.message.from_wire(packet)
            question = query.question[0]
        except (dns.exception.DNSException, IndexError):
            return
        with self._arrived:
            tables = self._tables
            self._questions.append(Question(
                time.monotonic(), line.transport,
                question.name.to_text(omit_final_dot=True).lower(),
                dns.rdatatype.to_text(question.rdtype)))
            self._arrived.notify_all()
        wire, delay, fault = self._answer(tables, query, line.transport)
        if fault is not None:
            fault(Exchange(line, query, wire, self._loop.call_later))
        elif wire is not None and delay:
            self._loop.call_later(delay, line.send, wire)
        elif wire is not None:
            line.send(wire)

    def _answer(self, tables, query, transport):
        """The answer's octets (None: there is none), how long it waits, and what is wrong with it.
        """
        table, known = tables
        response = dns.message.make_response(query, recursion_available=True)
        name, rdtype = query.question[0].name, query.question[0].rdtype
        rtype = dns.rdatatype.to_text(rdtype)
        delay, fault = 0.0, None
        for _ in range(ALIASES):
            entry = table.get(name, {})
            reply = entry.get(rtype, entry.get(ALL))
            alias = entry.get("CNAME") if reply is None else None
            reply = reply or alias
            if reply is None:
                if name not in known:
                    response.set_rcode(dns.rcode.NXDOMAIN)
                break
            if reply.delay:
                now = time.monotonic()
                began = self._sought.setdefault((name, rdtype), now)
                delay = max(delay, began + reply.delay - now)
            fault = fault or reply.fault
            if reply.silent:
                return None, 0.0, None
            if reply.garbage:
                wire = bytearray(response.to_wire())
                wire[7] = 1  # it claims an answer that is not there
                return bytes(wire), delay, None
            if reply.truncated and transport == "udp":
                response.flags |= dns.flags.TC
                break
            response.set_rcode(reply.rcode)
            if reply.records:
                response.answer.append(dns.rrset.from_rdata_list(
                    name, self.ttl, list(reply.records)))
            if alias is None:
                break
            name = reply.records[0].target
        self._add_soa(response, name)
        return self._wire(response, query, transport), delay, fault

    def _add_soa(self, response, name):
        """A negative answer carries the SOA record that bounds how long it may be kept."""
        last = response.answer[-1].rdtype if response.answer else dns.rdatatype.CNAME
        if last != dns.rdatatype.CNAME or response.flags & dns.flags.TC:
            return
        if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return
        apex = dns.name.Name(name.labels[-2:]) if len(name.labels) > 1 else name
        response.authority.append(dns.rrset.from_text(
            apex, self.ttl, "IN", "SOA", f"ns.invalid. root.invalid. 1 3600 600 86400 {self.ttl}"))

    @staticmethod
    def _wire(response, query, transport):
        if transport == "tcp":
            return response.to_wire(max_size=65535)
        room = max(query.payload, 512)
        try:
            return response.to_wire(max_size=room)
        except dns.exception.TooBig:
            short = dns.message.make_response(query, recursion_available=True)
            short.flags |= dns.flags.TC
            return short.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP side."""

    def __init__(self, server):
        self._server = server
        self._transport = None

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        self._server.take(data, Line(
            "udp", lambda wire: self._transport.sendto(wire, addr), peer=addr))
