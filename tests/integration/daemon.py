"""truefromd in the foreground, with its log, and the two programs' one-shot uses."""

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import settings as config
import wait

QUOTED = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|\S*)')


def _unquote(value):
    """What a quoted value of the log stands for: \\xNN is an octet, \\ and " are escaped."""
    octets = re.sub(rb"\\(x([0-9a-f]{2})|.)",
                    lambda m: bytes.fromhex(m.group(2).decode()) if m.group(2) else m.group(1),
                    value[1:-1].encode())
    return octets.decode("utf-8", "surrogateescape")


def parse_logfmt(line):
    """A log line's fields."""
    fields = {}
    for key, value in QUOTED.findall(line):
        if value.startswith('"'):
            value = _unquote(value)
        assert key not in fields, f"{key} twice: {line}"
        fields[key] = value
    return fields


class Programs:
    """Where truefromd and truefrom were built, and how they are run."""

    def __init__(self, build, patience=1.0):
        self.truefromd = os.path.join(build, "truefromd")
        self.truefrom = os.path.join(build, "truefrom")
        self.patience = patience  # a factor for bounds: sanitized builds are slow
        for program in (self.truefromd, self.truefrom):
            assert os.access(program, os.X_OK), f"{program} is not there: build first"

    def run(self, *command, env=None, stdin=b"", timeout=60):
        """Run to the end; returns a CompletedProcess with text output."""
        result = subprocess.run(command, input=stdin, capture_output=True, check=False,
                                timeout=timeout * self.patience, env={**os.environ, **(env or {})})
        result.stdout = result.stdout.decode("utf-8", "replace")
        result.stderr = result.stderr.decode("utf-8", "replace")
        return result

    def check(self, conf, message, *options):
        """truefrom check --json: the object it prints."""
        result = self.run(self.truefrom, "check", "--json", "--config", conf, *options,
                          stdin=message)
        assert result.returncode == 0, result.stderr
        assert not sanitizer_report(result.stderr), result.stderr
        return json.loads(result.stdout)


def _in_a_library(report):
    """Is the access that ThreadSanitizer complains of a library's own? Libraries are not
    instrumented: of their locks and atomics it sees only a part, and takes the rest for races."""
    frames = re.findall(r"#\d+ .*\((\S+?)\+0x[0-9a-f]+\)", report)
    callers = [module for module in frames if "libtsan" not in module]
    return bool(callers) and ".so" in os.path.basename(callers[0])


def sanitizer_report(text):
    """The part of a program's output in which a sanitizer complains; None without one."""
    found = re.search(r"(?s)(ERROR: (Address|Leak)Sanitizer|runtime error:).*", text)
    if found:
        return found.group(0)
    for report in text.split("==================")[1:]:
        if "WARNING: ThreadSanitizer" in report and not _in_a_library(report):
            return report
    return None


class Daemon:
    """One truefromd; `settings` are written to `conf` before it starts and on each reload."""

    def __init__(self, programs, directory, settings, environment=None):
        self.programs = programs
        self._environment = environment or {}
        self.conf = os.path.join(directory, "truefrom.conf")
        self.settings = settings
        self._directory = directory
        self._process = None
        self._reader = None
        self._said = threading.Condition()
        self._lines = []
        self._states = []
        self._notify = None

    @property
    def pid(self):
        """The process that serves."""
        return self._process.pid

    def write(self, settings=None, text=None):
        """Write the configuration file, from settings or as it is."""
        if settings is not None:
            self.settings = settings
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(config.render(self.settings) if text is None else text)

    def start(self, timeout=20):
        """Start it, and wait until it says that it is ready."""
        self.write()
        self._listen_for_states()
        with self._said:
            self._states = []
        self._process = subprocess.Popen(
            [self.programs.truefromd, "-f", "-c", self.conf], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "NOTIFY_SOCKET": self._notify.getsockname(),
                 "TSAN_OPTIONS": "exitcode=0",  # what it reports is looked at, below
                 **self._environment})
        self._reader = threading.Thread(target=self._read, args=(self._process.stderr,),
                                        name="log", daemon=True)
        self._reader.start()
        self.wait_for_state("READY=1", timeout=timeout)

    def signal(self, number):
        """Send a signal."""
        self._process.send_signal(number)

    def reload(self, settings=None, text=None):
        """Write the configuration and have it read again; returns when that is done."""
        self.write(settings, text)
        count = self.states().count("READY=1")
        self.signal(signal.SIGUSR1)
        self.wait_for_state("READY=1", count=count + 1)

    def wait(self, timeout=30):
        """Wait until it ended; returns its exit code."""
        code = self._process.wait(timeout * self.programs.patience)
        self._reader.join(10)
        return code

    def running(self):
        """Has it not ended yet?"""
        return self._process is not None and self._process.poll() is None

    def terminate(self):
        """SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        """SIGKILL."""
        self._process.kill()
        self.wait()

    def close(self):
        """At the end of a test: end it, and insist that it ended in order."""
        try:
            if self.running():
                code = self.terminate()
                assert code == 0, f"exit code {code}\n{self.text()}"
        finally:
            if self.running():
                self.kill()
            if self._notify is not None:
                self._notify.close()
                self._notify = None
        assert not sanitizer_report(self.text()), sanitizer_report(self.text())

    def lines(self):
        """What it logged so far."""
        with self._said:
            return list(self._lines)

    def text(self):
        """The same as one text."""
        return "\n".join(self.lines())

    def states(self):
        """What it told its service manager so far."""
        with self._said:
            return list(self._states)

    def wait_for_line(self, pattern, timeout=10, after=0):
        """Sleep until a line from number `after` on matches; returns the line."""
        def search():
            return next((x for x in self._lines[after:] if re.search(pattern, x)), None)
        return self._wait_for(search, f"no line matches {pattern!r}", timeout)

    def wait_for_state(self, state, count=1, timeout=10):
        """Sleep until it told its service manager a state so many times."""
        self._wait_for(lambda: self._states.count(state) >= count,
                       f"it did not say {state} {count} times", timeout)

    def message_lines(self, count=0):
        """The lines about messages, parsed; waits until there are so many of them."""
        wait.until(lambda: sum(" action=" in line for line in self.lines()) >= count,
                   f"{count} lines about messages", 10)
        return [parse_logfmt(line) for line in self.lines() if " action=" in line]

    def _wait_for(self, condition, what, timeout):
        end = time.monotonic() + timeout * self.programs.patience
        with self._said:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                gone = self._process.poll() is not None and not self._reader.is_alive()
                assert left > 0 and not gone, "\n".join(
                    [f"{what} within {timeout} s; exit code {self._process.poll()}; log:",
                     *self._lines])
                self._said.wait(min(left, 0.2))

    def _read(self, stream):
        for line in stream:
            with self._said:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._said.notify_all()
        stream.close()

    def _listen_for_states(self):
        """The service manager's socket, where the daemon says READY and the like."""
        if self._notify is not None:
            return
        path = os.path.join(self._directory, "notify")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        os.chmod(path, 0o666)
        threading.Thread(target=self._hear, args=(self._notify,), name="notify",
                         daemon=True).start()

    def _hear(self, notify):
        while True:
            try:
                data = notify.recv(4096)
            except OSError:
                return
            with self._said:
                self._states += [s for s in data.decode().split("\n") if s]
                self._said.notify_all()
