"""The public RFC 7208 test suite, through the daemon: one test for each of its cases.

It is read from the folder given by --suites (spf/rfc7208-tests.yml) and is no part of truefrom.
The result is that of the delivered field; explanations come from truefrom check.
"""

import os

import pytest
import yaml

from dns_server import Reply
from letter import letter
from mail_exchanger import MailExchanger
from milter_client import MilterClient

DEFAULT = "DEFAULT"  # the suite's word for "no explanation of the domain's own"


def suite_file(config):
    """Where the suite lies; None without it."""
    folder = config.getoption("suites")
    return os.path.join(folder, "spf", "rfc7208-tests.yml") if folder else None


def pytest_generate_tests(metafunc):
    """One test for each case of each scenario."""
    path = suite_file(metafunc.config)
    cases, names = [], []
    if path:
        with open(path, encoding="utf-8") as file:
            for scenario in yaml.safe_load_all(file):
                zone = zone_of(scenario["zonedata"])
                for name, case in scenario["tests"].items():
                    cases.append((zone, case))
                    names.append(f"{scenario['description']}-{name}".replace(" ", "_"))
    metafunc.parametrize("zone, case", cases, ids=names)


def record_of(rtype, data):
    """A record's data as the scripted server takes it."""
    if rtype == "MX":
        return f"{data[0]} {data[1] or '.'}"
    if rtype == "TXT" and isinstance(data, list):
        return tuple(data)
    return data


def zone_of(zonedata):
    """The suite's form of a zone as ours: SPF entries are TXT entries too, TIMEOUT is silence."""
    zone = {}
    for name, entries in zonedata.items():
        types = {}
        silent = "TIMEOUT" in entries
        records = [item for entry in entries if isinstance(entry, dict) for item in entry.items()]
        has_txt = any(rtype == "TXT" for rtype, _ in records)
        for rtype, data in records:
            if rtype == "SPF" and has_txt:
                continue
            rtype = "TXT" if rtype == "SPF" else rtype
            if data == "NONE":
                continue
            if data == "TIMEOUT":
                types[rtype] = Reply(silent=True)
            else:
                types.setdefault(rtype, []).append(record_of(rtype, data))
        if silent:
            types["*"] = Reply(silent=True)
        zone[name] = types
    return zone


@pytest.fixture(scope="module", name="spf_mx")
def fixture_spf_mx(request, programs, postfix, dns, ground):
    """One daemon for all cases: nothing is kept from one to the next, as the TTL is 0."""
    folder = os.path.join(ground, "rfc7208")
    os.mkdir(folder, 0o755)
    exchanger = MailExchanger(programs, postfix, dns, folder,
                              request.config.getoption("daemon_user"))
    exchanger.start({}, trusted_networks=[], dns={"timeout": 1, "cache": False},
                    spf={"fetch_explanation": True})
    yield exchanger
    exchanger.close()


def test_case(spf_mx, zone, case):
    """One case of the suite."""
    spf_mx.dns.load(zone)
    sender, helo, ip = case["mailfrom"], case["helo"], case["host"]
    message = letter(sender="someone@author.example")
    with MilterClient(spf_mx.milter()) as client:
        client.connect(ip)
        client.helo(helo)
        field = client.message(message, sender).field
    result = field.split("; ")[1].split()[0].partition("=")[2]
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert result in wanted, f"{field}; {spf_mx.dns.questions()}"
    explanation = case.get("explanation")
    if explanation is not None:
        said = spf_mx.programs.check(
            spf_mx.daemon.conf, message, "--dns", spf_mx.dns.server, "--ip", ip, "--helo", helo,
            "--mail-from", sender)
        assert said["spf"]["result"] == result
        assert said["spf"]["explanation"] == (None if explanation == DEFAULT else explanation)
