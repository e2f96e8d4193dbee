"""How truefromd asks: servers, caches, transports, limits."""

import socket
import subprocess

import pytest

import namespace
import zones
from dns_server import DnsServer, after, truncated
from letter import letter
from signing import rsa_key, sign

SPF = "v=spf1 ip4:192.0.2.0/24 -all"
DMARC = "v=DMARC1; p=reject"


def zone(**options):
    """example.com with SPF, DMARC and a key."""
    return zones.domain("example.com", spf=SPF, dmarc=DMARC, keys={"s1": rsa_key()}, **options)


def test_resolv_conf(mx, folder):
    """dns.servers = {}: the servers of the system's resolv.conf."""
    if not namespace.isolated():
        pytest.skip("no namespace of our own in which resolv.conf could be replaced")
    path = f"{folder}/resolv.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.53\noptions edns0\n")
    subprocess.run(["mount", "--bind", path, "/etc/resolv.conf"], check=True)
    server = DnsServer("127.0.0.53", 53)
    try:
        server.load(zone())
        mx.start({}, dns={"servers": []})
        assert mx.send(letter()).log["dmarc"] == "pass"
        assert server.questions("_dmarc.example.com", "TXT") and not mx.dns.questions()
    finally:
        server.stop()
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)


def test_no_question_twice_within_its_ttl(mx):
    """What was answered is remembered, negative answers too."""
    mx.start({})
    mx.dns.load(zone(), ttl=300)
    message = sign(letter(), "example.com", rsa_key())
    first = mx.send(message, check=False)
    asked = len(mx.dns.questions())
    assert first.delivered and asked >= 3
    assert mx.send(message, check=False).delivered
    assert len(mx.dns.questions()) == asked


def test_no_question_twice_in_one_message(mx):
    """Seven signatures with one key, and SPF and DMARC of one domain: each name once."""
    mx.start({})
    mx.dns.load(zone(), ttl=300)
    message = letter()
    for _ in range(7):
        message = sign(message, "example.com", rsa_key())
    assert mx.send(message, check=False).field.count("dkim=pass") == 7
    asked = [(q.name, q.type) for q in mx.dns.questions()]
    assert sorted(set(asked)) == sorted(asked)


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "silent"])
def test_one_of_two_servers_dead(mx, silent):
    """The other one answers for it, whether its port is closed or nobody says a word there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead:
        dead.bind(("127.0.0.1", 0))
        port = dead.getsockname()[1]
        if not silent:
            dead.close()
        mx.start(zone(), dns={"servers": [f"127.0.0.1@{port}", mx.dns.server], "timeout": 4})
        for _ in range(6):
            assert mx.send(letter(), check=False).log["dmarc"] == "pass"


def test_slow_name_behind_a_fast_server(mx):
    """A resolver that answers at once for a hundred names may need seconds for the next: that is
    an answer, as long as dns.timeout is not over."""
    records = {f"n{n}.example": {"TXT": [SPF]} for n in range(100)}
    mx.start(zones.join(zone(), records, {"_dmarc.example.net": {"TXT": after(4, DMARC)}}),
             dns={"timeout": 6})
    for n in range(100):
        outcome = mx.send(letter(), sender=f"a@n{n}.example", check=False)
        assert outcome.log["spf"] == "pass"
    outcome = mx.send(letter("a@example.net"), ip="203.0.113.9", check=False)
    assert (outcome.code, outcome.log["dmarc"]) == (550, "fail")


def test_truncated_over_udp(mx):
    """What does not fit into UDP is asked for over TCP."""
    records = zone()
    records["_dmarc.example.com"] = {"TXT": truncated(DMARC)}
    mx.start(records)
    assert mx.send(letter()).log["policy"] == "reject"
    assert "tcp" in {q.transport for q in mx.dns.questions("_dmarc.example.com")}


def test_aliases(mx):
    """Policy and key behind CNAMEs; a loop of them is a temporary error, not an answer."""
    mx.start(zones.join(
        zones.domain("example.com", spf=SPF),
        {"_dmarc.example.com": {"CNAME": "_dmarc.provider.example"},
         "_dmarc.provider.example": {"TXT": [DMARC]},
         "s1._domainkey.example.com": {"CNAME": "key.provider.example"},
         "key.provider.example": {"TXT": [rsa_key().record()]},
         "_dmarc.example.net": {"CNAME": "loop.example.net"},
         "loop.example.net": {"CNAME": "_dmarc.example.net"}}))
    outcome = mx.send(sign(letter(), "example.com", rsa_key()), ip="203.0.113.9")
    assert (outcome.log["dkim"], outcome.log["dmarc"]) == ("pass:example.com", "pass")
    outcome = mx.send(letter("a@example.net"), sender="a@example.net")
    assert outcome.log["dmarc"] == "temperror"


def test_max_questions(mx):
    """Beyond dns.max_questions: a temporary error, and no further question."""
    names = [f"s{n}.d{n}.example" for n in range(12)]
    message = letter()
    for name in names:
        message = sign(message, name, rsa_key())
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc=DMARC),
             dns={"max_questions": 10})
    outcome = mx.send(message, check=False)
    assert len({(q.name, q.type) for q in mx.dns.questions()}) == 10 == int(outcome.log["dns"])
    assert "temperror" in outcome.log["dkim"]


def test_zone_file(mx, folder):
    """dns.zone: records that are answered before any server."""
    path = f"{folder}/local.zone"
    with open(path, "w", encoding="ascii") as file:
        file.write(f'example.com. 60 IN TXT "{SPF}"\n_dmarc.example.com. 60 IN TXT "{DMARC}"\n')
    mx.start({}, dns={"zone": path})
    assert mx.send(letter()).log["dmarc"] == "pass"
    assert not mx.dns.questions("_dmarc.example.com")
