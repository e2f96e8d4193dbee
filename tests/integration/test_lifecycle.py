"""Start, reload and end of truefromd, with and without traffic."""

import os
import re
import signal
import subprocess
import stat
import threading
import time

import pytest

import wait
import zones
from dns_server import after
from letter import letter
from milter_client import MilterClient, MilterGone
from parallel import judge_all
from settings import render
from traffic import Traffic

FOREIGN = "203.0.113.9"
SPF = "v=spf1 ip4:192.0.2.0/24 -all"


def zone(policy="reject"):
    """example.com with this policy."""
    return zones.domain("example.com", spf=SPF, dmarc=f"v=DMARC1; p={policy}")


def slow_zone(seconds):
    """The same, but its policy takes a while to come."""
    return zones.domain("example.com", spf=SPF, dmarc=after(seconds, "v=DMARC1; p=reject"))


class Sender(threading.Thread):
    """Sends one message in the background; `reply` is there after join."""

    def __init__(self, mx, ip):
        super().__init__(daemon=True)
        self._mx, self._ip = mx, ip
        self.reply = None

    def run(self):
        with self._mx.client(self._ip) as client:
            self.reply = client.offer(letter(), "alice@example.com", "user@example.org")

    def result(self):
        """The reply, once it is there."""
        self.join(60)
        assert self.reply is not None
        return self.reply


@pytest.mark.parametrize("ip, code", [("192.0.2.1", 250), (FOREIGN, 550)])
def test_sigterm_finishes_the_message_in_work(mx, ip, code):
    """A message that waits for DNS when SIGTERM comes gets its proper end; then exit code 0."""
    mx.start(slow_zone(2), dns={"timeout": 5})
    sender = Sender(mx, ip)
    sender.start()
    mx.dns.wait_for_question("_dmarc.example.com")
    mx.daemon.signal(signal.SIGTERM)
    mx.daemon.wait_for_state("STOPPING=1")
    assert sender.result()[0] == code
    assert mx.daemon.wait() == 0
    line, = mx.daemon.message_lines(1)
    assert line["dmarc"] == ("pass" if code == 250 else "fail")


def test_sigterm_takes_no_new_connection(mx):
    """While the last message is in work nobody new is let in."""
    mx.start(slow_zone(3), dns={"timeout": 5})
    sender = Sender(mx, "192.0.2.1")
    sender.start()
    mx.dns.wait_for_question("_dmarc.example.com")
    mx.daemon.signal(signal.SIGTERM)
    mx.daemon.wait_for_state("STOPPING=1")

    def refused():
        try:
            MilterClient(mx.milter(), timeout=0.3).close()
        except (OSError, MilterGone):
            return True
        return False

    wait.until(refused, "new connections refused", 2)
    assert sender.reply is None
    assert sender.result()[0] == 250
    assert mx.daemon.wait() == 0


@pytest.mark.parametrize("reload_first", [False, True])
def test_sigterm_finishes_a_message_half_sent(mx, reload_first):
    """A message of which only the envelope is there goes on to its verdict, and a SIGTERM that
    comes while a reload is under way is no other one."""
    mx.start(zone())
    with MilterClient(mx.milter()) as client:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        mx.dns.wait_for_question("example.com", "TXT")
        if reload_first:
            mx.daemon.signal(signal.SIGUSR1)
            mx.daemon.wait_for_state("RELOADING=1")
        mx.daemon.signal(signal.SIGTERM)
        mx.daemon.wait_for_state("STOPPING=1")
        time.sleep(1)  # whatever stops at once has stopped by now
        client.content(letter())
        assert "dmarc=pass" in client.end().field
    assert mx.daemon.wait() == 0


def test_sigterm_finishes_many(mx):
    """64 messages that wait for DNS when SIGTERM comes: each gets its verdict."""
    mx.start({}, message_deadline=10, dns={"timeout": 5})
    results = judge_all(mx, 64, lambda _, name: zones.domain(
        name, spf=SPF, dmarc=after(2, "v=DMARC1; p=reject")),
        then=lambda: mx.daemon.signal(signal.SIGTERM))
    assert mx.daemon.wait() == 0
    for domain, _, verdict in results:
        assert verdict.field.endswith(f"header.from={domain} policy.dmarc=reject")


