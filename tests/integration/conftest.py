"""End-to-end tests of truefrom: a real Postfix, a scripted DNS server, real SMTP clients.

Run by contrib/check, or after a build: pytest tests/integration --build DIR
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import namespace
import spf_cases
from daemon import Programs
from dns_server import DnsServer
from mail_exchanger import MailExchanger
from postfix import Postfix


def pytest_addoption(parser):
    """What contrib/check passes on."""
    top = pathlib.Path(__file__).resolve().parents[2]
    parser.addoption("--build", default=str(top / "build"), help="where truefrom was built")
    parser.addoption("--suites", default="", help="folder with the public conformance suites")
    parser.addoption("--patience", type=float, default=1.0, help="factor for bounds on time")
    parser.addoption("--minutes", type=float, default=0, help="how long tests of endurance last")
    parser.addoption("--daemon-user", default="nobody", help='user of truefromd; "" = stay root')


def pytest_configure(config):
    """Everything happens in a namespace of its own."""
    if os.geteuid() != 0:
        pytest.exit("the integration tests need root: Postfix starts as root", 2)
    namespace.enter(config)


def pytest_report_header(config):
    """Say what is tested, and where."""
    kind = "own network namespace" if namespace.isolated() else "no namespace allowed: on loopback"
    return f"truefrom: {config.getoption('build')}; {kind}"


@pytest.fixture(scope="session", name="programs")
def fixture_programs(request):
    """The built programs."""
    return Programs(os.path.abspath(request.config.getoption("build")),
                    request.config.getoption("patience"))


@pytest.fixture(scope="session", name="ground")
def fixture_ground():
    """A folder for everything that the run makes; short, since UNIX sockets have short names."""
    path = tempfile.mkdtemp(prefix="truefrom-")
    if namespace.isolated():
        subprocess.run(["mount", "-t", "tmpfs", "truefrom", path], check=True)
    os.chmod(path, 0o755)
    yield path
    if namespace.isolated():
        subprocess.run(["umount", "--lazy", path], check=True)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session", name="dns")
def fixture_dns():
    """The DNS server of the run."""
    server = DnsServer()
    yield server
    server.stop()


@pytest.fixture(scope="session", name="postfix")
def fixture_postfix(ground):
    """The Postfix of the run."""
    path = os.path.join(ground, "postfix")
    os.mkdir(path, 0o755)
    instance = Postfix(path)
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()


@pytest.fixture(name="folder")
def fixture_folder(ground):
    """A folder for one test."""
    path = tempfile.mkdtemp(dir=ground)
    os.chmod(path, 0o755)
    return path


@pytest.fixture(name="mx")
def fixture_mx(request, programs, postfix, dns, folder):
    """The mail exchanger of one test; the test starts its truefromd."""
    exchanger = MailExchanger(programs, postfix, dns, folder,
                              request.config.getoption("daemon_user"))
    yield exchanger
    exchanger.close()


@pytest.fixture(scope="module", name="spf_mx")
def fixture_spf_mx(request, programs, postfix, dns, ground):
    """One daemon for all cases of a suite of SPF."""
    path = tempfile.mkdtemp(dir=ground)
    os.chmod(path, 0o755)
    exchanger = MailExchanger(programs, postfix, dns, path,
                              request.config.getoption("daemon_user"))
    spf_cases.start(exchanger)
    yield exchanger
    exchanger.close()


def pytest_terminal_summary(terminalreporter, config):
    """The count of the RFC 7208 suite on a line of its own."""
    if not config.getoption("suites"):
        return
    outcomes = {kind: sum("test_rfc7208.py" in report.nodeid
                          for report in terminalreporter.stats.get(kind, []))
                for kind in ("passed", "failed", "error")}
    if any(outcomes.values()):
        terminalreporter.write_line(
            f"RFC 7208 suite: {outcomes['passed']} of {sum(outcomes.values())}")
