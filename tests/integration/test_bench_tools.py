"""The tools that measure: they have to be right before their figures can be."""

import os
import signal
import time

import dns.exception
import pytest

import wait
import zones
from bench_tools import Recorder, Tools, write_corpus
from daemon import Daemon
from letter import letter
from signing import ed25519_key, sign

OPTIONS = bytes((0, 0, 0, 13)) + b"O" + bytes((0, 0, 0, 6)) + bytes(8)
CLIENT = ("192.0.2.1", "mail.good.example")


@pytest.fixture(scope="module", name="tools")
def fixture_tools(programs):
    """The tools, built."""
    return Tools(os.path.dirname(programs.truefromd), programs.patience)


@pytest.fixture(scope="module", name="corpus")
def fixture_corpus(ground):
    """Two clients; signed, unsigned, forged, without a policy, from a null sender."""
    key = ed25519_key()
    zone = zones.join(
        zones.domain("good.example", spf="v=spf1 ip4:192.0.2.1 -all", dmarc="v=DMARC1; p=reject",
                     keys={"ed": key}),
        {"open.example": {"A": "192.0.2.3"}},
        zones.domain("mail.good.example", spf="v=spf1 ip4:192.0.2.1 -all"))
    signed = sign(letter("a@good.example", body="".join("%070d\r\n" % n for n in range(2000))),
                  "good.example", key, "ed")
    to = "user@example.org"
    letters = [
        ((*CLIENT, "a@good.example", to, "pass", "pass", "none", "pass", "accept"), signed),
        ((*CLIENT, "", to, "pass", "pass", "none", "pass", "accept"), signed),
        (("192.0.2.9", "liar.example", "a@good.example", to, "fail", "none", "none", "fail",
          "reject"), letter("a@good.example")),
        (("192.0.2.9", "liar.example", "a@open.example", to, "none", "pass,fail", "none", "none",
          "accept"), sign(sign(letter("a@open.example"), "good.example", key, "ed"),
                          "good.example", key, "ed").replace(b"b=", b"b=AAAA", 1)),
    ]
    return write_corpus(os.path.join(ground, "corpus"), zone, letters)


@pytest.fixture(name="truefromd")
def fixture_truefromd(tools, programs, corpus, folder):
    """A truefromd that asks the fast DNS server; the sockets that it can be reached at."""
    with tools.dns(os.path.join(corpus, "zone")) as server:
        spec = f"unix:{folder}/s"
        daemon = Daemon(programs, folder, {
            "socket": spec, "user": "", "authserv_id": "mx.example.org",
            "dns": {"servers": [server.server]}})
        daemon.start()
        yield spec
        daemon.close()


def test_agreement(tools, corpus, truefromd, folder):
    """What truefromd says is what was expected, on any number of connections."""
    for connections, rate in ((1, None), (8, None), (3, 200)):
        said = tools.load(corpus, truefromd, connections=connections, messages=40,
                          verdicts=f"{folder}/v", **({"rate": rate} if rate else {}))
        with open(f"{folder}/v", encoding="ascii") as file:
            assert file.read() == ""
        assert (said["messages"], said["errors"]["total"]) == (40, 0)
        agreement = said["agreement"]
        assert agreement["line"] == {"agreed": 40, "wrong": 0}
        assert agreement["action"] == {"agreed": 40, "wrong": 0, "not_said": 0}
        assert agreement["dkim"]["wrong"] == 0 and agreement["dkim"]["agreed"] >= 28
        assert agreement["arc"]["not_said"] == 40
        assert 0 < said["end_ms"]["p50"] <= said["end_ms"]["p99"] <= said["end_ms"]["max"]
        assert said["latency_ms"]["max"] >= said["end_ms"]["max"]