def test_sigterm_is_bounded(mx):
    """A message that never ends holds the end up for message_deadline and 5 s at most."""
    mx.start(zone(), message_deadline=2, dns={"timeout": 1})
    with MilterClient(mx.milter()) as client:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        began = time.monotonic()
        assert mx.daemon.terminate() == 0
        assert time.monotonic() - began < 7 + 3 * mx.programs.patience


def test_sigterm_does_not_wait_for_idle_sessions(mx):
    """Sessions without a message do not hold the end up."""
    mx.start(zone())
    with MilterClient(mx.milter()) as client:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        began = time.monotonic()
        assert mx.daemon.terminate() == 0
        assert time.monotonic() - began < 6 * mx.programs.patience


def test_sigkill_does_not_finish(mx):
    """SIGKILL in the middle: the client is told to come again, and then gets its verdict."""
    mx.start(slow_zone(2), dns={"timeout": 5})
    sender = Sender(mx, "192.0.2.1")
    sender.start()
    mx.dns.wait_for_question("_dmarc.example.com")
    mx.daemon.kill()
    assert sender.result()[0] == 451
    assert mx.postfix.sink.deliveries() == []
    mx.daemon.start()
    assert mx.send(letter()).delivered


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_stopped_and_started_under_traffic(mx, end):
    """Three times stopped and started: each message is delivered once, evaluated, or refused."""
    mx.start(zone())
    with Traffic(mx) as traffic:
        for _ in range(3):
            traffic.wait_for(40)
            mx.daemon.signal(getattr(signal, end))
            code = mx.daemon.wait()
            assert code == (0 if end == "SIGTERM" else -signal.SIGKILL)
            mx.daemon.start()
        traffic.wait_for(40)
    traffic.account()
    assert len(traffic.replies) >= 160


def test_reload_under_traffic(mx):
    """Many reloads: no message is deferred, lost, doubled or judged by half a configuration."""
    mx.start(zone())
    with Traffic(mx) as traffic:
        for turn in range(20):
            changes = {"dmarc": {"reply": f"5.7.1 turn {turn}"}, "dns": {
                "servers": [mx.dns.server], "timeout": 2 + turn % 2}}
            mx.daemon.reload(mx.settings(**changes))
            traffic.wait_for(5)
    traffic.account()
    assert not traffic.retries


def test_reload_takes_effect(mx):
    """SIGUSR1: the next message sees the new configuration."""
    mx.start(zone())
    assert mx.send(letter(), ip=FOREIGN).code == 550
    mx.daemon.reload(mx.settings(mode="monitor"))
    assert mx.send(letter(), ip=FOREIGN).delivered
    assert mx.daemon.states().count("READY=1") == 2
    assert any(s == "RELOADING=1" for s in mx.daemon.states())
    mx.daemon.reload(mx.settings(dmarc={"reply": "5.7.1 new text"}))
    assert mx.send(letter(), ip=FOREIGN).text == "5.7.1 new text"


def test_reload_keeps_the_snapshot_of_a_message(mx):
    """A message that began under the old configuration ends under it."""
    mx.start(zone())
    with MilterClient(mx.milter()) as client:
        client.connect(FOREIGN)
        client.helo("mail.example.com")
        client.mail("alice@example.com")
        client.rcpt("user@example.org")
        mx.dns.wait_for_question("example.com", "TXT")
        mx.daemon.reload(mx.settings(dmarc={"reply": "5.7.1 new text"}))
        client.content(letter())
        assert client.end().reply == "550 5.7.1 rejected by DMARC policy for example.com"
        assert client.message(letter(), "alice@example.com").reply == "550 5.7.1 new text"


def test_reload_of_dns_servers(mx):
    """A reload that changes `dns` asks the new servers from then on."""
    mx.start(zone(), dns={"servers": ["127.0.0.1@9"], "timeout": 1})
    assert mx.send(letter(), check=False).log["rule"] == "temperror"
    mx.daemon.reload(mx.settings())
    assert mx.send(letter()).log["dmarc"] == "pass"


