"""What truefromd may do, and whom it trusts: privileges, sandbox, sockets, files, the unit."""

import ctypes
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

import settings as config
import wait
import zones
from daemon import Daemon
from letter import letter

TOP = pathlib.Path(__file__).resolve().parents[2]
UNIT = TOP / "contrib/systemd/truefromd.service"
NOBODY = pwd.getpwnam("nobody")
FOREIGN = "203.0.113.9"
ZONE = zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc="v=DMARC1; p=reject")
EMPTY = {f"Cap{name}": "0" * 16 for name in ("Inh", "Prm", "Eff", "Amb")}


@pytest.fixture(name="plain")
def fixture_plain(request):
    """A build without sanitizers, which bring their own checks and want their own system calls."""
    makefile = pathlib.Path(request.config.getoption("build"), "Makefile")
    if re.search(r"(?m)^TF_CFLAGS = .*-fsanitize", makefile.read_text(encoding="utf-8")):
        pytest.skip("built with sanitizers")


def threads(pid):
    """/proc/PID/status of every thread."""
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        yield dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)


def test_nothing_left(mx):
    """Started as root: another user, its own group, no capability of any kind, none to be had."""
    mx.user = "nobody"
    mx.start(ZONE)
    assert mx.send(letter()).delivered
    count = 0
    for status in threads(mx.daemon.pid):
        assert set(status["Uid"].split()) == {str(NOBODY.pw_uid)}
        assert set(status["Gid"].split()) == {str(NOBODY.pw_gid)}
        assert status["Groups"].split() in ([], [str(NOBODY.pw_gid)])
        assert {key: status[key] for key in (*EMPTY, "CapBnd")} == {**EMPTY, "CapBnd": "0" * 16}
        assert status["NoNewPrivs"] == "1"
        count += 1
    assert count >= 4  # main, libmilter, its workers, the resolver


@pytest.mark.parametrize("user", ["nobody", ""])
@pytest.mark.parametrize("sandbox, mode", [(True, "2"), (False, "0")])
def test_sandbox(plain, mx, user, sandbox, mode):
    """Every thread of the daemon is filtered, unless the configuration says otherwise."""
    del plain
    mx.user = user
    mx.start(ZONE, sandbox=sandbox)
    assert mx.send(letter(), ip=FOREIGN).code == 550
    assert {status["Seccomp"] for status in threads(mx.daemon.pid)} == {mode}
    assert {status["CapEff"] for status in threads(mx.daemon.pid)} == {"0" * 16}


def test_sandbox_and_reload(mx, folder):
    """What a reload does works in the sandbox: other servers, a zone, files, and keeping state."""
    state = pathlib.Path(folder, "state")
    state.mkdir()
    shutil.chown(state, "nobody")
    zone = pathlib.Path(folder, "zone")
    zone.write_text('zoned.example. 60 IN TXT "v=spf1 ip4:192.0.2.7 -all"\n', encoding="ascii")
    sealers = pathlib.Path(folder, "sealers")
    sealers.write_text("lists.example\n", encoding="ascii")
    mx.user = "nobody"
    mx.start(ZONE, state_dir=str(state))
    assert mx.send(letter()).log["dmarc"] == "pass"
    mx.daemon.reload(mx.settings(
        state_dir=str(state), dns={"servers": [mx.dns.server], "zone": str(zone)},
        arc={"trusted_sealers_file": str(sealers)}, log_level="debug"))
    mx.daemon.wait_for_line("the new configuration is in force")
    wait.until(lambda: (state / "policies").exists(), "the state is kept", 5)
    assert mx.send(letter(), sender="bob@zoned.example", ip="192.0.2.7",
                   check=False).log["spf"] == "pass"


