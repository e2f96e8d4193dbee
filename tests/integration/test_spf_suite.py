"""Our own suite of SPF (tests/data/spf): what the public one misses, one test for each case."""

import pathlib

import spf_cases

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "spf"


def pytest_generate_tests(metafunc):
    """One test for each case of each file."""
    if "case" not in metafunc.fixturenames:
        return
    cases = [case for path in sorted(DATA.glob("*.yml")) for case in spf_cases.load(path)]
    metafunc.parametrize("zone, case", [case[1:] for case in cases],
                         ids=[case[0] for case in cases])


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
