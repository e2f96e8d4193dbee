#!/usr/bin/python3
"""Measure truefromd, opendkim with opendmarc, rspamd and an empty filter on the same mail.

    tests/bench/run.py [--build DIR] [--quick] [--long] [--out DIR] [--write] [--install-peers]
    tests/bench/run.py --build DIR --also OTHER --table [--quick]      compare two builds

Runs as root in a namespace of its own; ends everything that it started. The table and the growth
curves go to standard output, and to results.json and results.svg in DIR; --write makes
tests/bench/RESULTS.md and results.svg of them (tests/bench/report.py does so later on). --quick
takes two minutes instead of twelve; --long sends 200,000 messages to see whether memory grows.
Nothing here passes or fails.

Filters take turns in each setting, and a figure is the median of the rounds. CPU is user and
system time of all of a filter's processes, so that neither load nor DNS server counts.
"""

import argparse
import collections
import contextlib
import datetime
import itertools
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.path[:0] = [str(TOP / "tests" / "integration"), str(TOP / "tests" / "differential")]

import corpus  # noqa: E402
import curves  # noqa: E402
import ground  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
from filters import Empty, OpenPair, Rspamd, Truefrom, install_peers  # noqa: E402

PROGRAMS = ["truefromd", "truefrom", "tests/bench/load", "tests/bench/dns_server",
            "tests/bench/empty_filter"]
LEVELS = (1, 8, 64, 512)
DELAY_MS = 100
SETTLE_S = 15  # before memory is looked at: what is free is given back now and then
SLOW = {"delay_ms": 2000, "drop": 10}


class Bench:
    """One run: its settings, its ground, and what was measured so far."""

    def __init__(self, options, build, folder):
        self.options, self.build, self.folder = options, build, pathlib.Path(folder)
        self.dns = ground.Dns(build)
        self.filters = [f for f in self._filters() if f.available()]
        self.results = {"messages": {}, "filters": {f.name: {"version": f.version()}
                                                    for f in self.filters}}

    def _filters(self):
        ours = Truefrom(self.build)
        found = [ours, OpenPair(self.build), Rspamd(self.build), Empty(self.build)]
        if ours.has_key("dkim.verifier"):
            own = Truefrom(self.build, {"dkim": {"verifier": "own"}}, "truefrom, own verifier")
            found.insert(1, own)
        if self.options.also:
            found.append(Truefrom(os.path.abspath(self.options.also), name="truefrom, also"))
        return found

    def say(self, text):
        """One line of progress."""
        print(f"{datetime.datetime.now():%H:%M:%S}  {text}", file=sys.stderr, flush=True)

    def corpus(self, kind, count, seed=1):
        """A corpus of this run, made when it is first wanted."""
        path = self.folder / f"{kind.replace(':', '-')}-{count}-{seed}"
        if not path.exists():
            self.results["messages"][f"{kind} {count}"] = corpus.write(path, kind, count, seed)
        return path

    @contextlib.contextmanager
    def running(self, *filters):
        """These filters, each started in its folder and ended again."""
        try:
            for each in filters:
                each.start(self.folder / "run" / each.name.replace(" ", ""))
            yield
        finally:
            for each in filters:
                each.stop()

    def measure(self, each, folder, connections, messages, **options):
        """One run of the load on one filter."""
        pids = each.pids()
        asked, cpu = self.dns.questions(), ground.cpu_seconds(pids)
        seen = ground.load(self.build, folder, each.sockets, connections=connections,
                           messages=messages, **options)
        count = max(1, seen["messages"])
        seen["cpu_ms"] = (ground.cpu_seconds(pids) - cpu) * 1000 / count
        seen["questions"] = (self.dns.questions() - asked) / count
        return seen


def agreement(folder, seen, verdicts):
    """How much of it agrees with what the corpus expects, and which kinds do not."""
    kinds = dict(line.split("\t") for line in (folder / "kinds").read_text().splitlines())
    found = collections.Counter()
    for line in verdicts.read_text().splitlines():
        file, column, wanted, said = line.split("\t")
        found[kinds[file], column, wanted, said] += 1
    line = seen["agreement"]["line"]
    return {"percent": 100 * line["agreed"] / max(1, line["agreed"] + line["wrong"]),
            "columns": seen["agreement"],
            "disagreements": [[*what, count] for what, count in found.most_common()]}


