"""A truefromd in which something stands: it says so, ends, and is started again; never without
cause. The faults come from a library that is loaded below it (fault.c)."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

import zones
from daemon import Daemon
from letter import letter
from milter_client import MilterClient
from signing import rsa_key, sign
from supervisor import Supervisor

SPF = "v=spf1 ip4:192.0.2.0/24 -all"
UNDECIDED = "4.7.1 cannot evaluate this message now: "


@pytest.fixture(name="library", scope="session")
def fixture_library(ground):
    """The library, built."""
    path = f"{ground}/fault.so"
    subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", path,
                    pathlib.Path(__file__).with_name("fault.c")], check=True)
    return path


class Faults:
    """Those that are there now."""

    def __init__(self, folder, library):
        self._folder = pathlib.Path(folder)
        self.environment = {"LD_PRELOAD": library, "FAULT_DIR": folder,
                            "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def add(self, name):
        """From now on."""
        (self._folder / name).touch()

    def remove(self, name):
        """From now on no more."""
        (self._folder / name).unlink()


@pytest.fixture(name="faults")
def fixture_faults(mx, folder, library):
    """A truefromd that is yet to be started will have them."""
    faults = Faults(folder, library)
    mx.environment = faults.environment
    return faults


def zone():
    """example.com publishes reject, and has a key."""
    return zones.domain("example.com", spf=SPF, dmarc="v=DMARC1; p=reject",
                        keys={"s1": rsa_key()})


def offer(mx, message=None):
    """One message from where it may come; the reply."""
    with mx.client() as client:
        return client.offer(message or letter(), "alice@example.com", "user@example.org")


def test_resolver_hangs(mx, faults):
    """on_error decides, the process ends with one line, and the next one delivers."""
    mx.start(zone(), watchdog=7, message_deadline=5, dns={"timeout": 5})
    assert offer(mx)[0] == 250
    with Supervisor(mx.daemon) as supervisor:
        faults.add("hang-resolver")
        mx.dns.load(zone())
        assert offer(mx) == (451, UNDECIDED + "the resolver has failed")
        line = mx.daemon.message_lines(2)[1]
        assert (line["rule"], line["reason"]) == ("error", "the resolver has failed")
        mx.daemon.wait_for_line("watchdog: the resolver does not move; the process ends", 20)
        faults.remove("hang-resolver")
        supervisor.wait_for(1)
        assert offer(mx)[0] == 250
    assert supervisor.codes == [-signal.SIGABRT]
    assert mx.daemon.text().count("watchdog: ") == 1


@pytest.mark.parametrize("changes, code", [
    ({"on_error": "tempfail"}, 451), ({"on_error": "accept"}, 250), ({"mode": "monitor"}, 250)])
def test_resolver_ends(mx, faults, changes, code):
    """on_error decides about each message, a line and a count for each; a reload mends it."""
    mx.start(zone(), **changes)
    faults.add("end-resolver")
    for _ in range(2):
        assert offer(mx)[0] == code
    lines = mx.daemon.message_lines(2)
    assert [(line["rule"], line["reason"]) for line in lines] == [
        ("error", "the resolver has failed")] * 2
    if code == 250:
        mx.postfix.sink.wait_until(lambda all_: len(all_) == 2)
        assert b"Authentication-Results" not in b"".join(
            d.data for d in mx.postfix.sink.deliveries())
    faults.remove("end-resolver")
    mx.daemon.reload()
    mx.daemon.wait_for_line("reload: 2 messages since the start; 2 undecided: 2 resolver")
    assert mx.send(letter(), check=False).log["dmarc"] == "pass"


def test_message_hangs(mx, faults):
    """A message that stands beyond message_deadline ends the process; the MTA puts it off."""
    mx.start(zone(), watchdog=2, message_deadline=1, dns={"timeout": 1})
    message = sign(letter(), "example.com", rsa_key(), "s1")
    with Supervisor(mx.daemon) as supervisor:
        faults.add("hang-message")
        assert offer(mx, message)[0] == 451
        faults.remove("hang-message")
        supervisor.wait_for(1)
        assert offer(mx, message)[0] == 250
    assert supervisor.codes == [-signal.SIGABRT]
    assert len(re.findall("watchdog: work .* does not end; the process ends",
                          mx.daemon.text())) == 1
    mx.postfix.sink.wait_until(lambda all_: len(all_) == 1)


def test_stopped_process_is_not_stuck(mx, faults, folder):
    """Stopped in the middle of a message for longer than the watchdog waits, as by SIGSTOP, a
    suspended host or virtual machine: it goes on. With watchdog = 0 even a stuck one does, but
    systemd hears nothing from it."""
    mx.environment = {"WATCHDOG_USEC": "4000000"}
    mx.start(zone(), watchdog=2, message_deadline=1, dns={"timeout": 1})
    os.mkdir(f"{folder}/stuck")
    os.chmod(f"{folder}/stuck", 0o755)
    stuck = Daemon(mx.programs, f"{folder}/stuck", mx.settings(
        socket=f"unix:{folder}/stuck/socket", watchdog=0, message_deadline=1,
        dns={"timeout": 1}), faults.environment)
    stuck.start()
    faults.add("hang-resolver")
    try:
        with MilterClient(f"{folder}/stuck/socket") as client:
            client.connect("192.0.2.1")
            client.message(letter(), "alice@example.com")
        mx.daemon.signal(signal.SIGSTOP)
        time.sleep(5)
        mx.daemon.signal(signal.SIGCONT)
        said = stuck.states().count("WATCHDOG=1")
        assert offer(mx)[0] == 250
        mx.daemon.wait_for_state(
            "WATCHDOG=1", count=mx.daemon.states().count("WATCHDOG=1") + 2)
        assert "watchdog" not in mx.daemon.text() + stuck.text()
        assert stuck.running() and stuck.states().count("WATCHDOG=1") == said
    finally:
        stuck.kill()


def test_no_threads(mx, faults):
    """When no thread can be made any more, those that are there serve, and what libmilter has none
    for the MTA puts off; the end is orderly."""
    mx.start(zone())
    assert offer(mx)[0] == 250
    time.sleep(0.5)  # its thread has nothing to do any more
    faults.add("no-threads")
    codes = [250, *(offer(mx)[0] for _ in range(20))]
    assert codes[1] == 250 and set(codes) <= {250, 451}
    faults.remove("no-threads")
    assert offer(mx)[0] == 250
    faults.add("no-threads")
    assert mx.daemon.terminate() == 0
    mx.daemon.wait_for_line(f"stopping: {codes.count(250) + 1} messages since .*; 0 undecided")


def test_stop_waits_for_answers(mx, faults):
    """libmilter sends the answer when truefromd is done with the message already: the process does
    not end before that."""
    mx.start(zone())
    with MilterClient(mx.milter()) as client:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        client.content(letter())
        faults.add("late-answers")
        mx.daemon.signal(signal.SIGTERM)
        mx.daemon.wait_for_state("STOPPING=1")
        assert client.end().final == "c"
    assert mx.daemon.wait() == 0


def test_no_connections(mx, faults):
    """No connection can be taken, again and again: libmilter gives up, and the process says so and
    ends for its supervisor; Postfix puts the message off."""
    mx.start(zone())
    faults.add("no-connections")
    assert mx.daemon.wait() == 3
    assert "truefromd: error: libmilter gave up; ending" in mx.daemon.lines()
    assert offer(mx)[0] == 451
    faults.remove("no-connections")
    mx.daemon.start()
    assert offer(mx)[0] == 250
