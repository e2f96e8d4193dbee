#!/usr/bin/python3
"""Mixed mail at the highest rate that the machine carries, for twenty minutes.

    tests/bench/soak.py --build DIR [--minutes N]

The mixed corpus goes to one truefromd all the time: for the first quarter through a real Postfix,
then from the load generator on 64 connections. Each reply is held against what the message was
made for; at Postfix's end each accepted message is counted where it is delivered. Memory,
descriptors and threads are sampled every ten seconds. The exit code is 1 when a message was lost,
doubled, or judged otherwise than expected, when the daemon complained, when descriptors grew, or
when memory grew by more than 1 MB over the last ten minutes.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import queue
import re
import smtplib
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import ground  # noqa: E402
import wait  # noqa: E402
from daemon import Daemon, Programs  # noqa: E402
from lmtp_sink import LmtpSink  # noqa: E402
from postfix import HOSTNAME, Postfix  # noqa: E402
from smtp_client import SmtpClient  # noqa: E402

CONNECTIONS = 64
SENDERS = 8
SAMPLE_S = 10
LAST_S = 600  # memory must be flat for so long at the end
SLOPE_MB = 1.0
REPLIES = {"accept": 250, "quarantine": 250, "reject": 550, "tempfail": 451}
MARK = b"X-Truefrom-Quarantine: yes\r\n"


class CountingDaemon(Daemon):
    """truefromd whose lines about messages are counted, not kept."""

    judged = 0

    def _read(self, stream):
        for line in stream:
            if b" action=" in line:
                self.judged += 1
                continue
            with self._said:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._said.notify_all()
        stream.close()


class CountingSink(LmtpSink):
    """Keeps of each delivery its queue id, and whether it bears our field and our mark."""

    def __init__(self, path):
        self.arrived = collections.Counter()
        super().__init__(path)

    def keep(self, delivery):
        header = delivery.data.partition(b"\r\n\r\n")[0] + b"\r\n"
        field = header.startswith(b"Authentication-Results: " + HOSTNAME.encode() + b";")
        with self._arrived:
            self.arrived[delivery.queue_id, field, MARK in header] += 1


def read_index(folder):
    """The corpus: envelope, content and expected action of each message."""
    messages = []
    with open(folder / "index", encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            columns = line.rstrip("\n").split("\t")
            name, ip, helo, sender, recipient = columns[:5]
            messages.append((ip, helo, sender, recipient, (folder / name).read_bytes(),
                             columns[-1]))
    return messages


def send(number, port, messages, end, results):
    """One sender's process: until the end, then what became of each message."""
    said = []
    position = number * len(messages) // SENDERS
    while time.monotonic() < end:
        ip, helo, sender, recipient, content, expected = messages[position % len(messages)]
        position += 1
        try:
            with SmtpClient(port, ip, helo) as client:
                code, text = client.offer(content, sender, recipient)
        except (OSError, smtplib.SMTPException) as error:
            code, text = 0, repr(error)
        queued = re.search(r"queued as (\w+)", text)
        said.append((expected, code, queued.group(1) if queued else None, text))
    results.put(said)


