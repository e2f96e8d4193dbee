"""Neighbours that fail, limits that are reached: what becomes of each message, counted one by one."""

import os
import re
import resource
import signal
import socket
import struct
import subprocess
import time

import pytest

import namespace
import wait
import zones
from letter import letter
from milter_client import MilterClient
from settings import render
from supervisor import Supervisor
from traffic import Traffic

FOREIGN = "203.0.113.9"
KILLS = 10


def zone():
    """example.com publishes reject."""
    return zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all",
                        dmarc="v=DMARC1; p=reject")


def offer(mx, message=None, ip="192.0.2.1"):
    """One message; the reply."""
    with mx.client(ip) as client:
        return client.offer(message or letter(), "alice@example.com", "user@example.org")


def test_killed_under_load(mx):
    """SIGKILL, many times, and a supervisor: no message is lost, doubled or unevaluated."""
    mx.start(zone())
    with Supervisor(mx.daemon) as supervisor, Traffic(mx) as traffic:
        for turn in range(KILLS):
            traffic.wait_for(5 + turn)
            mx.daemon.signal(signal.SIGKILL)
            supervisor.wait_for(turn + 1)
        traffic.wait_for(20)
    assert supervisor.codes == [-signal.SIGKILL] * KILLS
    traffic.account()


def test_killed_with_default_accept(mx):
    """milter_default_action = accept: what is not evaluated is accepted, and bears no field of
    ours; nothing is put off, lost or doubled."""
    mx.start(zone())
    with Supervisor(mx.daemon) as supervisor, Traffic(mx, door="accept") as traffic:
        for turn in range(3):
            traffic.wait_for(10)
            mx.daemon.signal(signal.SIGKILL)
            traffic.wait_for(2)
            supervisor.wait_for(turn + 1)
        traffic.wait_for(10)
    traffic.account_accepting()
    assert not traffic.retries


def test_postfix_restarted(mx):
    """Postfix stopped at once and started again in the middle of messages: truefromd forgets them
    and serves the next; what Postfix had accepted is delivered."""
    mx.start(zone())
    with Traffic(mx) as traffic:
        traffic.wait_for(15)
        mx.postfix.restart()
        traffic.wait_for(15)
    assert traffic.retries  # it did come in the middle
    traffic.account(cut=True)
    assert mx.daemon.terminate() == 0
    mx.daemon.wait_for_line("stopping: 0 messages in work")


@pytest.mark.parametrize("changes, code", [
    ({"on_error": "tempfail"}, 451), ({"on_error": "accept"}, 250), ({"mode": "monitor"}, 250)])
def test_too_many_connections(mx, changes, code):
    """Beyond limits.connections on_error decides; exempt mail passes; one warning, and a count."""
    mx.start(zone(), limits={"connections": 2}, **changes)
    idle = [MilterClient(mx.milter()) for _ in range(2)]
    for _ in range(2):
        assert offer(mx)[0] == code
    assert offer(mx, ip="127.0.0.1")[0] == 250
    lines = mx.daemon.message_lines(3)
    assert [line["rule"] for line in lines] == ["error", "error", "trusted-network"]
    assert lines[0]["reason"] == "limits.connections reached"
    for client in idle:
        client.close()
    wait.until(lambda: offer(mx, ip=FOREIGN)[0] == (250 if "mode" in changes else 550),
               "the limit is no longer reached", 10)
    assert len([x for x in mx.daemon.lines() if "limits.connections reached (2)" in x]) == 1
    mx.daemon.reload()
    mx.daemon.wait_for_line(r"reload: \d+ messages since the start; \d+ undecided: \d+ connections")


def soft_limit(mx, which, value):
    """Set a limit of the running daemon."""
    _, hard = resource.prlimit(mx.daemon.pid, which)
    resource.prlimit(mx.daemon.pid, which, (value, hard))


