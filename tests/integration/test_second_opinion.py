"""truefrom check --second-opinion: libspf2 beside our own evaluator, over every case that there is.

Each difference has its cause, and each cause its difference: what libspf2 does otherwise on the
public suite is listed case by case, what it does on our own by the causes themselves.
"""

import concurrent.futures
import itertools
import os
import pathlib
import queue
import subprocess
import time

import pytest

import settings
import spf_cases
from dns_server import DnsServer, after
from letter import letter

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
AT_ONCE = 8  # runs; some wait for a time-out
PART = 4  # cases of one zone that run after each other

SYNTAX = "libspf2 overlooks the syntax error"
PREFIX_0 = "libspf2 takes a prefix length of 0 for an error"
DOT = "libspf2 takes a dot in the name of a modifier for an error"
REDIRECT = "libspf2 follows redirect= where it stands, not after the mechanisms"
PTR_FAILURE = "libspf2 takes a DNS failure behind ptr for one of the whole check"
NUL = "libspf2 takes a record to end at a NUL"
TERMS = "libspf2 counts the DNS terms of each included record anew, and none in the last place"
VOID = "libspf2 has no limit on void look-ups"
# Reverse names come in an order of their own in each answer: these come and go with it.
CHANCE = ("libspf2 takes the first validated name for %{p}, not one of the domain",
          "libspf2 takes more than ten PTR names for an error")
CRASH = "libspf2 writes where it must not on some explanations (as in CVE-2023-42118)"

# The cases of the public suite on which libspf2 has another result than we have, by cause.
PUBLIC = {
    SYNTAX: """
        Initial_processing-non-ascii-policy
        Initial_processing-control-char-policy
        Record_evaluation-redirect-is-modifier
        Record_evaluation-invalid-domain
        PTR_mechanism_syntax-ptr-empty-domain
        A_mechanism_syntax-a-bad-domain
        A_mechanism_syntax-a-numeric
        A_mechanism_syntax-a-numeric-toplabel
        A_mechanism_syntax-a-bad-toplabel
        A_mechanism_syntax-a-only-toplabel
        A_mechanism_syntax-a-only-toplabel-trailing-dot
        A_mechanism_syntax-a-empty-domain
        MX_mechanism_syntax-mx-bad-domain
        MX_mechanism_syntax-mx-numeric-top-label
        MX_mechanism_syntax-mx-bad-toplab
        MX_mechanism_syntax-mx-empty-domain
        EXISTS_mechanism_syntax-exists-empty-domain
        EXISTS_mechanism_syntax-exists-cidr
        IP4_mechanism_syntax-cidr4-032
        Semantics_of_exp_and_other_modifiers-exp-empty-domain
        Semantics_of_exp_and_other_modifiers-exp-syntax-error
        Semantics_of_exp_and_other_modifiers-exp-twice
        Semantics_of_exp_and_other_modifiers-redirect-empty-domain
        Semantics_of_exp_and_other_modifiers-redirect-twice
        Semantics_of_exp_and_other_modifiers-unknown-modifier-syntax
        Macro_expansion_rules-exp-only-macro-char
        Macro_expansion_rules-invalid-macro-char
        Macro_expansion_rules-invalid-embedded-macro-char
        Macro_expansion_rules-invalid-trailing-macro-char
    """,
    DOT: """
        Record_evaluation-modifier-charset-good
        Record_evaluation-redirect-after-mechanisms2
    """,
    REDIRECT: """
        Record_evaluation-redirect-after-mechanisms1
    """,
    PTR_FAILURE: """
        PTR_mechanism_syntax-ptr-cname-loop
    """,
    PREFIX_0: """
        A_mechanism_syntax-a-nxdomain
        A_mechanism_syntax-a-cidr4-0
        A_mechanism_syntax-a-cidr4-0-ip6
        A_mechanism_syntax-a-cidr6-0-ip4
        A_mechanism_syntax-a-cidr6-0-ip4mapped
        A_mechanism_syntax-a-cidr6-0-ip6
        A_mechanism_syntax-a-cidr6-0-nxdomain
        MX_mechanism_syntax-mx-nxdomain
        MX_mechanism_syntax-mx-cidr4-0
        MX_mechanism_syntax-mx-cidr4-0-ip6
        MX_mechanism_syntax-mx-cidr6-0-ip4
        MX_mechanism_syntax-mx-cidr6-0-ip4mapped
        MX_mechanism_syntax-mx-cidr6-0-ip6
        MX_mechanism_syntax-mx-cidr6-0-nxdomain
        IP4_mechanism_syntax-cidr4-0
        IP6_mechanism_syntax-cidr6-0-ip4
        IP6_mechanism_syntax-cidr6-ip4
        IP6_mechanism_syntax-cidr6-0
    """,
    NUL: """
        A_mechanism_syntax-a-null
        MX_mechanism_syntax-mx-null
    """,
    TERMS: """
        Processing_limits-include-over-limit
    """,
    VOID: """
        Processing_limits-void-over-limit
    """,
}

