"""Our own suite of SPF (tests/data/spf): what the public one misses, one test for each case."""

import os
import pathlib

import pytest

import spf_cases
from mail_exchanger import MailExchanger

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "spf"


def pytest_generate_tests(metafunc):
    """One test for each case of each file."""
    if "case" not in metafunc.fixturenames:
        return
    cases = [case for path in sorted(DATA.glob("*.yml")) for case in spf_cases.load(path)]
    metafunc.parametrize("zone, case", [case[1:] for case in cases],
                         ids=[case[0] for case in cases])


@pytest.fixture(scope="module", name="spf_mx")
def fixture_spf_mx(request, programs, postfix, dns, ground):
    """One daemon for all cases."""
    folder = os.path.join(ground, "spf-suite")
    os.mkdir(folder, 0o755)
    exchanger = MailExchanger(programs, postfix, dns, folder,
                              request.config.getoption("daemon_user"))
    spf_cases.start(exchanger)
    yield exchanger
    exchanger.close()


def test_case(spf_mx, zone, case):
    """One case of the suite."""
    spf_cases.run(spf_mx, zone, case)


def test_suite_is_whole():
    """At least 150 cases, each with its section, and no name twice."""
    names = []
    for path in DATA.glob("*.yml"):
        for name, _, case in spf_cases.load(path):
            names.append(name)
            assert case["spec"], name
    assert len(names) == len(set(names)) >= 150