def test_disagreement(tools, corpus, truefromd, folder):
    """A wrong expectation is counted and written once."""
    with open(os.path.join(corpus, "index"), encoding="ascii") as file:
        lines = file.read()
    other = f"{folder}/corpus"
    os.mkdir(other)
    for number in range(4):
        os.symlink(f"{corpus}/{number:04}.eml", f"{other}/{number:04}.eml")
    with open(f"{other}/index", "w", encoding="ascii") as file:
        file.write(lines.replace("pass,fail", "pass,pass").replace("reject", "quarantine"))
    said = tools.load(other, truefromd, messages=12, verdicts=f"{folder}/v")["agreement"]
    assert said["line"] == {"agreed": 6, "wrong": 6}
    assert (said["dkim"]["wrong"], said["action"]["wrong"], said["spf"]["wrong"]) == (3, 3, 0)
    with open(f"{folder}/v", encoding="ascii") as file:
        assert sorted(file.read().splitlines()) == [
            "0002.eml\taction\tquarantine\treject", "0003.eml\tdkim\tpass,pass\tpass,fail"]


def test_chain(tools, corpus, truefromd, folder):
    """Filters in a row, over both kinds of sockets; what one does not say another may."""
    with tools.empty_filter("inet:18890@127.0.0.1", "--reply"), \
            tools.empty_filter(f"unix:{folder}/e"):
        for _ in range(100):
            if tools.load(corpus, "inet:18890@127.0.0.1", f"unix:{folder}/e",
                          messages=1)["messages"]:
                break
            time.sleep(0.05)
        said = tools.load(corpus, "inet:18890@127.0.0.1", truefromd, f"unix:{folder}/e",
                          connections=4, messages=40, per_connection=2)
    assert said["errors"]["total"] == 0
    assert said["agreement"]["line"] == {"agreed": 40, "wrong": 0}
    assert said["connections_opened"] >= 20


def test_events(tools, corpus, folder):
    """All events with their answers, in order, and the header as the filter before left it."""
    insert = b"i" + bytes(4) + b"X-New\0first\0"
    change = b"m" + bytes((0, 0, 0, 1)) + b"subject\0changed\0"
    delete = b"m" + bytes((0, 0, 0, 1)) + b"From\0\0"
    one = Recorder(f"{folder}/1", answers={"E": [insert, change, b"p", delete, b"c"]})
    two = Recorder(f"{folder}/2", protocol=0x100200)  # LEADSPC, NODATA
    said = tools.load(corpus, one.spec, two.spec, messages=1)
    assert (said["messages"], said["errors"]["total"]) == (1, 0)
    wait.until(lambda: "Q" in one.commands() and "Q" in two.commands(), "the end", 10)
    before, after = one.headers(), two.headers()
    assert one.commands() == f"OdCHdMdRdT{'L' * len(before)}dNBBBdEQ"
    assert two.commands() == f"OdCHdMdRd{'L' * len(after)}dNBBBdEQ"
    names = [name.lower() for name, _ in before]
    assert after[0] == (b"X-New", b" first")
    assert [name.lower() for name, _ in after[1:]] == [n for n in names if n != b"from"]
    assert dict(after)[b"Subject"] == b" changed" and dict(before)[b"Subject"][:1] != b" "
    sent = b"".join(data for command, data in two.heard if command == "B")
    with open(os.path.join(corpus, "0000.eml"), "rb") as file:
        assert file.read().partition(b"\r\n\r\n")[2] == sent
    assert [len(data) for command, data in two.heard if command == "B"][:2] == [65535, 65535]
    one.close()
    two.close()


@pytest.mark.parametrize("stage, answer, word", [
    ("C", b"r", "reject"), ("M", b"y451 4.7.1 later\0", "tempfail"), ("R", b"t", "tempfail"),
    ("L", b"y550 5.7.1 no\0", "reject"), ("B", b"r", "reject"), ("B", b"s", "accept"),
    ("R", b"a", "accept")])