def test_takes_the_descriptors_it_may(mx):
    """The soft limit that it was started with, 1,024 in most shells, is no limit for it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        mx.start(zone())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with open(f"/proc/{mx.daemon.pid}/limits", encoding="ascii") as limits:
        taken = re.search(r"^Max open files +(\d+)", limits.read(), re.MULTILINE).group(1)
    assert int(taken) == min(hard, 262144) > 1024
    assert "limit of open files" not in mx.daemon.text()


def test_too_few_descriptors(mx):
    """The limit of open files leaves less room than limits.connections says: on_error decides
    about what is beyond. When there are none left at all, the MTA waits, and is served later."""
    mx.user = ""  # or else its limits are not ours to set
    mx.start(zone())
    soft_limit(mx, resource.RLIMIT_NOFILE, 192)  # 16 of them for connections
    clients = [MilterClient(mx.milter()) for _ in range(20)]
    verdicts = []
    for client in clients:
        client.connect("192.0.2.1")
        client.helo("mail.example.com")
        verdicts.append(client.message(letter(), "alice@example.com"))
    assert [v.final for v in verdicts] == ["c"] * 16 + ["y"] * 4
    assert verdicts[-1].reply == "451 4.7.1 cannot evaluate this message now: too many open files"
    mx.daemon.wait_for_line("16 connections are as many as the limit of open files leaves room for")
    soft_limit(mx, resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{mx.daemon.pid}/fd")))
    with socket.create_connection(mx.milter()) as waiting:
        waiting.sendall(b"\0\0\0\x0dO" + struct.pack("!III", 6, 0x1FF, 0x1FFFFF))
        waiting.settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting.recv(4)
        soft_limit(mx, resource.RLIMIT_NOFILE, 4096)
        waiting.settimeout(20)
        assert waiting.recv(4) == b"\0\0\0\x0d"
    for client in clients:
        client.close()
    assert mx.send(letter(), check=False).delivered
    assert mx.daemon.running() and "error: " not in mx.daemon.text()


def test_flood_of_connections(mx):
    """Far more connections than there are descriptors, most of them silent: truefromd lives on, and
    once they are gone, it serves as before."""
    mx.user = ""
    mx.start(zone())
    soft_limit(mx, resource.RLIMIT_NOFILE, 192)
    hello = b"\0\0\0\x0dO" + struct.pack("!III", 6, 0x1FF, 0x1FFFFF)
    for _ in range(3):
        flood = [socket.create_connection(mx.milter()) for _ in range(400)]
        for sock in flood[::4]:
            sock.sendall(hello)
        wait.until(lambda: len(os.listdir(f"/proc/{mx.daemon.pid}/fd")) == 192, "all are taken", 10)
        time.sleep(0.2)
        for sock in flood:
            sock.close()
        wait.until(lambda: offer(mx)[0] == 250, "it serves", 20 * mx.programs.patience)
    assert offer(mx, ip=FOREIGN)[0] == 550
    assert mx.daemon.running() and "error: " not in mx.daemon.text()


def test_out_of_memory(mx):
    """The process ends with one line; the MTA puts the message off; the next process delivers."""
    if mx.programs.patience != 1.0:
        pytest.skip("a sanitizer needs all addresses")
    mx.user = ""
    mx.environment = {"MALLOC_ARENA_MAX": "1"}  # no room that is set aside
    mx.start(zone(), limits={"header_bytes": "32M", "message_memory": "128M"})
    big = letter(extra=[f"X-{n}: " + "x" * 900 for n in range(1500)])
    assert offer(mx)[0] == 250
    time.sleep(0.5)  # its thread has nothing to do any more: there will be no other
    with open(f"/proc/{mx.daemon.pid}/statm", encoding="ascii") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    with Supervisor(mx.daemon) as supervisor:
        soft_limit(mx, resource.RLIMIT_AS, size)
        code, text = offer(mx, big)
        assert code == 451, (code, text)
        supervisor.wait_for(1)
        assert offer(mx, big)[0] == 250
    assert supervisor.codes == [-signal.SIGABRT]
    assert len([x for x in mx.daemon.lines() if "out of memory (" in x]) == 1
    mx.postfix.sink.wait_until(lambda all_: len(all_) == 2)


@pytest.mark.parametrize("log", ["/dev/full", "limited", "closed"])
def test_log_cannot_be_written(mx, folder, log):
    """A log on a full disk, over the process's limit for files, or that nobody reads: mail goes
    on."""
    mx.start(zone())
    mx.daemon.terminate()
    path = f"{folder}/log" if log == "limited" else "/dev/full"
    reader = writer = None
    if log == "closed":
        reader, writer = os.pipe()
        os.close(reader)
    with open(path, "wb") as file:
        process = subprocess.Popen(
            [mx.programs.truefromd, "-f", "-c", mx.daemon.conf], stderr=writer or file,
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
            if log == "limited" else None)
    if writer is not None:
        os.close(writer)
    try:
        wait.until(lambda: _listens(mx), "it listens", 20 * mx.programs.patience)
        assert offer(mx)[0] == 250
        assert offer(mx, ip=FOREIGN)[0] == 550
        process.send_signal(signal.SIGTERM)
        assert process.wait(30 * mx.programs.patience) == 0
    finally:
        process.kill()
        process.wait()


def both(mx):
    """A message that may come and one that may not; both get their verdict without delay."""
    began = time.monotonic()
    assert offer(mx)[0] == 250
    assert offer(mx, ip=FOREIGN)[0] == 550
    assert time.monotonic() - began < 2 * mx.programs.patience


def test_log_is_not_read(mx):
    """Nobody reads the pipe that the log goes to, and it is full: mail goes on. Once somebody reads
    again, the log says how many lines are lost; an end needs no reader."""
    mx.start(zone())
    mx.daemon.terminate()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    with subprocess.Popen([mx.programs.truefromd, "-f", "-c", mx.daemon.conf],
                          stderr=writer) as process:
        try:
            wait.until(lambda: _listens(mx), "it listens", 20 * mx.programs.patience)
            both(mx)
            text = b""
            while text.count(b"x") < 65536:
                text += os.read(reader, 65536)
            assert offer(mx)[0] == 250
            said = os.read(reader, 65536).decode().splitlines()
            # "ready", and one for each message
            assert said[0].endswith("nobody took the lines of this log: 3 of them are lost"), said
            assert len(said) == 2 and " spf=pass " in said[1], said
            os.set_blocking(writer, False)
            with pytest.raises(BlockingIOError):
                while True:
                    os.write(writer, b"x" * 4096)
            process.send_signal(signal.SIGTERM)
            assert process.wait(10 * mx.programs.patience) == 0
        finally:
            process.kill()
            os.close(reader)
            os.close(writer)


SHUT_IN = """for name in null urandom random zero; do
    touch dev/$name && mount --bind /dev/$name dev/$name
