"""What servers do that lie, fail or are spoofed: each is a `fault` of a Reply.

A fault gets the question and the right answer (an Exchange) and sends what it likes.
"""

import socket
import struct

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

DRIP = 1.0  # seconds between two octets
FLOOD = 100  # packets


def _edit(exchange, change):
    """Send the right answer with a change."""
    message = dns.message.from_wire(exchange.wire)
    change(message)
    exchange.line.send(message.to_wire(max_size=65535))


def _patched(exchange, at, octets):
    """Send the right answer with other octets at that place."""
    exchange.line.send(exchange.wire[:at] + octets + exchange.wire[at + len(octets):])


def _after_question(exchange):
    """Where the answer section begins."""
    return 12 + len(exchange.query.question[0].name.to_wire()) + 4


def wrong_id(exchange):
    """The id of another question."""
    _patched(exchange, 0, bytes([exchange.wire[0] ^ 0x55]))


def wrong_question(exchange):
    """The name of another question, and records of that."""
    at = exchange.wire.index(exchange.query.question[0].name.to_wire()[1:3])
    _patched(exchange, at, b"!")


def wrong_class(exchange):
    """Question and answer of class CH."""
    _patched(exchange, _after_question(exchange) - 2, b"\0\3")


def wrong_type(exchange):
    """It claims that an address was asked for."""
    _patched(exchange, _after_question(exchange) - 4, b"\0\1")


def no_question(exchange):
    """An answer to nothing."""
    def change(message):
        message.question = []
    _edit(exchange, change)


def no_reply_bit(exchange):
    """A question comes back in place of an answer."""
    _patched(exchange, 2, bytes([exchange.wire[2] & 0x7F]))


def other_opcode(exchange):
    """An answer to a NOTIFY."""
    _edit(exchange, lambda message: message.set_opcode(dns.opcode.NOTIFY))


def other_owner(exchange):
    """Nothing but a record of somebody else's."""
    def change(message):
        for rrset in message.answer:
            rrset.name = dns.name.from_text("attack.example")
    _edit(exchange, change)


def owner_beside(exchange):
    """The right record, and one of somebody else's before it."""
    def change(message):
        name = message.question[0].name
        message.answer.insert(0, dns.rrset.from_text(
            dns.name.from_text("attack.example"), 300, "IN", "TXT", '"v=DMARC1; p=none"'))
        assert message.answer[1].name == name
    _edit(exchange, change)


def no_such_name_with_records(exchange):
    """NXDOMAIN, and records all the same."""
    _edit(exchange, lambda message: message.set_rcode(dns.rcode.NXDOMAIN))


def odd_rcode(exchange):
    """A code that says nothing about records."""
    _edit(exchange, lambda message: message.set_rcode(dns.rcode.YXDOMAIN))


def pointer_loop(exchange):
    """The owner's name is a pointer to itself."""
    at = _after_question(exchange)
    _patched(exchange, at, struct.pack("!H", 0xC000 | at))


def pointer_beyond(exchange):
    """The owner's name is a pointer behind the packet."""
    _patched(exchange, _after_question(exchange), b"\xff\xff")


def cut_short(exchange):
    """The last octets are missing, without the bit that says so."""
    exchange.line.send(exchange.wire[:-5])


def too_many_counted(exchange):
    """It claims 65,535 records."""
    _patched(exchange, 6, b"\xff\xff")


def header_only(exchange):
    """Twelve octets that say that all is well."""
    exchange.line.send(exchange.wire[:4] + b"\0" * 8)


def empty(exchange):
    """A packet without an octet."""
    exchange.line.send(b"")


def truncated_then_drip(exchange):
    """TC; then over TCP an octet a second."""
    if _truncate(exchange):
        return
    octets = struct.pack("!H", len(exchange.wire)) + exchange.wire
    for number in range(len(octets)):
        exchange.later(number * DRIP, exchange.line.write, octets[number:number + 1])


def truncated_then_nothing(exchange):
    """TC; and over TCP no word."""
    _truncate(exchange)


def truncated_then_hung_up(exchange):
    """TC; the TCP connection is closed without an answer."""
    if not _truncate(exchange):
        exchange.line.hang_up()


def truncated_then_half(exchange):
    """TC; over TCP half an answer, and the end."""
    if not _truncate(exchange):
        exchange.line.write(struct.pack("!H", len(exchange.wire)) + exchange.wire[:-10])
        exchange.line.hang_up()


def truncated_everywhere(exchange):
    """TC over TCP, too."""
    _patched(exchange, 2, bytes([exchange.wire[2] | 0x02]))


def _truncate(exchange):
    """Whether the question came over UDP, and was told that the answer does not fit."""
    if exchange.line.transport != "udp":
        return False
    short = dns.message.make_response(exchange.query, recursion_available=True)
    short.flags |= dns.flags.TC
    exchange.line.send(short.to_wire())
    return True


def _without_edns(exchange, rcode):
    """Refuse questions with EDNS, answer others."""
    if exchange.query.edns < 0:
        exchange.line.send(exchange.wire)
        return
    refusal = dns.message.make_response(exchange.query)
    refusal.use_edns(False)
    refusal.set_rcode(rcode)
    exchange.line.send(refusal.to_wire())


def formerr_to_edns(exchange):
    """A server from before EDNS."""
    _without_edns(exchange, dns.rcode.FORMERR)


def notimp_to_edns(exchange):
    """Another."""
    _without_edns(exchange, dns.rcode.NOTIMP)


def _lie(exchange):
    """An answer in place of the right one."""
    lie = dns.message.make_response(exchange.query, recursion_available=True)
    lie.answer.append(dns.rrset.from_text(
        exchange.query.question[0].name, 300, "IN", "TXT", '"v=DMARC1; p=none"'))
    return lie.to_wire()


def spoofed_port(exchange):
    """A lie from another port comes before the right answer."""
    _from_elsewhere(exchange, "127.0.0.1")


def spoofed_address(exchange):
    """A lie from another address, the same."""
    _from_elsewhere(exchange, "127.0.0.2")


def _from_elsewhere(exchange, address):
    if exchange.line.peer is not None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((address, 0))
            sock.sendto(_lie(exchange), exchange.line.peer)
    exchange.later(0.05, exchange.line.send, exchange.wire)


def flood(exchange):
    """Lies with ids that were not asked for, then the right answer."""
    lie = _lie(exchange)
    right, = struct.unpack("!H", lie[:2])
    for number in range(1, FLOOD):
        exchange.line.send(struct.pack("!H", (right + number) % 65536) + lie[2:])
    exchange.line.send(exchange.wire)


def twice(exchange):
    """The right answer, and a lie with the same id right behind it."""
    exchange.line.send(exchange.wire)
    exchange.line.send(_lie(exchange))
