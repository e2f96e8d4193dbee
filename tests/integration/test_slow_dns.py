"""Sessions that wait for slow DNS: each holds its own deadline, whatever the others do."""

import threading
import time

import wait
import zones
from dns_server import TIMEOUT, after
from letter import letter
from milter_client import MilterClient
from parallel import judge_all

SESSIONS = 64
DEADLINE = 3  # message_deadline, seconds
# What a message may take beyond its deadline: libmilter's pool may leave a session lying until
# something moves (the poke), and 64 answers have to be written on two busy cores.
ALLOWANCE = 2.0
SPF = "v=spf1 ip4:192.0.2.0/24 -all"


def test_64_sessions_each_hold_their_own_deadline(mx):
    """DNS never answers: every message ends within its deadline and the allowance."""
    mx.start({}, message_deadline=DEADLINE, dns={"timeout": DEADLINE})
    results = judge_all(mx, SESSIONS, lambda _, name: {name: TIMEOUT, f"_dmarc.{name}": TIMEOUT})
    for domain, _, verdict in results:
        assert "dmarc=temperror" in verdict.field and f"header.from={domain}" in verdict.field
    slowest = max(seconds for _, seconds, _ in results)
    assert slowest < DEADLINE + ALLOWANCE * mx.programs.patience, sorted(r[1] for r in results)


def test_64_sessions_with_answers_of_different_speed(mx):
    """Half of the answers take 2 s: the others do not wait with them, and nobody gets another's."""
    mx.start({}, message_deadline=10, dns={"timeout": 5})

    def zone_of(number, name):
        record = "v=DMARC1; p=reject"
        return zones.domain(name, spf=SPF, dmarc=after(2, record) if number % 2 else record)

    for domain, seconds, verdict in judge_all(mx, SESSIONS, zone_of):
        assert verdict.field.endswith(
            f"dmarc=pass (p=reject dis=none) header.from={domain} policy.dmarc=reject")
        slow = int(domain[1:].partition(".")[0]) % 2
        assert seconds < slow * 2 + ALLOWANCE * mx.programs.patience, (domain, seconds)


def test_progress_while_waiting(mx):
    """A message that waits long for DNS lets the MTA know that it is alive."""
    mx.start({"example.com": TIMEOUT, "_dmarc.example.com": TIMEOUT}, message_deadline=15,
             dns={"timeout": 12})
    with MilterClient(mx.milter()) as client:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        verdict = client.message(letter(), "alice@example.com")
    assert verdict.progress >= 1
    assert "dmarc=temperror" in verdict.field


def test_quit_while_waiting(mx):
    """An MTA that goes away during the wait leaves nothing behind that hurts the next one."""
    mx.start({"example.com": TIMEOUT, "_dmarc.example.com": TIMEOUT}, message_deadline=3,
             dns={"timeout": 2})
    for _ in range(10):
        client = MilterClient(mx.milter())
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.content(letter())
        client.send("E")
        client.close(command=None)
    wait.until(lambda: len(mx.daemon.message_lines()) == 10, "they are over", 10)
    mx.dns.load(zones.domain("example.net", spf=SPF, dmarc="v=DMARC1; p=reject"))
    outcome = mx.send(letter("a@example.net"), sender="a@example.net")
    assert outcome.log["dmarc"] == "pass"


def test_parallel_sessions_with_reloads(request, mx):
    """Eight connections, one message after the other, while the DNS is slow and the configuration
    is read again each second, each other time with a new resolver: each verdict is right. (This is
    for the thread sanitizer; --minutes has it go on for so long.)"""
    names = [f"d{number}.example" for number in range(8)]
    zone = zones.join({"spf.example": {"TXT": after(0.3, SPF)}}, *(
        zones.domain(name, spf="v=spf1 include:spf.example -all",
                     dmarc=after(0.2 + number / 10, "v=DMARC1; p=reject"))
        for number, name in enumerate(names)))
    mx.start(zone, dns={"timeout": 5})
    end = time.monotonic() + max(4, request.config.getoption("minutes") * 60)
    counts, failures = [0] * len(names), []

    def send(number):
        name = names[number]
        with MilterClient(mx.milter(), timeout=120) as client:
            client.connect("192.0.2.1" if number % 2 else "203.0.113.9")
            client.helo("mail.example.com")
            while time.monotonic() < end and not failures:
                verdict = client.message(letter(sender=f"a@{name}"), f"a@{name}")
                if number % 2:
                    assert verdict.field.endswith(
                        f"dmarc=pass (p=reject dis=none) header.from={name} policy.dmarc=reject")
                else:
                    assert verdict.reply.startswith("550 5.7.1 turn "), verdict
                counts[number] += 1

    def work(number):
        try:
            send(number)
        except Exception as error:  # a thread has nobody else to tell
            failures.append((number, error))

    mx.daemon.reload(mx.settings(dmarc={"reply": "5.7.1 turn 0"}, dns={"timeout": 5}))
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(len(names))]
    for thread in threads:
        thread.start()
    turn = 0
    while time.monotonic() < end and not failures:
        time.sleep(1)
        turn += 1
        mx.dns.load(zone)  # what was asked for is slow again
        mx.daemon.reload(mx.settings(dmarc={"reply": f"5.7.1 turn {turn}"},
                                     dns={"timeout": 5 + turn // 2 % 2}))
    for thread in threads:
        thread.join(120)
    print(f"{sum(counts)} messages, {turn} reloads")
    assert not failures and min(counts) >= 2, (failures, counts)