@pytest.mark.parametrize("text, complaint", [
    ('mode = "monitr"\n', r"truefrom\.conf:1: mode: .*monitor"),
    ('\n\nno_such_key = 1\n', r"truefrom\.conf:3: no_such_key: "),
    ('dns {\n    timeout = 5\n', r"truefrom\.conf:\d: dns"),
    ('message_deadline = "soon"\n', r"truefrom\.conf:1: message_deadline: "),
], ids=["value", "key", "section", "type"])
def test_reload_of_a_broken_file(mx, text, complaint):
    """The old configuration is kept, and the log says why."""
    mx.start(zone(), dmarc={"reply": "5.7.1 old text"})
    count = len(mx.daemon.lines())
    mx.daemon.write(text=text)
    mx.daemon.signal(signal.SIGUSR1)
    mx.daemon.wait_for_line(complaint, after=count)
    with mx.client(FOREIGN) as client:
        code, reply = client.offer(letter(), "alice@example.com", "user@example.org")
    assert (code, reply) == (550, "5.7.1 old text")
    assert mx.daemon.running()
    mx.daemon.reload(mx.settings(dmarc={"reply": "5.7.1 mended"}))
    assert mx.send(letter(), ip=FOREIGN).text == "5.7.1 mended"


def test_reload_of_a_missing_file(mx):
    """A file that is gone is no reason to stop either."""
    mx.start(zone(), dmarc={"reply": "5.7.1 old text"})
    count = len(mx.daemon.lines())
    os.unlink(mx.daemon.conf)
    mx.daemon.signal(signal.SIGUSR1)
    mx.daemon.wait_for_line(r"truefrom\.conf", after=count)
    with mx.client(FOREIGN) as client:
        assert client.offer(letter(), "alice@example.com", "user@example.org")[1] == (
            "5.7.1 old text")
    mx.daemon.write()


def test_reload_of_keys_that_need_a_restart(mx, folder):
    """They keep their old value, with a warning that names them; the others take effect."""
    mx.start(zone())
    count = len(mx.daemon.lines())
    mx.daemon.reload(mx.settings(
        socket=f"unix:{folder}/other.sock", socket_mode="0600", user="root",
        pid_file=f"{folder}/other.pid", dmarc={"reply": "5.7.1 new text"}))
    warning = mx.daemon.wait_for_line(r"restart", after=count)
    for key in ("socket", "socket_mode", "user", "pid_file"):
        assert re.search(rf"\b{key}\b", warning), warning
    assert not os.path.exists(f"{folder}/other.sock")
    with mx.client(FOREIGN) as client:
        assert client.offer(letter(), "alice@example.com", "user@example.org")[1] == (
            "5.7.1 new text")


def test_signals_while_idle(mx):
    """HUP does not end it; TERM does, at once, with exit code 0."""
    mx.start(zone())
    assert mx.send(letter()).delivered
    mx.daemon.signal(signal.SIGHUP)
    assert mx.send(letter()).delivered
    assert mx.daemon.terminate() == 0
    assert mx.daemon.states()[-1] == "STOPPING=1"
    assert "error" not in mx.daemon.text()


