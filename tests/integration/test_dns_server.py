"""The scripted DNS server is an instrument of these tests: it must be right itself."""

import pytest
from dns import exception, message, query, rcode

from dns_server import MALFORMED, REFUSED, SERVFAIL, TIMEOUT, after, truncated

ZONE = {
    "example.com": {"A": ["192.0.2.1"], "MX": ["10 mail.example.com"],
                    "TXT": ["v=spf1 -all", "x" * 600, ("two ", "strings")]},
    "a.b.example.net": {"A": ["192.0.2.2"]},
    "alias.example.com": {"CNAME": "example.com"},
    "lost.example.com": {"CNAME": "nowhere.example.com"},
    "one.loop.example": {"CNAME": "two.loop.example"},
    "two.loop.example": {"CNAME": "one.loop.example"},
    "some.example": {"TXT": SERVFAIL, "A": ["192.0.2.3"]},
    "refused.example": REFUSED,
    "silent.example": TIMEOUT,
    "garbage.example": MALFORMED,
    "slow.example": {"A": after(0.3, "192.0.2.4")},
    "big.example": {"TXT": truncated("small")},
}


@pytest.fixture(name="server")
def fixture_server(dns):
    """The run's server with this zone."""
    dns.load(ZONE)
    return dns


@pytest.fixture(name="ask")
def fixture_ask(server):
    """Ask over UDP, and over TCP when truncated."""
    def ask(name, rtype="A"):
        return query.udp_with_fallback(message.make_query(name, rtype), server.address,
                                       port=server.port, timeout=1)[0]
    return ask


@pytest.mark.parametrize("name, rtype, code, answers, authority", [
    ("example.com", "A", "NOERROR", 1, 0),
    ("EXAMPLE.com", "A", "NOERROR", 1, 0),
    ("example.com", "TXT", "NOERROR", 3, 0),
    ("example.com", "AAAA", "NOERROR", 0, 1),
    ("b.example.net", "A", "NOERROR", 0, 1),
    ("example.net", "TXT", "NOERROR", 0, 1),
    ("c.example.net", "A", "NXDOMAIN", 0, 1),
    ("x.a.b.example.net", "A", "NXDOMAIN", 0, 1),
    ("some.example", "TXT", "SERVFAIL", 0, 0),
    ("some.example", "A", "NOERROR", 1, 0),
    ("refused.example", "TXT", "REFUSED", 0, 0),
    ("lost.example.com", "A", "NXDOMAIN", 1, 1),
    ("slow.example", "A", "NOERROR", 1, 0),
])
def test_answers(ask, name, rtype, code, answers, authority):
    """Answers, NODATA (an empty non-terminal exists), NXDOMAIN, and failures."""
    response = ask(name, rtype)
    assert rcode.to_text(response.rcode()) == code
    assert sum(len(rrset) for rrset in response.answer) == answers
    assert len(response.authority) == authority


def test_aliases(ask):
    """A CNAME is followed; a loop of them ends."""
    assert [rrset.to_text() for rrset in ask("alias.example.com").answer] == [
        "alias.example.com. 0 IN CNAME example.com.", "example.com. 0 IN A 192.0.2.1"]
    assert ask("one.loop.example").answer


def test_strings(ask):
    """A long text is cut into strings of 255 octets; a tuple is taken as it is."""
    texts = {tuple(map(len, record.strings)) for record in ask("example.com", "TXT").answer[0]}
    assert texts == {(11,), (255, 255, 90), (4, 7)}


def test_truncated(ask, server):
    """TC over UDP, whole over TCP; both are counted."""
    assert len(ask("big.example", "TXT").answer[0]) == 1
    assert [q.transport for q in server.questions("big.example", "TXT")] == ["udp", "tcp"]


@pytest.mark.parametrize("name, error", [("silent.example", exception.Timeout),
                                         ("garbage.example", exception.DNSException)])
def test_no_answer(ask, name, error):
    """Silence and garbage."""
    with pytest.raises(error):
        ask(name)
