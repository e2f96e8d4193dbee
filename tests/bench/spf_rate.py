#!/usr/bin/python3
"""Evaluations of SPF per second on one core: ours, libspf2's and pyspf's, on the same records.

    make -C build tests/bench/spf_rate
    tests/bench/spf_rate.py --build build [--count N] [--rounds N]

What each has its answers from:
    ours      the cache of our resolver, as in the daemon: a thread of its own, and the way to it
    zone      the zone of our resolver (truefrom check --zone)
    memory    libspf2 with its zone layer, a list in memory: no DNS at all
    resolver  libspf2 with its resolver layer, as mail servers use it: it asks the local server
    pyspf     a dictionary
CPU of the process that evaluates is counted, with its part of the kernel's, and none of the
server's. All are pinned to one core and take turns; shown is the median of the rounds. Nothing is
kept from one evaluation to the next but those answers. Runs as root, in a namespace of its own.
Needs python3-spf and python3-dnspython. Nothing here passes or fails.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import spf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import namespace  # noqa: E402
from dns_server import DnsServer  # noqa: E402

IP = "192.0.2.3"
HELO = "mail.example.com"
INCLUDES = [
    ("i1.example", "TXT", "v=spf1 ip4:198.51.100.0/24 include:i2.example ?all"),
    ("i2.example", "TXT", "v=spf1 ip4:203.0.113.0/24 include:i3.example ?all"),
    ("i3.example", "TXT", "v=spf1 ip4:192.0.2.0/24 ?all"),
]
SETS = {
    "one ip4": [("d.example", "TXT", "v=spf1 ip4:192.0.2.0/24 -all")],
    "three nested includes": INCLUDES + [
        ("d.example", "TXT", "v=spf1 include:i1.example -all")],
    "a mx + includes": INCLUDES + [
        ("d.example", "TXT", "v=spf1 a mx include:i1.example -all"),
        ("d.example", "A", "198.51.100.1"),
        ("d.example", "MX", "10 mx1.example"),
        ("d.example", "MX", "20 mx2.example"),
        ("mx1.example", "A", "198.51.100.2"),
        ("mx2.example", "A", "198.51.100.3")],
    "exists with macros": [
        ("d.example", "TXT", "v=spf1 exists:%{ir}.%{v}._spf.%{d} -all"),
        ("3.2.0.192.in-addr._spf.d.example", "A", "127.0.0.2")],
    "60 ip4 terms": [
        ("d.example", "TXT", "v=spf1 " + "".join(f"ip4:198.51.100.{n} " for n in range(59))
         + "ip4:192.0.2.3 -all")],
}


class Memory:
    """pyspf's questions answered from the records."""

    def __init__(self, records):
        self._answers = {}
        for name, rtype, data in records:
            value = data
            if rtype == "TXT":
                value = (data.encode(),)
            elif rtype == "MX":
                value = (int(data.split()[0]), data.split()[1])
            self._answers.setdefault((name, rtype), []).append(((name, rtype), value))

    def look_up(self, name, rtype, *_args, **_options):
        """Stands for spf.DNSLookup."""
        return self._answers.get((name.lower(), rtype), [])


def run_pyspf(records, count):
    """Result and microseconds of CPU for one."""
    spf.DNSLookup = Memory(records).look_up
    result = spf.check2(i=IP, s="joe@d.example", h=HELO)[0]
    cpu = time.thread_time()
    for _ in range(count):
        spf.check2(i=IP, s="joe@d.example", h=HELO)
    return result, (time.thread_time() - cpu) * 1e6 / count


def run_program(program, who, path, count):
    """The same of the C program."""
    said = subprocess.run([program, who, path, IP, "joe@d.example", str(count)], check=True,
                          capture_output=True, text=True).stdout.split()
    return said[0], float(said[1])


def enter_namespace():
    """Start again where port 53 and resolv.conf are ours."""
    if "SPF_RATE_NAMESPACE" not in os.environ:
        os.environ["SPF_RATE_NAMESPACE"] = "own"
        os.execvp(namespace.UNSHARE[0], [*namespace.UNSHARE, sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write("nameserver 127.0.0.1\n")
        file.flush()
        subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)


def measure(program, server, name, records, options):
    """The median cost of each for one set of records."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "records")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{' '.join(record)}\n" for record in records)
        zone = {}
        for owner, rtype, data in records:
            zone.setdefault(owner, {}).setdefault(rtype, []).append(data)
        server.load(zone, ttl=86400)
        runs = {
            "ours": lambda: run_program(program, server.server, path, options.count),
            "zone": lambda: run_program(program, "zone", path, options.count),
            "memory": lambda: run_program(program, "memory", path, options.count),
            "resolver": lambda: run_program(program, "resolver", path, options.count // 20),
            "pyspf": lambda: run_pyspf(records, options.count // 20),
        }
        costs = {who: [] for who in runs}
        for _ in range(options.rounds):
            for who, run in runs.items():
                result, cpu = run()
                assert result == "pass", (name, who, result)
                costs[who].append(cpu)
    return {who: statistics.median(values) for who, values in costs.items()}


def main():
    """One table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    enter_namespace()
    program = os.path.join(os.path.abspath(options.build), "tests", "bench", "spf_rate")
    server = DnsServer(port=53)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print("evaluations per second of one core (microseconds for one)")
    for name, records in SETS.items():
        medians = measure(program, server, name, records, options)
        print(f"{name}:")
        for who, cpu in medians.items():
            print(f"    {who:10}{1e6 / cpu:10.0f} {'(' + format(cpu, '.1f') + ')':>10}"
                  f"   ours is {cpu / medians['ours']:.2f} times as fast", flush=True)
    server.stop()


if __name__ == "__main__":
    main()