def warm(bench, count, rounds, seconds):
    """The table: each number of connections, each filter in turn, about so long if it is fast."""
    folder = bench.corpus("mixed", count)
    results = bench.results["filters"]
    with bench.dns.serving(folder / "zone"):
        with bench.running(*bench.filters):
            passes = {}
            for each in bench.filters:
                verdicts = bench.folder / "verdicts"
                seen = bench.measure(each, folder, 8, count, verdicts=verdicts)
                results[each.name].update(agreement=agreement(folder, seen, verdicts),
                                          errors=0, levels={})
                # every message equally often
                passes[each.name] = max(1, min(8, round(seconds / seen["seconds"])))
                bench.measure(each, folder, 64, count)
            cells = collections.defaultdict(list)
            # a machine that is slow for half a minute must not spoil all rounds of one level
            for number in range(rounds):
                bench.say(f"round {number + 1} of {rounds}")
                for level, each in itertools.product(LEVELS, bench.filters):
                    seen = bench.measure(each, folder, level, count * passes[each.name])
                    cells[each.name, level].append(seen)
                    results[each.name]["errors"] += seen["errors"]["total"]
            time.sleep(SETTLE_S)
            for each in bench.filters:
                results[each.name].update(peak_mb=ground.memory_mb(each.pids()),
                                          after_mb=ground.memory_mb(each.pids(), "VmRSS"))
    for (name, level), runs in cells.items():
        results[name]["levels"][str(level)] = middle(runs)


def middle(runs):
    """The median of each figure."""
    def of(pick):
        return statistics.median(pick(run) for run in runs)
    return {"per_second": of(lambda r: r["messages_per_second"]),
            "cpu_ms": of(lambda r: r["cpu_ms"]),
            "questions": of(lambda r: r["questions"]),
            "latency_ms": {q: of(lambda r, q=q: r["latency_ms"][q]) for q in ("p50", "p90", "p99")},
            "rounds": [[r["messages_per_second"], r["cpu_ms"]] for r in runs]}


def cold(bench, count):
    """Each message of domains never seen: questions, and round trips by the delay of answers."""
    folder = bench.corpus("fresh", count)
    for each in bench.filters:
        if isinstance(each, Empty):
            continue
        bench.say(f"cold: {each.name}")
        at = {}
        for delay in (0, DELAY_MS):
            with bench.dns.serving(folder / "zone", delay_ms=delay), bench.running(each):
                at[delay] = bench.measure(each, folder, 8, count)
        late = {q: (at[DELAY_MS]["latency_ms"][q] - at[0]["latency_ms"][q]) / DELAY_MS
                for q in ("mean", "p50", "p90")}
        bench.results["filters"][each.name]["cold"] = {
            "questions": at[0]["questions"], "cpu_ms": at[0]["cpu_ms"],
            "round_trips": late["mean"], "median_round_trips": late["p50"],
            "p90_round_trips": late["p90"]}


def slow(bench, connections):
    """All connections at once while every answer is late and one in ten never comes."""
    folder = bench.corpus("fresh", connections)
    each = Truefrom(bench.build)
    bench.say(f"{connections} connections, answers 2 s late, one in ten never")
    with bench.dns.serving(folder / "zone", **SLOW), bench.running(each):
        seen = bench.measure(each, folder, connections, connections, timeout=120)
    bench.results["slow_dns"] = {"connections": connections, "latency_ms": seen["latency_ms"],
                                 "messages": seen["messages"], "errors": seen["errors"]["total"],
                                 "deadline_s": 20}


def transports(bench, count, rounds):
    """The same daemon behind a UNIX and an inet socket, and an empty filter, in turns."""
    folder = bench.corpus("mixed", count)
    four = [Truefrom(bench.build, name="unix"), Truefrom(bench.build, name="inet", inet=True),
            Empty(bench.build, name="empty unix"), Empty(bench.build, name="empty inet", inet=True)]
    bench.say("inet and UNIX sockets")
    cells = {each.name: [] for each in four}
    with bench.dns.serving(folder / "zone"), bench.running(*four):
        for each in four:
            bench.measure(each, folder, 64, count)
        for _ in range(rounds):
            for each in four:
                cells[each.name].append(bench.measure(each, folder, 64, count * 2))
    bench.results["transports"] = {name: middle(runs) for name, runs in cells.items()}


