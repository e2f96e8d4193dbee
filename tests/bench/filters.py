"""The filters that are measured: how each is configured, started and ended.

truefrom has its defaults but for the socket, the DNS server, the user and the log, which goes to a
file. The others do what truefrom does and nothing more, with the best settings for it that we know;
where Debian's default is another, a comment says so. Each finds a folder of its own.
"""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import ground
import settings

AUTHSERV_ID = "mx.example.org"
SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"
PACKAGES = ("opendkim", "opendmarc", "rspamd", "publicsuffix")


def is_installed(package):
    """Does dpkg have it?"""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
                          capture_output=True, text=True, check=False)
    return done.stdout == "installed"


def install_peers():
    """Debian's packages of the peers, without starting what they bring; what is there stays."""
    missing = [package for package in PACKAGES if not is_installed(package)]
    if not missing:
        return
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
        policy.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for step in (["update"], ["-y", "--no-install-recommends", "--no-remove", "install",
                                  *missing]):
            subprocess.run(["apt-get", "-q", *step], check=True, env=environment,
                           stdout=subprocess.DEVNULL)
    finally:
        if ours:
            policy.unlink()
    for package in missing:
        if shutil.which("systemctl") and package != "publicsuffix":
            subprocess.run(["systemctl", "disable", "--quiet", package], check=False)


class Filter:
    """One filter, or a chain of them; its processes run from start to stop."""

    name = ""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        self.folder = None
        self._processes = []

    def available(self):
        """Is it installed?"""
        return True

    def version(self):
        """What `program` says of itself."""
        return ""

    def commands(self):
        """Write the configuration and return [(command, path of its socket)]."""
        raise NotImplementedError

    @property
    def sockets(self):
        """For the load generator, in the order of the chain."""
        return [path if path.startswith("inet:") else f"unix:{path}"
                for _, path in self._processes]

    @property
    def data(self):
        """Where its processes, which are not root, may write; its settings lie above."""
        return self.folder / "data"

    def start(self, folder):
        """Start it in a folder and wait until it listens."""
        self.folder = pathlib.Path(folder)
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o777)
        log = self.folder / "output"
        for command, path in self.commands():
            with open(log, "ab") as file:
                process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file,
                                           stderr=file)
            self._processes.append((process, path))
            try:
                ground.wait_for(lambda p=process, s=path: self._listens(p, s),
                                f"{command[0]} listens", 90)
            except RuntimeError as error:
                raise RuntimeError(f"{error}\n{log.read_text(errors='replace')}") from error
        return self

    def stop(self):
        """End it, at once: libmilter looks only every few seconds whether it shall end."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process, path in self._processes:
            process.wait()
            pathlib.Path(path).unlink(missing_ok=True)
        self._processes = []

    def pids(self):
        """Everything that works for it."""
        return [pid for process, _ in self._processes for pid in ground.descendants(process.pid)]

    def write(self, name, text):
        """A file of its folder; returns the path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
        return str(path)

    def suffixes(self):
        """The public suffix list with the top-level domain of our zone in it, as ICANN's are."""
        text = pathlib.Path(SUFFIXES).read_text(encoding="utf-8")
        path = self.folder / "suffixes"
        path.write_text(f"example\n{text}", encoding="utf-8")
        return str(path)

    @staticmethod
    def _listens(process, path):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        if path.startswith("inet:"):
            port, _, host = path[5:].partition("@")
            family, address = socket.AF_INET, (host, int(port))
        else:
            family, address = socket.AF_UNIX, path
        with socket.socket(family) as probe:
            return probe.connect_ex(address) == 0