done && mount --rbind dev /dev && exec "$0" -c "$1" """


def test_syslog_is_not_read(mx, folder):
    """The same when syslogd is there and reads nothing."""
    if not namespace.isolated():
        pytest.skip("file systems cannot be mounted here")
    os.mkdir(f"{folder}/dev")
    pid_file = f"{folder}/pid"
    mx.start(zone(), pid_file=pid_file)
    mx.daemon.terminate()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as junk:
        log.bind(f"{folder}/dev/log")
        os.chmod(f"{folder}/dev/log", 0o666)
        junk.connect(f"{folder}/dev/log")
        junk.setblocking(False)
        _fill(junk)
        subprocess.run(["unshare", "--mount", "sh", "-c", SHUT_IN, mx.programs.truefromd,
                        mx.daemon.conf], check=True, cwd=folder, timeout=20 * mx.programs.patience)
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.read())
        try:
            both(mx)
            log.settimeout(10)
            _drain(log)
            assert offer(mx)[0] == 250
            said = [log.recv(65536).decode() for _ in range(2)]
            assert re.fullmatch(r"<20>\w{3} [ \d]\d \d\d:\d\d:\d\d truefromd\[%d\]: nobody took "
                                "the lines of this log: 3 of them are lost" % pid, said[0]), said
            assert said[1].startswith("<22>") and " spf=pass " in said[1]
            _fill(junk)
        finally:
            os.kill(pid, signal.SIGTERM)
        wait.until(lambda: not os.path.exists(f"/proc/{pid}/exe"), "its end",
                   10 * mx.programs.patience)


def _fill(sock):
    """Until no more goes in."""
    with pytest.raises(BlockingIOError):
        while True:
            sock.send(b"x")


def _drain(sock):
    """Until there is no more."""
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            sock.recv(65536)
    sock.settimeout(10)


def _listens(mx):
    try:
        MilterClient(mx.milter(), timeout=2).close()
    except OSError:
        return False
    return True


def test_disk_full_for_pid_file(mx, folder):
    """It does not start, and says why."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=777", "tmpfs", folder],
                      capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        with pytest.raises(OSError), open(f"{folder}/filler", "wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        conf = f"{mx.postfix.dir}/pid.conf"
        with open(conf, "w", encoding="utf-8") as file:
            file.write(render(mx.settings(pid_file=f"{folder}/pid")))
        result = mx.programs.run(mx.programs.truefromd, "-f", "-c", conf)
        assert result.returncode == 3
        assert f"pid_file: cannot write {folder}/pid: No space left on device" in result.stderr
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
