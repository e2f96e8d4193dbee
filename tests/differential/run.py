#!/usr/bin/python3
"""Differential test of DKIM and ARC: our verifiers and two others on every generated case.

usage: run.py --build=FOLDER [--keep=FOLDER] [--list VERIFIER]

Each case comes with the RFC's answer. Ours (the check as it is shipped, and our own verifier alone)
must have it in every case. Where libopendkim behind its guard, dkimpy or Mail::DKIM differ from it,
differences.toml says why; a difference that is not there fails, and so does one that is gone.
The last line is "N passed, N failed"; each case counts once for each verifier.
"""

import argparse
import fnmatch
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

# pylint: disable=wrong-import-position
import generate  # noqa: E402
from dns_server import SERVFAIL, DnsServer  # noqa: E402

VERIFIERS = ("shipped", "own", "library", "dkimpy", "mail_dkim")
OURS = ("shipped", "own")


def start(program, folder, name, stdin=None):
    """A verifier at work; its answers go to a file."""
    with open(folder / f"{name}.out", "wb") as out:
        return subprocess.Popen(program, stdin=stdin, stdout=out)


def answers(folder, build, cases, failing):
    """{verifier: one answer for each case}."""
    dns = DnsServer()
    dns.load({name: SERVFAIL for name in failing})
    names = folder / "names"
    names.write_text("".join(case["file"] + "\n" for case in cases))
    with open(names, "rb") as stdin:
        running = {
            "verify": start([build / "tests/differential/verify", folder / "zone", dns.server],
                            folder, "verify", stdin),
            "dkimpy": start([sys.executable, HERE / "peer_dkimpy.py", folder], folder, "dkimpy"),
            "mail_dkim": start(["perl", HERE / "peer_mail_dkim.pl", folder], folder, "mail_dkim"),
        }
        for name, process in running.items():
            if process.wait() != 0:
                sys.exit(f"run.py: {name} ended with {process.returncode}")
    dns.stop()
    read = {}
    for name in running:
        read[name] = [json.loads(line) for line in (folder / f"{name}.out").open("rb")]
        assert len(read[name]) == len(cases), name
    return read


def with_lf(cases, folder, build):
    """Complaints: a file of LF lines on the command line means the same as one of CRLF lines."""
    complaints, sample = [], [case for case in cases if case["name"].startswith("wild/")][::8]
    for case in sample:
        message = pathlib.Path(case["file"]).read_bytes().replace(b"\r\n", b"\n")
        run = subprocess.run([build / "truefrom", "check", "--json", "--zone", folder / "zone"],
                             input=message, capture_output=True, check=False)
        signatures = json.loads(run.stdout)["dkim"] if run.returncode == 0 else []
        got = [signature["result"] for signature in signatures]
        if got != case["want"]:
            complaints.append(f"{case['name']} with LF: truefrom check says {got}, right is "
                              f"{case['want']}")
    return complaints, len(sample)


def judge(case, read):
    """For each verifier that can be asked: (answer, whether it is right)."""
    ours, judged = read["verify"], {}
    if case["arc"]:
        oldest = case["oldest_pass"]
        judged["shipped"] = (ours["arc"], ours["arc"] == case["arc"] and (
            oldest is None or oldest == ours["oldest_pass"]))
    else:
        for verifier in ("shipped", "own", "library"):
            judged[verifier] = (ours[verifier], ours[verifier] == case["want"])
    for peer in ("dkimpy", "mail_dkim"):
        if peer in case["slow_for"]:
            continue
        if case["arc"]:
            # A peer without "none" or "temperror" for a chain is asked whether it passes.
            if case["arc_rfc"] is not None:
                judged[peer] = (read[peer]["arc"],
                                (read[peer]["arc"] == "pass") == case["arc_rfc"])
        elif any(want is not None for want in case["rfc"]):
            answer = read[peer]["dkim"]
            judged[peer] = (answer, all(want is None or want == got
                                        for want, got in zip(case["rfc"], answer)))
    return judged


class Differences:
    """The list of known differences."""

    def __init__(self, path):
        self.rows = tomllib.loads(path.read_text("utf-8")).get("difference", [])
        for row in self.rows:
            assert row["verifier"] in VERIFIERS and row["verifier"] not in OURS, row
            assert row["why"] and row["section"], row
        self.used = set()

    def explains(self, verifier, name):
        """Whether a row lists it."""
        found = False
        for row in self.rows:
            for pattern in row["cases"] if row["verifier"] == verifier else ():
                if fnmatch.fnmatchcase(name, pattern):
                    self.used.add((id(row), pattern))
                    found = True
        return found

    def gone(self):
        """Patterns that no difference matches any more."""
        return [(row["verifier"], pattern) for row in self.rows for pattern in row["cases"]
                if (id(row), pattern) not in self.used]


def compare(cases, read, differences):
    """Complaints, numbers by verifier, and everything that differs."""
    complaints, differing = [], []
    numbers = {verifier: {"dkim": [0, 0], "arc": [0, 0]} for verifier in VERIFIERS}
    for at, case in enumerate(cases):
        judged = judge(case, {name: lines[at] for name, lines in read.items()})
        for verifier, (answer, right) in judged.items():
            kind = "arc" if case["arc"] else "dkim"
            numbers[verifier][kind][not right] += 1
            listed = verifier not in OURS and differences.explains(verifier, case["name"])
            if not right:
                differing.append((verifier, case, answer))
            if right and listed:
                complaints.append(f"{case['name']}: {verifier} is right, but listed as different")
            elif not right and not listed:
                want = case["arc"] or case["want"]
                if verifier not in OURS + ("library",):
                    want = case["arc_rfc"] if case["arc"] else case["rfc"]
                complaints.append(f"{case['name']}: {verifier} says {answer}, right is {want} "
                                  f"({case['section']})")
    complaints += [f"{verifier}: nothing differs in {pattern} any more"
                   for verifier, pattern in differences.gone()]
    return complaints, numbers, differing


def table(numbers):
    """Verdicts by verifier."""
    print(f"{'verifier':12}{'DKIM right':>12}{'wrong':>8}{'ARC right':>12}{'wrong':>8}")
    for verifier, counts in numbers.items():
        print(f"{verifier:12}{counts['dkim'][0]:12}{counts['dkim'][1]:8}"
              f"{counts['arc'][0]:12}{counts['arc'][1]:8}")


def main():
    """Generate, ask, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=lambda p: pathlib.Path(p).resolve(), required=True)
    parser.add_argument("--keep", type=pathlib.Path, help="where the messages go and stay")
    parser.add_argument("--list", choices=VERIFIERS, help="show where this one differs")
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.keep or pathlib.Path(scratch)).resolve()
        suite = generate.make(int(time.time()))
        cases = generate.write(suite, folder)
        made = time.monotonic()
        read = answers(folder, options.build, cases, suite.failing)
        lf_complaints, lf_count = with_lf(cases, folder, options.build)
    differences = Differences(HERE / "differences.toml")
    complaints, numbers, differing = compare(cases, read, differences)
    complaints += lf_complaints
    for verifier, case, answer in differing:
        if verifier == options.list:
            print(f"{case['name']}: {answer}, right is {case['arc'] or case['want']}")
    for complaint in complaints:
        print(complaint)
    table(numbers)
    total = sum(sum(kind) for counts in numbers.values() for kind in counts.values())
    print(f"{len(cases)} cases; made in {made - begin:.1f} s, "
          f"all in {time.monotonic() - begin:.1f} s")
    total += lf_count
    print(f"{total - len(complaints)} passed, {len(complaints)} failed")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