def said(*command):
    """The first line that a program prints about itself."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().partition("\n")[0]


class Truefrom(Filter):
    """Ours."""

    name = "truefrom"

    def __init__(self, build, changes=None, name=None, inet=False):
        super().__init__(build)
        self.changes = changes or {}
        self.name = name or self.name
        self.inet = inet

    def version(self):
        return said(str(self.build / "truefromd"), "-V")

    def commands(self):
        path = str(self.data / "s")
        conf = self.write("truefrom.conf", settings.render(settings.merge({
            "socket": "inet:8893@127.0.0.1" if self.inet else f"unix:{path}",
            "socket_mode": "0666", "user": "nobody", "authserv_id": AUTHSERV_ID,
            "dns": {"servers": [ground.DNS_ADDRESS]}}, self.changes)))
        return [([str(self.build / "truefromd"), "-f", "-c", conf],
                 "inet:8893@127.0.0.1" if self.inet else path)]

    def has_key(self, key):
        """Is there such a configuration key?"""
        program = str(self.build / "truefrom")
        done = subprocess.run([program, "config", "--defaults"], capture_output=True, text=True,
                              check=True)
        section, _, name = key.partition(".")
        inside = re.search(rf"(?ms)^{section} \{{(.*?)^\}}", done.stdout)
        return inside is not None and re.search(rf"\b{name} *=", inside.group(1)) is not None


class Empty(Filter):
    """A libmilter filter that does nothing: what no filter can do without."""

    name = "empty"

    def __init__(self, build, name=None, inet=False):
        super().__init__(build)
        self.name = name or self.name
        self.inet = inet

    def version(self):
        return "libmilter 1.0.1"

    def commands(self):
        path = "inet:8894@127.0.0.1" if self.inet else str(self.data / "s")
        program = str(self.build / "tests" / "bench" / "empty_filter")
        return [([program, path if self.inet else f"unix:{path}"], path)]


class OpenPair(Filter):
    """opendkim, and opendmarc behind it, which checks SPF itself."""

    name = "opendkim + opendmarc"

    def available(self):
        return bool(shutil.which("opendkim") and shutil.which("opendmarc"))

    def version(self):
        return f"{said('opendkim', '-V')}, {said('opendmarc', '-V')}"

    def commands(self):
        dkim, dmarc = str(self.data / "dkim"), str(self.data / "dmarc")
        # Debian: Syslog yes. Off here, as nothing would take what they write. Its TrustAnchorFile
        # is left out: our zone is not signed, and validation would cost more questions.
        # libunbound keeps answers; with QueryCache yes besides, nothing changes.
        first = self.write("opendkim.conf", f"""\
Mode                v
AuthservID          {AUTHSERV_ID}
AlwaysAddARHeader   yes
Nameservers         {ground.DNS_ADDRESS}
Socket              local:{dkim}
UMask               000
UserID              opendkim
Background          no
Syslog              no
""")
        # Debian: SPFSelfValidate false, RejectFailures false, Syslog true.
        second = self.write("opendmarc.conf", f"""\
AuthservID              {AUTHSERV_ID}
TrustedAuthservIDs      {AUTHSERV_ID}
SPFSelfValidate         true
SPFIgnoreResults        true
RejectFailures          true
HoldQuarantinedMessages true
PublicSuffixList        {self.suffixes()}
Socket                  local:{dmarc}
UMask                   0000
UserID                  opendmarc
Background              false
Syslog                  false
""")
        return [(["opendkim", "-f", "-x", first], dkim),
                (["opendmarc", "-f", "-c", second], dmarc)]


class Rspamd(Filter):
    """rspamd with spf, dkim, arc, dmarc and milter_headers alone, no Redis, its own milter side."""

    name = "rspamd"
    modules = ("spf", "dkim", "arc", "dmarc", "milter_headers")

    def available(self):
        return bool(shutil.which("rspamd"))

    def version(self):
        return said("rspamd", "--version")

    def commands(self):
        path = str(self.data / "s")
        lua = self.write("rspamd.lua", "-- no rules: only modules\n")
        plugins = "\n".join(f'  path = "${{PLUGINSDIR}}/{name}.lua";' for name in self.modules
                            if name != "dkim")
        sections = "\n".join(f'.include "$CONFDIR/modules.d/{name}.conf"' for name in self.modules
                             if name not in ("dmarc", "milter_headers"))
        options = self.write("options.inc", f"""\
filters = "dkim";
explicit_modules = [];
url_tld = "{self.suffixes()}";
control_socket = "{self.data}/control mode=0600";
dns {{ nameserver = ["{ground.DNS_ADDRESS}:53:1"]; timeout = 5s; retransmits = 1; }}
""")
        # Debian: one worker of each of four kinds. Here as many proxies as there are cores, which
        # scan themselves, so that nothing is handed on.
        conf = self.write("rspamd.conf", f"""\
options {{
  pidfile = "{self.data}/rspamd.pid";
  .include "$CONFDIR/options.inc"
  .include(priority=10) "{options}"
}}
logging {{
  type = "file";
  filename = "{self.data}/rspamd.log";
  .include "$CONFDIR/logging.inc"
}}
worker "rspamd_proxy" {{
  bind_socket = "{path} mode=0666";
  milter = yes;
  timeout = 120s;
  count = {os.cpu_count()};
  quarantine_on_reject = false;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
lua = "{lua}";
group "policies" {{
  .include "$CONFDIR/scores.d/policies_group.conf"
}}
actions {{ reject = 1000; quarantine = 900; greylist = null; }}
modules {{
{plugins}
}}
{sections}
dmarc {{ actions = {{ reject = "reject"; quarantine = "quarantine"; }} }}
milter_headers {{
  use = ["authentication-results"];
  routines {{ authentication-results {{ add_smtp_user = false; }} }}
}}
""")
        return [(["rspamd", "-f", "-u", "_rspamd", "-g", "_rspamd", "-c", conf,
                  f"--var=DBDIR={self.data}", f"--var=RUNDIR={self.data}",
                  f"--var=LOGDIR={self.data}"], path)]