@pytest.fixture(name="elsewhere")
def fixture_elsewhere():
    """A folder that is not below /tmp, where it may write anyway."""
    path = tempfile.mkdtemp(dir="/var/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


def test_folders(plain, mx, elsewhere):
    """A folder that takes the place of its own is not its own: it writes to no other."""
    del plain
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 1:  # landlock_create_ruleset: its version
        pytest.skip("this kernel has no Landlock")
    state = pathlib.Path(elsewhere, "state")

    def make():
        state.mkdir()
        shutil.chown(state, "nobody")

    make()
    mx.user = "nobody"
    mx.start(ZONE, state_dir=str(state))
    assert mx.send(letter()).log["dmarc"] == "pass"
    mx.daemon.reload()
    wait.until(lambda: (state / "policies").exists(), "the state is kept", 5)
    state.rename(f"{elsewhere}/old")
    make()
    mx.dns.load(zones.join(ZONE, zones.domain("example.org", dmarc="v=DMARC1; p=reject")))
    mx.send(letter("bob@example.org"), check=False)
    mx.daemon.reload()
    mx.daemon.wait_for_line("state_dir: .* cannot be written: Permission denied")


def test_capabilities_of_another_user(mx, folder):
    """Who is not root and was given some, for a port below 1024, keeps none."""
    del folder
    mx.dns.load(ZONE)
    mx.daemon = Daemon(mx.programs, mx._directory, mx.settings(socket="inet:893@127.0.0.1"))
    shutil.copy(mx.programs.truefromd, mx._directory)
    started = mx.programs.truefromd
    script = pathlib.Path(mx._directory, "start")
    script.write_text(
        "#!/bin/sh\nexec setpriv --reuid=nobody --regid=nogroup --clear-groups "
        "--inh-caps=+net_bind_service --ambient-caps=+net_bind_service "
        f"{mx._directory}/truefromd \"$@\"\n", encoding="ascii")
    script.chmod(0o755)
    mx.programs.truefromd = str(script)
    try:
        mx.daemon.start()
    finally:
        mx.programs.truefromd = started
    for status in threads(mx.daemon.pid):
        assert {key: status[key] for key in EMPTY} == EMPTY
        assert status["NoNewPrivs"] == "1"


def connect_as(path, uid, gid):
    """Connect to a UNIX socket as somebody; the errno, or 0."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            with socket.socket(socket.AF_UNIX) as client:
                os._exit(client.connect_ex(path))
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_socket_is_the_mtas(mx):
    """By default the group of the MTA connects, and nobody else but the daemon's user."""
    mx.user = "nobody"
    mx.start(ZONE, "unix")
    path, postfix = mx.postfix.milters["unix"], pwd.getpwnam("postfix")
    group = os.stat(path).st_gid
    assert os.stat(path).st_mode & 0o777 == 0o660
    assert group == postfix.pw_gid
    assert connect_as(path, postfix.pw_uid, group) == 0
    assert connect_as(path, NOBODY.pw_uid, NOBODY.pw_gid) == 0
    assert connect_as(path, 12345, 12345) == 13  # EACCES
    assert mx.send(letter(), door="unix").delivered


def spoil(path, how):
    """Let others write to a file."""
    if how == "owner":
        os.chown(path, 12345, 12345)
    elif how == "folder":
        path.parent.chmod(0o777)
    else:
        path.chmod(how)


SPOILT = {
    "group": (0o664, r"\(mode 0664\).*chmod go-w"),
    "others": (0o646, r"\(mode 0646\).*chmod go-w"),
    "owner": ("owner", "belongs to user 12345.*root"),
    "folder": ("folder", "another file in its place.*chmod o-w {}"),
}


@pytest.mark.parametrize("case", SPOILT)
@pytest.mark.parametrize("name", ["truefrom.conf", "sealers", "zone"])
def test_files_of_others_are_refused(programs, folder, case, name):
    """The configuration and what it names: at the start and by both checks, with what is right."""
    how, words = SPOILT[case]
    folders = {key: pathlib.Path(folder, key) for key in ("truefrom.conf", "sealers", "zone")}
    for path in folders.values():
        path.mkdir()
    files = {key: path / key for key, path in folders.items()}
    files["sealers"].write_text("lists.example\n", encoding="ascii")
    files["zone"].write_text("a.example. 60 IN A 192.0.2.1\n", encoding="ascii")
    files["truefrom.conf"].write_text(config.render({
        "socket": f"unix:{folder}/s", "user": "", "dns": {"zone": str(files["zone"])},
        "arc": {"trusted_sealers_file": str(files["sealers"])}}), encoding="ascii")
    conf = str(files["truefrom.conf"])
    assert programs.run(programs.truefromd, "-t", "-c", conf).returncode == 0
    spoil(files[name], how)
    for command in ((programs.truefromd, "-t", "-c", conf), (programs.truefromd, "-f", "-c", conf),
                    (programs.truefrom, "config", "--config", conf, "--check"),
                    (programs.truefrom, "check", "--config", conf)):
        result = programs.run(*command, stdin=letter())
        assert result.returncode == 1, result.stderr
        assert str(files[name]) in result.stderr
        assert re.search(words.format(folders[name]), result.stderr), result.stderr
    assert not os.path.exists(f"{folder}/s")


def test_reload_of_a_file_of_others(mx):
    """The old configuration stays in force, and the log says why."""
    mx.start(ZONE, dmarc={"reply": "5.7.1 old text"})
    mx.daemon.write(mx.settings(dmarc={"reply": "5.7.1 new text"}))
    for mode in (0o664, 0o666):
        os.chmod(mx.daemon.conf, mode)
        count = len(mx.daemon.lines())
        mx.daemon.signal(signal.SIGUSR1)
        mx.daemon.wait_for_line(r"truefrom\.conf: others than its owner .*chmod go-w", after=count)
        mx.daemon.wait_for_line("the old configuration stays in force", after=count)
        assert mx.send(letter(), ip=FOREIGN, check=False).text == "5.7.1 old text"
    os.chmod(mx.daemon.conf, 0o644)
    mx.daemon.reload()
    assert mx.send(letter(), ip=FOREIGN).text == "5.7.1 new text"


def test_a_file_of_ones_own(programs, folder):
    """An ordinary user checks a configuration and a message with files of his own, or root's."""
    own = pathlib.Path(folder, "own.conf")
    own.write_text('mode = "monitor"\n', encoding="ascii")
    shutil.copy(programs.truefrom, folder)
    zone = pathlib.Path(folder, "zone")
    zone.write_text("a.example. 60 IN A 192.0.2.1\n", encoding="ascii")
    zone.chmod(0o666)  # named on the command line, it is the caller's own business
    for owner in (NOBODY.pw_uid, 0):
        os.chown(own, owner, owner)
        for arguments in (["config", "--check"], ["check", "--zone", str(zone)]):
            result = programs.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                                  f"{folder}/truefrom", *arguments, "--config", str(own),
                                  stdin=letter())
            assert result.returncode == 0, result.stderr


