"""The public RFC 7208 test suite, through the daemon: one test for each of its cases.

It is read from the folder given by --suites (spf/rfc7208-tests.yml) and is no part of truefrom.
The result is that of the delivered field; explanations come from truefrom check.
"""

import os

import spf_cases


def pytest_generate_tests(metafunc):
    """One test for each case of each scenario."""
    suites = metafunc.config.getoption("suites")
    cases = spf_cases.load(os.path.join(suites, "spf", "rfc7208-tests.yml")) if suites else []
    metafunc.parametrize("zone, case", [case[1:] for case in cases],
                         ids=[case[0] for case in cases])


def test_case(spf_mx, zone, case):
    """One case of the suite."""
    spf_cases.run(spf_mx, zone, case)
