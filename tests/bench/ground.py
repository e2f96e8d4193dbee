"""Where the benchmark runs: a namespace, a DNS server with known delay, the load, and /proc.

Inside the namespace the run has a loopback and a resolv.conf of its own, and the kernel ends all
that is left in it when the run ends, however it ends.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import dns.message
import dns.query

import namespace

VARIABLE = "TRUEFROM_BENCH_NAMESPACE"
# Not on 127.0.0.0/8, where libunbound, which two of the filters use, never asks.
DNS_ADDRESS = "10.53.0.1"
TICKS = os.sysconf("SC_CLK_TCK")


def enter():
    """Start the program again inside a namespace, unless it is there already."""
    if VARIABLE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "address", "add", f"{DNS_ADDRESS}/32", "dev", "lo"], check=True)
        return
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: needs root: for the namespace, and the filters start as root")
    os.environ[VARIABLE] = "own"
    os.execvp(namespace.UNSHARE[0], [*namespace.UNSHARE, sys.executable, *sys.argv])


def use_resolv_conf(folder):
    """Have every program here ask our server: some filters know no other way."""
    path = pathlib.Path(folder) / "resolv.conf"
    path.write_text(f"nameserver {DNS_ADDRESS}\noptions edns0\n", encoding="ascii")
    subprocess.run(["mount", "--bind", str(path), "/etc/resolv.conf"], check=True)


def wait_for(condition, what, timeout=20):
    """Ask again and again until it is true."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {timeout} s")
        time.sleep(0.01)


class Dns:
    """tests/bench/dns_server with one zone at a time."""

    def __init__(self, build):
        self._program = str(pathlib.Path(build) / "tests" / "bench" / "dns_server")
        self._process = None

    @contextlib.contextmanager
    def serving(self, zone, delay_ms=0, drop=0):
        """Answer from a zone, every answer late, and one in `drop` never."""
        self._process = subprocess.Popen(
            [self._program, "--listen", f"{DNS_ADDRESS}@53", "--zone", str(zone),
             "--delay", str(delay_ms), "--drop", str(drop)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: self.counters() is not None, "the DNS server answers")
            yield self
        finally:
            self._process.terminate()
            self._process.wait()

    def counters(self):
        """What it counted; None while it does not answer."""
        if self._process.poll() is not None:
            raise RuntimeError(f"dns_server ended with {self._process.returncode}")
        try:
            answer = dns.query.udp(dns.message.make_query("counters.bench.", "TXT"), DNS_ADDRESS,
                                   timeout=5)
        except (dns.exception.Timeout, OSError):
            return None
        text = " ".join(s.decode() for r in answer.answer[0] for s in r.strings)
        return {name: int(value) for name, _, value in
                (item.partition("=") for item in text.split())}

    def questions(self):
        """Questions so far, but for those for the counters."""
        return self.counters()["questions"]

    def zero(self):
        """Begin to count."""
        self._process.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.questions() == 0, "the DNS server begins to count")


def load(build, corpus, sockets, **options):
    """One run of the load generator; what it measured."""
    command = [str(pathlib.Path(build) / "tests" / "bench" / "load"), "--corpus", str(corpus)]
    for socket in sockets:
        command += ["--socket", socket]
    for name, value in options.items():
        if value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def descendants(pid):
    """A process and everything that it started and that still runs."""
    found = [pid]
    for process in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):
                path = pathlib.Path(f"/proc/{process}/task/{task}/children")
                found += [int(child) for child in path.read_text(encoding="ascii").split()]
    return found


def cpu_seconds(pids):
    """User and system time of processes so far."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        fields = text.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def memory_mb(pids, what="VmHWM"):
    """Memory of processes, at its peak (VmHWM) or now (VmRSS)."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(what + ":"):
                total += int(line.split()[1])
    return total * 1024 / 1e6