def steady(bench, count, total):
    """Memory after each tenth of many messages."""
    folder = bench.corpus("mixed", count)
    each = Truefrom(bench.build)
    bench.say(f"memory over {total} messages")
    after = []
    with bench.dns.serving(folder / "zone"), bench.running(each):
        for part in range(1, 11):
            bench.measure(each, folder, 64, total // 10)
            after.append([total // 10 * part, ground.memory_mb(each.pids(), "VmRSS")])
        peak = ground.memory_mb(each.pids())
    bench.results["memory"] = {"messages": total, "after": after, "peak_mb": peak}


def machine():
    """What this ran on."""
    info = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii")
    models = [line.partition(":")[2].strip() for line in info.splitlines()
              if line.startswith("model name")]
    memory = int(pathlib.Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    release = platform.freedesktop_os_release()
    load = os.getloadavg()
    commit = subprocess.run(["git", "-C", str(TOP), "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()
    return {"cpu": models[0] if models else platform.machine(), "cores": os.cpu_count(),
            "memory_gb": round(memory / 1e6), "kernel": platform.release(),
            "system": release["PRETTY_NAME"], "load_before": round(load[0], 1), "commit": commit}


def build_programs(folder):
    """Build what is needed: in `folder` when given, else from scratch as a package would."""
    if folder is None:
        folder = tempfile.mkdtemp(prefix="truefrom-bench-")
        os.environ["TRUEFROM_BENCH_REMOVE"] = folder
        if not (TOP / "configure").exists():
            subprocess.run(["autoreconf", "-fi", str(TOP)], check=True, capture_output=True)
        subprocess.run([str(TOP / "configure")], cwd=folder, check=True, capture_output=True)
        os.chmod(folder, 0o755)
    subprocess.run(["make", "-s", "ARFLAGS=cr", f"-j{os.cpu_count()}", *PROGRAMS], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL)
    return os.path.abspath(folder)


def run(bench):
    """Everything in turn."""
    quick = bench.options.quick
    count, rounds = (200, 1) if quick else (1000, 5)
    rspamd = [each for each in bench.filters if isinstance(each, Rspamd)]
    with bench.dns.serving(bench.corpus("mixed", count) / "zone"), bench.running(*rspamd):
        pass  # it compiles tables when it runs for the first time, and keeps them
    warm(bench, count, rounds, 0.8 if quick else 2.5)
    cold(bench, 40 if quick else 240)
    if bench.options.table:
        return
    slow(bench, 64 if quick else 512)
    transports(bench, count, rounds)
    steady(bench, count, 200000 if bench.options.long else 2000 if quick else 20000)
    bench.say("growth curves")
    bench.results["curves"] = curves.measure(bench, quick)


def main():
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--build", help="where truefrom was built (default: a build of its own)")
    parser.add_argument("--also", help="another build of truefrom, to compare with")
    parser.add_argument("--table", action="store_true", help="the table alone")
    parser.add_argument("--quick", action="store_true", help="two minutes, rough figures")
    parser.add_argument("--long", action="store_true", help="memory over 200,000 messages")
    parser.add_argument("--out", default="bench-results", help="folder of results.json and .svg")
    parser.add_argument("--write", action="store_true", help="write tests/bench/RESULTS.md too")
    parser.add_argument("--install-peers", action="store_true", help="apt-get the other filters")
    options = parser.parse_args()
    if ground.VARIABLE not in os.environ:
        if options.install_peers:
            install_peers()
        os.environ["TRUEFROM_BENCH_BUILD"] = build_programs(options.build)
    ground.enter()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: clean up, then end
    begin = datetime.datetime.now(datetime.timezone.utc)
    with contextlib.ExitStack() as at_the_end:
        if "TRUEFROM_BENCH_REMOVE" in os.environ:
            at_the_end.callback(shutil.rmtree, os.environ["TRUEFROM_BENCH_REMOVE"])
        folder = at_the_end.enter_context(tempfile.TemporaryDirectory(prefix="truefrom-bench-"))
        os.chmod(folder, 0o755)
        ground.use_resolv_conf(folder)
        bench = Bench(options, os.environ["TRUEFROM_BENCH_BUILD"], folder)
        bench.results.update(machine=machine(), delay_ms=DELAY_MS,
                             when=f"{begin:%Y-%m-%d %H:%M} UTC",
                             command=" ".join(["tests/bench/run.py", *sys.argv[1:]]))
        run(bench)
        subprocess.run(["umount", "/etc/resolv.conf"], check=True)
    results = bench.results
    results["minutes"] = (datetime.datetime.now(datetime.timezone.utc) - begin).seconds / 60
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (out / "results.svg").write_text(plot.svg(results), encoding="utf-8")
    print(report.aligned(report.table(results)) if options.table else report.text(results))
    if options.write:
        (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        report.write(results, HERE)


if __name__ == "__main__":
    main()