def test_hardening(plain, programs):
    """Both programs are built with what the compiler and the linker have against exploits."""
    del plain
    if os.uname().machine == "x86_64":
        # Of the objects: Debian's own startup files have no such mark, so the programs lose it.
        objects = list(pathlib.Path(programs.truefromd).parent.glob("milter/*.o"))
        notes = programs.run("readelf", "--notes", *map(str, objects)).stdout
        assert 0 < len(objects) == len(re.findall(r"x86 feature: .*IBT, SHSTK", notes))
    for program in (programs.truefromd, programs.truefrom):
        elf = programs.run("readelf", "--wide", "--headers", "--dynamic", "--notes", program).stdout
        assert re.search(r"Type:\s+DYN \(Position-Independent Executable", elf)
        assert re.search(r"GNU_RELRO", elf) and re.search(r"FLAGS.*BIND_NOW", elf)
        assert re.search(r"FLAGS_1\).*\bNOW\b.*\bPIE\b", elf)
        assert "TEXTREL" not in elf and "RPATH" not in elf and "RUNPATH" not in elf
        assert re.search(r"GNU_STACK\s.*\sRW\s", elf)
        assert not re.search(r"LOAD\s.*\sRWE\s", elf)
        code = [line for line in elf.splitlines() if re.search(r"LOAD\s.*\sR E\s", line)]
        assert len(code) == 1 and not re.search(r"LOAD\s+0x0+\s", code[0])  # apart from headers
        symbols = programs.run("readelf", "--wide", "--dyn-syms", program).stdout
        assert "__stack_chk_fail" in symbols
        assert len(set(re.findall(r"__(\w+)_chk\b", symbols))) >= 5


def test_unit_is_tight():
    """The unit's exposure, as systemd counts it, is 2.0 at most (and was 1.4)."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)],
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(re.search(r"Overall exposure level .*: ([0-9.]+) ", done.stdout).group(1)) <= 2.0


def calls_of(group):
    """The system calls in a group of systemd's."""
    done = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True,
                          text=True, check=True)
    names = re.findall(r"(?m)^ {4}([@\w-]+)$", done.stdout)
    assert names, group
    return set().union(*(calls_of(name) if name[0] == "@" else {name} for name in names))


def calls_of_unit():
    """The system calls that the unit allows."""
    allowed = set()
    for line in re.findall(r"(?m)^SystemCallFilter=(.*)", UNIT.read_text(encoding="utf-8")):
        calls = set().union(*(calls_of(word) if word[0] == "@" else {word}
                              for word in line.lstrip("~").split()))
        allowed = allowed - calls if line[0] == "~" else allowed | calls
    return allowed | calls_of("@default")


def filter_calls(names):
    """What systemd does with SystemCallFilter and SystemCallErrorNumber=EPERM."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int,
                                         ctypes.c_uint]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(0x00050001)  # EPERM
    for name in names:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != -1:
            library.seccomp_rule_add(context, 0x7fff0000, number, 0)
    return lambda: library.seccomp_load(context)


def test_unit_allows_what_is_needed(plain, mx, monkeypatch):
    """With the system calls of the unit it starts, serves, reloads, keeps its state and ends."""
    del plain
    load = filter_calls(calls_of_unit())
    popen = subprocess.Popen

    def become():
        os.setgroups([pwd.getpwnam("postfix").pw_gid])
        os.setgid(NOBODY.pw_gid)
        os.setuid(NOBODY.pw_uid)
        load()

    def confined(*arguments, **options):
        return popen(*arguments, preexec_fn=become, **options)

    state = pathlib.Path(mx._directory, "state")
    state.mkdir()
    shutil.chown(state, "nobody")
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    monkeypatch.setattr("daemon.subprocess.Popen", confined)
    mx.start(ZONE)
    monkeypatch.undo()
    assert mx.send(letter()).log["dmarc"] == "pass"
    mx.daemon.reload(mx.settings(dmarc={"reply": "5.7.1 new text"}))
    wait.until(lambda: (state / "policies").exists(), "the state is kept", 5)
    assert mx.send(letter(), ip=FOREIGN).text == "5.7.1 new text"
    assert {status["Seccomp"] for status in threads(mx.daemon.pid)} == {"2"}
    assert mx.daemon.terminate() == 0
    assert "EPERM" not in mx.daemon.text() and "not permitted" not in mx.daemon.text()