# The causes that only our own cases show.
OURS_ALONE = {
    "libspf2 lets every client on the loopback network pass",
    "libspf2 does not know internationalised domains (RFC 8616)",
    "libspf2 does not know internationalised local parts (RFC 8616)",
    "libspf2 tries ten of the MX hosts before it errs",
    "libspf2 takes an include of a name that cannot be asked for an error",
    "libspf2 takes a macro that keeps more than 128 parts for an error",
    "libspf2 takes an upper-case R in a macro for an error",
    "libspf2 takes more than 255 octets without a macro for an error",
    "libspf2 does not shorten a name over 253 octets",
    "libspf2 drops what is beyond 512 octets of a compiled record",
    "libspf2 loses the first octet of a value with no more parts than its macro keeps",
    "libspf2 escapes other characters than RFC 3986 has it",
}


def is_sanitized(programs):
    """Is it built with ASan? Then it is slow, and its malloc survives what ends a process
    otherwise."""
    with open(programs.truefrom, "rb") as file:
        return b"__asan_init" in file.read()


@pytest.fixture(scope="module", name="conf")
def fixture_conf(ground):
    """A configuration that evaluates everybody."""
    path = os.path.join(ground, "second-opinion.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(settings.render({
            "trusted_networks": [], "dns": {"timeout": 1, "cache": False},
            "dmarc": {"enabled": False}}))
    return path


@pytest.fixture(scope="module", name="judge")
def fixture_judge(programs, conf):
    """Ask both about every case of some files; returns the spf object of each, by name."""
    servers = queue.SimpleQueue()
    for _ in range(AT_ONCE):
        servers.put(DnsServer())
    message = letter(sender="someone@author.example")

    def judge_part(cases):
        """Some cases of one zone, one after the other."""
        server = servers.get()
        try:
            server.load(cases[0][1])
            return {name: programs.check(
                conf, message, "--second-opinion", "--dns", server.server, "--ip", case["host"],
                "--helo", case["helo"], "--mail-from", case["mailfrom"])["spf"]
                for name, _, case in cases}
        finally:
            servers.put(server)

    def judge(paths):
        cases = [case for path in paths for case in spf_cases.load(path)]
        zones = [list(group) for _, group in itertools.groupby(cases, lambda case: id(case[1]))]
        parts = [zone[i:i + PART] for zone in zones for i in range(0, len(zone), PART)]
        said = {}
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for part in pool.map(judge_part, parts):
                said.update(part)
        assert len(said) == len(cases)
        return said

    yield judge
    while not servers.empty():
        servers.get().stop()


def differences(said):
    """The cause of each difference that is none of chance; a case without an identity has no
    second opinion."""
    found = {}
    for name, spf in said.items():
        opinion = spf["second_opinion"]
        if opinion is None:
            assert spf["result"] == "none", (name, spf)
            continue
        same = opinion["result"] == spf["result"]
        assert same == (opinion["difference"] is None), (name, spf)
        if not same and opinion["difference"] not in CHANCE:
            found[name] = opinion["difference"]
    return found


def test_public_suite(request, programs, judge):
    """Case by case; what is left, 148 of 203, libspf2 has right."""
    folder = request.config.getoption("suites")
    if not folder or is_sanitized(programs):
        pytest.skip("no --suites, or slow programs: these are results of libspf2")
    listed = {case: cause for cause, cases in PUBLIC.items() for case in cases.split()}
    said = judge([os.path.join(folder, "spf", "rfc7208-tests.yml")])
    assert differences(said) == listed
    assert (len(said), len(said) - len(listed)) == (203, 148)


