"""DNS servers that fail, lie, drip or are spoofed: a temporary error or the right answer, in time.

RFC 7208 section 2.6.6, RFC 6376 section 6.1.2 and RFC 9989 say the same of an answer that cannot be
had: a temporary error. It is never "no record" and never "fail". What stands in the way of an
answer that comes all the same (EDNS refused, a spoofed packet) changes nothing.
"""

import collections
import dataclasses
import re
import threading
import time

import pytest

import dns_faults
import wait
import zones
from dns_server import REFUSED, SERVFAIL, TIMEOUT, DnsServer, Reply, after
from letter import letter
from milter_client import send
from parallel import judge_all
from signing import ed25519_key, sign

DEADLINE, TIMEOUT_S = 3, 2  # message_deadline, dns.timeout
SPF = "v=spf1 ip4:192.0.2.0/24 -all"
DMARC = "v=DMARC1; p=reject"


def fault(name):
    """A record that is answered for with this fault."""
    return lambda record: Reply(records=(record,), fault=getattr(dns_faults, name))


def records(*others):
    """Such records beside the right one."""
    return lambda record: [*others, record]


@dataclasses.dataclass(frozen=True)
class Aliases:
    """A record behind a chain of so many aliases, or behind a circle of them."""

    text: str
    count: int
    circle: bool = False


def with_aliases(zone):
    """The zone with the chains written out."""
    for name, types in list(zone.items()):
        chain = types.get("TXT") if isinstance(types, dict) else None
        if isinstance(chain, Aliases):
            del types["TXT"]
            names = [name, *(f"{number}.{name}" for number in range(chain.count))]
            for alias, target in zip(names, names[1:]):
                zone.setdefault(alias, {})["CNAME"] = [target]
            zone[names[-1]] = {"CNAME": [names[1]]} if chain.circle else {"TXT": [chain.text]}
    return zone


LOST = {
    "silent": lambda _: TIMEOUT,
    "servfail": lambda _: SERVFAIL,
    "refused": lambda _: REFUSED,
    "too late": lambda record: after(TIMEOUT_S * 1.25, record),
    "9 aliases": lambda record: Aliases(record, 9),
    "15 aliases": lambda record: Aliases(record, 15),
    "circle": lambda record: Aliases(record, 3, circle=True),
    "1,000 records": records(*(f"x{number}" for number in range(1000))),
    **{name: fault(name) for name in (
        "wrong_id", "wrong_question", "wrong_class", "wrong_type", "no_question", "no_reply_bit",
        "other_opcode", "no_such_name_with_records", "odd_rcode", "pointer_loop",
        "pointer_beyond", "cut_short", "too_many_counted", "header_only", "empty")},
}
# Apart from the others, since libunbound asks more than one question over one TCP connection.
SLOW_TCP = {name: fault(name) for name in ("truncated_then_drip", "truncated_then_nothing")}
SHORT_TCP = {name: fault(name) for name in (
    "truncated_then_hung_up", "truncated_then_half", "truncated_everywhere")}
FOUND = {
    "in time": lambda record: after(TIMEOUT_S * 0.5, record),
    "8 aliases": lambda record: Aliases(record, 8),
    "60 kB beside": records(("x" * 255,) * 230),
    "99 records beside": records(*(f"x{number}" for number in range(99))),
    "strings of 255 beside": records(("x" * 255,) * 4),
    "NULs beside": records(("\0" * 255, "v=DMARC1; p=none")),
    "many strings": lambda record: [tuple(record)],
    "empty strings": lambda record: [("", *record, "")],
    **{name: fault(name) for name in (
        "formerr_to_edns", "notimp_to_edns", "owner_beside", "spoofed_port", "spoofed_address",
        "flood", "twice")},
}
# The server whom we are told to ask sends nothing but records of other names: libunbound drops
# them, as RFC 2181 section 5.4.1 has it, and what is left says that there is no record.
DENIED = {"other_owner": fault("other_owner")}
CASES = {**LOST, **FOUND, **DENIED}


def dmarc_fails(domain, case):
    """The policy is what fails to come; SPF has failed."""
    return zones.domain(domain, spf="v=spf1 -all", dmarc=case(DMARC))


def spf_fails(domain, case):
    """SPF's record does, and there is no signature."""
    return zones.domain(domain, spf=case(SPF), dmarc=DMARC)


def key_fails(domain, case):
    """The key does; SPF has failed."""
    key = case(ed25519_key().record())
    return zones.domain(domain, spf="v=spf1 -all", dmarc=DMARC, keys={"s1": key})


@pytest.mark.parametrize("places, choice, faults", [
    ([dmarc_fails, key_fails], "tempfail", CASES), ([spf_fails], "accept", CASES),
    ([dmarc_fails, spf_fails, key_fails], "tempfail", SLOW_TCP),
    ([dmarc_fails, spf_fails, key_fails], "accept", SHORT_TCP),
], ids=["policy-key", "spf", "slow-tcp", "short-tcp"])
def test_faults(mx, places, choice, faults):
    """Each fault in a session of its own, all at once, and good messages between them."""
    mx.start({}, message_deadline=DEADLINE, dns={"timeout": TIMEOUT_S},
             dmarc={"on_temperror": choice})
    cases = [(place, *case) for place in places for case in faults.items()]
    good = len(cases)

    def message_of(number, domain):
        message = letter(sender=f"a@{domain}")
        signed = number < good and cases[number][0] is key_fails
        return sign(message, domain, ed25519_key()) if signed else message

    def zone_of(number, domain):
        if number < good:
            place, _, case = cases[number]
            return with_aliases(place(domain, case))
        return zones.domain(domain, spf=SPF, dmarc=DMARC)

    wrong, lost = [], {**LOST, **SLOW_TCP, **SHORT_TCP}
    for domain, seconds, verdict in judge_all(mx, good + 8, zone_of, message_of=message_of):
        number = int(domain[1:].partition(".")[0])
        place, name, _ = cases[number] if number < good else (None, "good", None)
        got = "reject" if verdict.reply.startswith("550 5.7.1 ") else \
            "tempfail" if verdict.reply.startswith("451 4.7.1 ") else \
            verdict.field.partition("dmarc=")[2].partition(" ")[0]
        if name in lost:
            want = "temperror" if choice == "accept" else "tempfail"
        elif name in DENIED:
            want = "none" if place is dmarc_fails else "reject"
        elif name in FOUND and place is dmarc_fails:
            want = "reject"
        else:
            want = "pass"
        bound = 1 + (DEADLINE if name in lost else TIMEOUT_S)
        if got != want or seconds > bound * mx.programs.patience:
            wrong.append((place, name, want, got, round(seconds, 1), verdict.reply or verdict.field))
    assert not wrong, "\n".join(map(str, wrong))