def process_state(pid):
    """Resident MB, descriptors and threads."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file)
    return (int(fields["VmRSS"].split()[0]) / 1024, len(os.listdir(f"/proc/{pid}/fd")),
            int(fields["Threads"]))


class Sampler(threading.Thread):
    """Looks at a process every ten seconds."""

    def __init__(self, pid):
        super().__init__(name="sampler", daemon=True)
        self._pid = pid
        self._halt = threading.Event()
        self.began = time.monotonic()
        self.samples = []  # (seconds, MB, descriptors, threads)
        self.start()

    def run(self):
        while not self._halt.wait(SAMPLE_S):
            sample = (time.monotonic() - self.began, *process_state(self._pid))
            self.samples.append(sample)
            print("{:7.0f} s {:8.2f} MB {:5} descriptors {:4} threads".format(*sample), flush=True)

    def stop(self):
        """No further samples."""
        self._halt.set()
        self.join()


def growth(samples):
    """MB that the memory grew by from the first to the last of the samples, by least squares."""
    if len(samples) < 2:
        return 0.0
    times, sizes = [s[0] for s in samples], [s[1] for s in samples]
    mean_t, mean_s = sum(times) / len(times), sum(sizes) / len(sizes)
    slope = (sum((t - mean_t) * (s - mean_s) for t, s in zip(times, sizes)) /
             sum((t - mean_t) ** 2 for t in times))
    return slope * (times[-1] - times[0])


def through_postfix(postfix, messages, seconds):
    """The first part; returns how many messages there were, and what was wrong."""
    results = multiprocessing.Queue()
    end = time.monotonic() + seconds
    senders = [multiprocessing.Process(target=send, daemon=True, args=(
        n, postfix.ports["unix"], messages, end, results)) for n in range(SENDERS)]
    for sender in senders:
        sender.start()
    said = []
    for _ in senders:
        try:
            said += results.get(timeout=seconds + 120)
        except queue.Empty:
            return len(said), {"a sender did not end": 1}
    wrong = collections.Counter(
        f"expected {expected}, got {code} {text[:80]}" for expected, code, _, text in said
        if code != REPLIES[expected])
    accepted = {(queued, True, expected == "quarantine")
                for expected, code, queued, _ in said if code == 250}
    wait.until(lambda: sum(postfix.sink.arrived.values()) >= len(accepted), "delivery", 60)
    wrong.update({f"lost: {key}": 1 for key in accepted if key not in postfix.sink.arrived})
    wrong.update({f"delivered {count} times: {key}": 1 for key, count in postfix.sink.arrived.items()
                  if count != 1 or key not in accepted})
    return len(said), dict(wrong.most_common(20))


def complaints(daemon):
    """What the daemon said but for its start and its messages."""
    usual = re.compile(r"truefromd: (truefromd \S+ ready|stopping|stopped)\b")
    return [line for line in daemon.lines() if not usual.match(line)]


def report(said, result, sampler, began_load, daemon):
    """Print the sums; returns whether all is well."""
    count, wrong = said
    later = [s for s in sampler.samples if s[0] >= began_load]
    later = later[-min(LAST_S // SAMPLE_S, 2 * len(later) // 3):]
    grown = growth(later)
    descriptors = max((s[2] for s in later), default=0) - min((s[2] for s in later), default=0)
    print(f"through Postfix: {count} messages; wrong: {wrong or 'none'}")
    print(f"from the load generator: {json.dumps(result)}")
    print(f"judged, by the log: {daemon.judged}; lines besides: {complaints(daemon) or 'none'}")
    print(f"memory over the last {len(later) * SAMPLE_S} s: {grown:+.2f} MB; "
          f"descriptors vary by {descriptors}")
    judged = result["agreement"]["line"]
    good = judged["wrong"] == 0 and result["errors"]["total"] == 0 and not complaints(daemon)
    return good and not wrong and grown <= SLOPE_MB and descriptors <= CONNECTIONS


def run(build, folder, postfix, seconds):
    """Both parts, with one daemon; returns whether all is well."""
    socket = postfix.milters["unix"]
    daemon = CountingDaemon(Programs(str(build)), str(folder), {
        "socket": f"unix:{socket}", "socket_group": postfix.milter_group(), "user": "nobody",
        "authserv_id": HOSTNAME, "dns": {"servers": [ground.DNS_ADDRESS]}})
    daemon.start()
    try:
        sampler = Sampler(daemon.pid)
        said = through_postfix(postfix, read_index(folder / "corpus"), seconds / 4)
        began_load = time.monotonic() - sampler.began
        result = ground.load(build, folder / "corpus", [f"unix:{socket}"],
                             connections=CONNECTIONS, per_connection=5,
                             seconds=int(seconds * 3 / 4))
        sampler.stop()
    finally:
        daemon.close()
    return report(said, result, sampler, began_load, daemon)


def main():
    """The ground for it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--messages", type=int, default=1000, help="in the corpus")
    options = parser.parse_args()
    ground.enter()
    build = options.build.resolve()
    with tempfile.TemporaryDirectory(prefix="truefrom-") as folder:
        os.chmod(folder, 0o755)
        folder = pathlib.Path(folder)
        subprocess.run([sys.executable, HERE / "corpus.py", "--out", folder / "corpus",
                        "--messages", str(options.messages)], check=True)
        os.mkdir(folder / "postfix", 0o755)
        postfix = Postfix(str(folder / "postfix"), sink=CountingSink)
        with open(folder / "postfix" / "etc" / "main.cf", "a", encoding="ascii") as file:
            file.write("enable_long_queue_ids = yes\n")  # the short ones come again in time
        dns = ground.Dns(build)
        try:
            postfix.start()
            with dns.serving(folder / "corpus" / "zone"):
                good = run(build, folder, postfix, options.minutes * 60)
        finally:
            postfix.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