def test_own_suite(programs, judge):
    """No difference without a known cause, no cause without a difference."""
    slow = is_sanitized(programs)
    said = judge([*([] if slow else sorted(DATA.glob("spf/*.yml"))), DATA / "second_opinion.yml"])
    found = differences(said)
    seen = set(found.values())
    assert "unknown" not in seen, {n: said[n] for n, cause in found.items() if cause == "unknown"}
    assert slow or seen == set(PUBLIC) | OURS_ALONE | {CRASH}


@pytest.fixture(name="ask")
def fixture_ask(programs, dns, conf):
    """One case as a process that has been started."""
    def ask(record, zone=(), ip="192.0.2.3", options=("--json",), **how):
        dns.load({"example.com": {"TXT": record}, **dict(zone)})
        with subprocess.Popen(
                [programs.truefrom, "check", "--second-opinion", "--config", conf, "--dns",
                 dns.server, "--ip", ip, "--helo", "mail.example.com", "--mail-from",
                 "joe@example.com", *options],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                **how) as process:
            process.stdin.write(letter())
            process.stdin.close()
            yield process
            yield process.stdout.read().decode()
            assert process.wait(60) == 0, process.stderr.read()
    return ask


def child_of(process):
    """The process of libspf2."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise AssertionError("no child")


def facts_of(pid, name):
    """/proc/PID/status or limits as a dictionary."""
    with open(f"/proc/{pid}/{name}", encoding="ascii") as file:
        if name == "status":
            return {key: value.strip() for key, _, value in (x.partition(":") for x in file)}
        return {line[:26].strip(): line[26:47].strip() for line in file}


def test_confined(ask):
    """While it waits for an answer, libspf2 is nobody, filtered and within limits."""
    run = ask(after(0.7, "v=spf1 ip4:192.0.2.3 -all"))
    pid = child_of(next(run))
    end = time.monotonic() + 10
    while facts_of(pid, "status")["Seccomp"] != "2" and time.monotonic() < end:
        time.sleep(0.01)
    status, limits = facts_of(pid, "status"), facts_of(pid, "limits")
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
    assert set(status["Uid"].split()) == {"65534"} and set(status["Gid"].split()) == {"65534"}
    assert status["Groups"] == "" and int(status["CapPrm"], 16) == 0
    assert limits["Max cpu time"] == "2" and limits["Max address space"].isdigit()
    for name in ("Max file size", "Max open files", "Max processes", "Max core file size"):
        assert limits[name] == "0", name
    assert '"difference": null' in next(run)
    assert not list(run) and not os.path.exists(f"/proc/{pid}")


def test_words(ask):
    """Both results and the reason, for people."""
    run = ask("v=spf1 ip4:0.0.0.0/0 -all", options=())
    text = list(run)[1]
    assert "  MAIL FROM      pass " in text
    assert "  libspf2        permerror   Invalid IPv4 CIDR netmask (=0)" in text
    assert f"differs from ours: {PREFIX_0}\n" in text


def test_without_root(ask):
    """Whoever may run truefrom may have a second opinion."""
    run = ask("v=spf1 ip4:192.0.2.3 -all", user="nobody", group="nogroup", extra_groups=[])
    assert '"reason": "mechanism"' in list(run)[1]


def test_amplification(ask):
    """It is stopped where it would ask for ever."""
    tens = {f"p{n}.example.com": {"TXT": "v=spf1 " + f"include:p{n + 1}.example.com " * 10 + "?all"}
            for n in range(3)}
    text = list(ask(tens["p0.example.com"]["TXT"], {**tens, "p3.example.com": {
        "TXT": "v=spf1 ?all"}}))[1]
    assert '"libspf2 was stopped: it asked more than 200 DNS questions"' in text
    assert TERMS in text


def test_not_evaluated(ask):
    """Without a check of ours there is none of libspf2."""
    assert '"second_opinion": null' in list(ask("v=spf1 -all", options=("--json", "--auth", "x")))[1]


def test_daemon_has_none_of_it(programs):
    """libspf2 is the command line's alone."""
    def linked(program):
        return programs.run("ldd", program).stdout

    assert "libspf2" in linked(programs.truefrom)
    assert "libspf2" not in linked(programs.truefromd)
    assert "libspf2 1.2" in programs.run(programs.truefrom, "--version").stdout
    assert "libspf2" not in programs.run(programs.truefromd, "-V").stdout