class Counted:
    """One message, sent through Postfix until it is accepted or refused; its Subject is a number."""

    def __init__(self, mx, number, place, name):
        self._mx, self._place = mx, place
        self.number, self.name = number, name
        self.domain = f"d{number}.example"
        self.codes = []

    def zone(self, works):
        """What the DNS says of its domain."""
        return with_aliases(self._place(self.domain, (lambda record: record) if works
                                        else CASES.get(self.name) or SLOW_TCP[self.name]))

    def due(self):
        """The reply once the DNS works, or where it fails in vain."""
        return 550 if self._place is dmarc_fails else 250

    def offer(self):
        """Once more, unless its fate is sealed."""
        if self.codes and self.codes[-1] in (250, 550):
            return
        with self._mx.client() as client:
            self.codes.append(client.offer(
                letter(sender=f"a@{self.domain}", subject=f"{self.number}"), f"a@{self.domain}",
                "user@example.org")[0])


@pytest.mark.parametrize("choice, names", [
    ("tempfail", ["silent", "servfail", "refused", "wrong_id", "wrong_question", "circle",
                  "1,000 records", "60 kB beside"]),
    ("accept", ["silent", "servfail", "wrong_id", "circle", "truncated_then_drip"])])
def test_counted_at_the_client(mx, choice, names):
    """The whole way: what the DNS leaves undecided is put off or delivered as configured, and what
    was put off gets the right end when the DNS works again; at the client and where it is delivered
    no message is lost, doubled or without a field of ours."""
    mx.start({}, message_deadline=2, dns={"timeout": 1, "cache": False},
             dmarc={"on_temperror": choice})
    messages = [Counted(mx, number, place, name) for number, (name, place) in enumerate(
        (name, place) for name in names for place in (dmarc_fails, spf_fails))]
    mx.dns.load(zones.join(*(message.zone(works=False) for message in messages)))
    threads = [threading.Thread(target=message.offer, daemon=True) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    undecided = 451 if choice == "tempfail" else 250
    assert [m.codes for m in messages] == [
        [m.due() if m.name in FOUND else undecided] for m in messages]
    mx.dns.load(zones.join(*(message.zone(works=True) for message in messages)))

    def over():
        for message in messages:
            message.offer()
        return all(message.codes[-1] in (250, 550) for message in messages)

    wait.until(over, "the DNS is believed again", 15 * mx.programs.patience, step=0.2)
    if choice == "tempfail":
        assert [m.codes[-1] for m in messages] == [m.due() for m in messages]
    expected = {m.number: "pass" if choice == "tempfail" else "temperror"
                for m in messages if m.codes[-1] == 250}
    sink = mx.postfix.sink
    sink.wait_until(lambda all_: len(all_) >= len(expected))
    time.sleep(0.2)  # whatever else is on its way
    arrived = collections.Counter()
    for delivery in sink.deliveries():
        number = int(re.search(rb"\r\nSubject: (\d+)\r\n", delivery.data).group(1))
        arrived[number] += 1
        assert delivery.data.count(b"Authentication-Results:") == 1
        assert f"dmarc={expected[number]} ".encode() in delivery.data, delivery.data
    assert arrived == collections.Counter(expected.keys())


def test_servers_come_and_go(mx):
    """Both servers are dead at the start, then both live, then one: a temporary error while nobody
    answers, and the right answer soon after somebody does. (Each message is from a domain of its
    own, since libunbound ends one try of a question before it begins the next.)"""
    names = [f"example.n{number}" for number in range(200)]
    zone = zones.join(*(zones.domain(name, spf=SPF, dmarc=DMARC) for name in names))
    servers = [DnsServer(), DnsServer()]
    for server in servers:
        server.stop()
    mx.start({}, message_deadline=DEADLINE, dns={
        "servers": [server.server for server in servers], "timeout": TIMEOUT_S})

    def judge():
        name = names.pop()
        began = time.monotonic()
        verdict = send(mx.milter(), letter(sender=f"a@{name}"), "192.0.2.1", "mail.example.com",
                       f"a@{name}")
        assert time.monotonic() - began < DEADLINE + mx.programs.patience
        return verdict.field.partition("dmarc=")[2].partition(" ")[0]

    assert judge() == "temperror"
    servers = [DnsServer(port=server.port) for server in servers]
    try:
        for server in servers:
            server.load(zone)
        wait.until(lambda: judge() == "pass", "an answer", 10 * mx.programs.patience)
        servers.pop(0).stop()
        wait.until(lambda: judge() == "pass", "an answer of the other", 10 * mx.programs.patience)
    finally:
        for server in servers:
            server.stop()
