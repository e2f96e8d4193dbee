#!/usr/bin/python3
"""What a message costs truefromd: CPU time, DNS questions and memory, on a corpus made from a seed.

    tests/bench/cost.py --build DIR [--messages N] [--rounds N] [--verifier libopendkim|own]

200 messages of 15 KB on average with 1.1 RSA and 0.26 Ed25519 signatures each, of 40 domains with
SPF (half of them behind an include) and DMARC, are sent through the milter protocol on a UNIX
socket, five to a connection. CPU is the daemon's own (user and system), so that what sends and
what answers DNS does not count. Nothing here passes or fails.
"""

import argparse
import os
import pathlib
import random
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import zones  # noqa: E402
from daemon import Daemon, Programs  # noqa: E402
from dns_server import DnsServer  # noqa: E402
from letter import letter  # noqa: E402
from milter_client import MilterClient  # noqa: E402
from signing import ed25519_key, rsa_key, sign  # noqa: E402

DOMAINS = 40
PER_CONNECTION = 5


def corpus(count, seed=1):
    """The zone and the messages, each with its envelope sender."""
    rng = random.Random(seed)
    rsa, ed25519 = rsa_key(), ed25519_key()
    zone = {"_spf.relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}}
    for number in range(DOMAINS):
        spf = "include:_spf.relay.example" if number % 2 else "ip4:192.0.2.1"
        zone = zones.join(zone, zones.domain(
            f"d{number}.example", spf=f"v=spf1 {spf} -all", dmarc="v=DMARC1; p=reject",
            keys={"rsa": rsa, "ed": ed25519}))
    messages = []
    for _ in range(count):
        domain = f"d{rng.randrange(DOMAINS)}.example"
        lines = max(1, int(rng.expovariate(1 / 15000) / 72))
        body = "".join("%070d\r\n" % rng.getrandbits(60) for _ in range(lines))
        message = letter(f"a@{domain}", body=body)
        message = sign(message, domain, rsa, "rsa")
        if rng.random() < 0.1:
            message = sign(message, f"d{rng.randrange(DOMAINS)}.example", rsa, "rsa")
        if rng.random() < 0.26:
            message = sign(message, domain, ed25519, "ed")
        messages.append((f"bounce@{domain}", message))
    return zone, messages


def cpu_seconds(pid):
    """User and system time of the process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid):
    """Resident memory now."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def send_all(address, messages):
    """Every message once; returns how many bore dmarc=pass."""
    passed = 0
    for start in range(0, len(messages), PER_CONNECTION):
        with MilterClient(address) as client:
            client.connect("192.0.2.1")
            client.helo("mail.d0.example")
            for sender, message in messages[start:start + PER_CONNECTION]:
                passed += "dmarc=pass" in (client.message(message, sender).field or "")
    return passed


def main():
    """One table of figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--verifier", default="libopendkim", help="dkim.verifier")
    options = parser.parse_args()
    zone, messages = corpus(options.messages)
    octets = sum(len(message) for _, message in messages) / len(messages)
    dns = DnsServer()
    dns.load(zone, ttl=3600)
    with tempfile.TemporaryDirectory() as folder:
        socket = os.path.join(folder, "s")
        daemon = Daemon(Programs(os.path.abspath(options.build)), folder, {
            "socket": f"unix:{socket}", "user": "", "authserv_id": "mx.example.org",
            "log_level": "warning", "dns": {"servers": [dns.server]},
            "dkim": {"verifier": options.verifier}})
        daemon.start()
        print(f"{len(messages)} messages of {octets / 1000:.1f} KB")
        print("round   CPU ms/message   DNS questions/message   dmarc=pass   memory MB")
        for number in range(options.rounds):
            asked, cpu = len(dns.questions()), cpu_seconds(daemon.pid)
            passed = send_all(socket, messages)
            cpu = cpu_seconds(daemon.pid) - cpu
            asked = len(dns.questions()) - asked
            print(f"{number + 1:5}   {cpu * 1000 / len(messages):14.3f}   "
                  f"{asked / len(messages):21.2f}   {passed:10}   {memory_mb(daemon.pid):9.1f}")
        daemon.signal(signal.SIGTERM)
        daemon.wait()
    dns.stop()


if __name__ == "__main__":
    main()