def test_privileges_dropped(mx):
    """Started as root it serves as its user, and cannot gain anything again."""
    mx.user = "nobody"
    mx.start(zone())
    with open(f"/proc/{mx.daemon.pid}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    assert set(status["Uid"].split()) == {"65534"}
    assert set(status["Gid"].split()) == {"65534"}
    assert status["Groups"].split() in ([], ["65534"])
    assert status["NoNewPrivs"] == "1"


def test_unix_socket_mode_and_group(mx):
    """The socket has the mode and group that the configuration says."""
    mx.start(zone(), "unix", socket_mode="0660")
    entry = os.stat(mx.postfix.milters["unix"])
    assert stat.S_ISSOCK(entry.st_mode) and stat.S_IMODE(entry.st_mode) == 0o660
    assert entry.st_gid == os.stat(os.path.join(mx.postfix.dir, "data")).st_gid


def test_unix_socket_left_behind(mx):
    """The socket of a daemon that was killed is no obstacle; that of a running one is."""
    mx.start(zone(), "unix")
    second = mx.programs.run(mx.programs.truefromd, "-f", "-c", mx.daemon.conf)
    assert second.returncode == 3
    assert mx.send(letter(), door="unix").delivered
    mx.daemon.kill()
    assert os.path.exists(mx.postfix.milters["unix"])
    mx.daemon.start()
    assert mx.send(letter(), door="unix").delivered


def test_pid_file(mx, folder):
    """The PID file names the process, and is gone after it."""
    path = os.path.join(folder, "run", "truefromd.pid")
    os.mkdir(os.path.dirname(path))
    os.chmod(os.path.dirname(path), 0o777)
    mx.start(zone(), pid_file=path)
    with open(path, encoding="ascii") as file:
        assert file.read() == f"{mx.daemon.pid}\n"
    assert mx.daemon.terminate() == 0
    assert not os.path.exists(path)


def test_pid_file_left_behind(mx, folder):
    """A number that belongs to another process by now is no reason not to start; a running
    truefromd is."""
    path = os.path.join(folder, "run", "truefromd.pid")
    os.mkdir(os.path.dirname(path))
    os.chmod(os.path.dirname(path), 0o777)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{stranger.pid}\n")
            mx.start(zone(), pid_file=path)
        finally:
            stranger.kill()
    with open(path, encoding="ascii") as file:
        assert file.read() == f"{mx.daemon.pid}\n"
    second = os.path.join(folder, "second.conf")
    with open(second, "w", encoding="utf-8") as file:
        file.write(f'socket = "unix:{folder}/second.sock"\nuser = ""\npid_file = "{path}"\n')
    result = mx.programs.run(mx.programs.truefromd, "-f", "-c", second)
    assert result.returncode == 3 and "pid_file: " in result.stderr, result.stderr
    with open(path, encoding="ascii") as file:
        assert file.read() == f"{mx.daemon.pid}\n"


def test_pid_file_of_two_names(mx, folder):
    """What is known by another name too may be anybody's file: it is not written to."""
    path, other = os.path.join(folder, "truefromd.pid"), os.path.join(folder, "precious")
    with open(other, "w", encoding="ascii") as file:
        file.write("precious\n")
    os.link(other, path)
    conf = os.path.join(folder, "linked.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(f'socket = "unix:{folder}/linked.sock"\nuser = ""\npid_file = "{path}"\n')
    result = mx.programs.run(mx.programs.truefromd, "-f", "-c", conf)
    assert result.returncode == 3 and "pid_file: " in result.stderr, result.stderr
    with open(other, encoding="ascii") as file:
        assert file.read() == "precious\n"


@pytest.mark.parametrize("closed", ["", "0<&- 1>&- 2>&-"])
def test_background(mx, folder, closed):
    """Without -f it goes into the background once it is ready to serve; whoever starts it may have
    closed the standard descriptors. A file named by a relative path is found again on a reload."""
    path = os.path.join(folder, "run", "truefromd.pid")
    os.mkdir(os.path.dirname(path))
    os.chmod(os.path.dirname(path), 0o777)
    mx.dns.load(zone())
    conf = os.path.join(folder, "background.conf")
    _write(conf, mx.settings(pid_file=path))
    result = mx.programs.run("sh", "-c", f'cd {folder} && exec "$0" -c background.conf {closed}',
                             mx.programs.truefromd)
    assert result.returncode == 0, result.stderr
    with open(path, encoding="ascii") as file:
        pid = int(file.read())
    try:
        assert _name_in_field(mx) == mx.settings()["authserv_id"]
        _write(conf, mx.settings(pid_file=path, authserv_id="fresh.example.org"))
        os.kill(pid, signal.SIGUSR1)
        wait.until(lambda: _name_in_field(mx) == "fresh.example.org", "the new configuration", 10)
    finally:
        os.kill(pid, signal.SIGTERM)
    wait.until(lambda: not _lives(pid), "the daemon ended", 20 * mx.programs.patience)


def _write(path, settings):
    with open(path, "w", encoding="utf-8") as file:
        file.write(render(settings))


def _name_in_field(mx):
    """Whose name is on the field that a message gets."""
    with MilterClient(mx.milter()) as client:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        return client.message(letter(), "alice@example.com").field.partition(";")[0]


def _lives(pid):
    """Is it there, and more than a zombie?"""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