def test_answers(tools, corpus, folder, stage, answer, word):
    """An answer before the end; the filter behind hears that it is over."""
    one = Recorder(f"{folder}/1", answers={stage: [answer]})
    two = Recorder(f"{folder}/2")
    tools.load(corpus, one.spec, two.spec, messages=1, verdicts=f"{folder}/v")
    wait.until(lambda: "Q" in one.commands() and "Q" in two.commands(), "the end", 10)
    with open(f"{folder}/v", encoding="ascii") as file:
        wrong = [line.split("\t") for line in file.read().splitlines()]
    assert [line[3] for line in wrong] == ([word] if word != "accept" else [])
    assert ("A" in two.commands()) == (stage in "RLB" and word != "accept")
    assert ("E" in two.commands()) == (word == "accept")
    assert one.commands().count("B") == {"B": 1, "R": 0, "M": 0, "C": 0, "L": 0}[stage]
    one.close()
    two.close()


def _then_hear(octets):
    """Say this after the first packet, and listen to the end."""
    def misbehave(sock):
        sock.recv(1 << 16)
        sock.sendall(octets)
        while sock.recv(1 << 16):
            pass
    return misbehave


@pytest.mark.parametrize("misbehave, kind", [
    (lambda sock: None, "negotiate"),
    (_then_hear(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "negotiate"),
    (_then_hear(bytes((0, 0, 0, 2)) + b"Oo"), "negotiate"),
    (_then_hear(OPTIONS + b"\0\0\0\1z"), "protocol"),
    (_then_hear(OPTIONS + b"\xff\0\0\0c"), "protocol"),
    (lambda sock: (sock.recv(1 << 16), sock.sendall(OPTIONS), sock.recv(1 << 16)), "closed"),
    (_then_hear(OPTIONS), "timeout")])
def test_misbehaviour(tools, corpus, folder, misbehave, kind):
    """It is counted, and the generator ends."""
    one = Recorder(f"{folder}/1", misbehave=misbehave)
    said = tools.load(corpus, one.spec, messages=2, connections=2, timeout=1)
    assert said["messages"] == 0 and said["errors"][kind] == said["errors"]["total"] == 2
    one.close()
    assert tools.load(corpus, one.spec, messages=1)["errors"]["connect"] == 1


def test_dns_answers(tools, corpus):
    """Aliases, what is not there, failures, truncation; and counters."""
    zone = os.path.join(corpus, "more")
    with open(zone, "w", encoding="ascii") as file:
        file.write("alias.example. 60 IN CNAME deep.name.example.\n"
                   "deep.name.example. 60 IN A 192.0.2.5\n"
                   "bad.example. 60 IN TYPE65280 \\# 0\n"
                   + "".join(f'big.example. IN TXT "{n:0200}"\n' for n in range(20)))
    with tools.dns(zone, "--ttl", "7") as server:
        assert [r.to_text() for r in server.ask("ALIAS.example", "A").answer] == [
            "ALIAS.example. 7 IN CNAME deep.name.example.", "deep.name.example. 7 IN A 192.0.2.5"]
        assert [(r.rcode(), len(r.authority)) for r in (
            server.ask("nothing.example"), server.ask("name.example"),
            server.ask("bad.example", tcp=True))] == [(3, 1), (0, 1), (2, 0)]
        assert server.ask("big.example", use_edns=1232, payload=1232).flags & 0x200
        assert len(server.ask("big.example", tcp=True).answer[0]) == 20
        assert server.counters() == (6, 6, 0)
        server.process.send_signal(signal.SIGUSR1)
        while server.counters() != (0, 0, 0):
            time.sleep(0.01)


def test_dns_delay_and_drop(tools, corpus):
    """Every answer late, one question in three never answered, and which one is certain."""
    zone = os.path.join(corpus, "zone")
    with tools.dns(zone, "--delay", "50", "--drop", "3") as server:
        fates = []
        for _ in range(6):
            began = time.monotonic()
            try:
                server.ask("good.example", timeout=0.25)
                fates.append(True)
                assert time.monotonic() - began >= 0.05
            except dns.exception.Timeout:
                fates.append(False)
        assert fates.count(False) == 2 and fates[:3] == fates[3:]
        assert server.counters() == (6, 4, 2)
