"""A Postfix of the test's own: instance directory, ports, queue; delivery to the LMTP sink."""

import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess

import wait
from lmtp_sink import LmtpSink
from sasl_server import SaslServer

HOSTNAME = "mx.example.org"

MAIN_CF = """\
compatibility_level = 3.6
config_directory = {dir}/etc
queue_directory = {dir}/spool
data_directory = {dir}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {dir}
maillog_file = {dir}/log/postfix.log
myhostname = {hostname}
mydestination =
inet_interfaces = loopback-only
inet_protocols = {protocols}
mynetworks = 127.0.0.0/8 [::1]/128
local_header_rewrite_clients =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:{dir}/lmtp
lmtp_line_length_limit = 0
lmtp_destination_concurrency_limit = 20
lmtp_destination_recipient_limit = 1
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.0/8 [::1]/128
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions =
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_sasl_type = dovecot
smtpd_sasl_path = {dir}/sasl
smtputf8_enable = yes
strict_smtputf8 = no
message_size_limit = 52428800
in_flow_delay = 0
milter_default_action = tempfail
milter_protocol = 6
smtpd_milters =
"""

# service, type, private, unpriv, chroot, wakeup, maxproc, command
MASTER_CF = """\
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
"""

SMTPD = "{address} inet n - n - 120 smtpd\n"


def free_port(address="127.0.0.1"):
    """A TCP port that nobody has now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock:
        sock.bind((address, 0))
        return sock.getsockname()[1]


def has_ipv6():
    """Can we listen on ::1?"""
    try:
        free_port("::1")
    except OSError:
        return False
    return True


class Postfix:
    """The instance; one smtpd port for each way to the milter.

    ports: "plain" has no milter; "inet", "inet6" and "unix" reach one at `milters[...]`; "auth"
    is "inet" with SMTP AUTH; "accept" is "inet" with milter_default_action=accept.
    """

    def __init__(self, directory, sink=LmtpSink):
        self.dir = directory
        self.etc = os.path.join(directory, "etc")
        self.milter_dir = os.path.join(directory, "milter")
        self._log = os.path.join(directory, "log", "postfix.log")
        self._process = None
        for name in ("etc", "spool", "data", "log", "milter"):
            os.mkdir(os.path.join(directory, name), 0o755)
        shutil.chown(os.path.join(directory, "data"), "postfix", "postfix")
        self.milters = {
            "inet": ("127.0.0.1", free_port()),
            "unix": os.path.join(self.milter_dir, "truefrom.sock"),
        }
        if has_ipv6():
            self.milters["inet6"] = ("::1", free_port("::1"))
        self.ports = {name: free_port() for name in [*self.milters, "plain", "auth", "accept"]}
        self._write_configuration()
        self.sink = sink(os.path.join(directory, "lmtp"))
        os.chmod(os.path.join(directory, "lmtp"), 0o666)
        self._sasl = SaslServer(os.path.join(directory, "sasl"))

    def milter_group(self):
        """The group that smtpd reaches a UNIX socket by."""
        return grp.getgrgid(pwd.getpwnam("postfix").pw_gid).gr_name

    def start(self):
        """Start the master in the foreground, and wait until the ports answer."""
        self._run("postfix", "-c", self.etc, "check")
        self._process = subprocess.Popen(
            ["postfix", "-c", self.etc, "start-fg"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        for port in self.ports.values():
            wait.until(lambda port=port: self._answers(port), "Postfix started", 30)

    def stop(self):
        """End every process of the instance."""
        if self._process is not None:
            subprocess.run(["postfix", "-c", self.etc, "stop"], capture_output=True, check=False)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self.sink.stop()
        self._sasl.stop()

    def restart(self):
        """End its processes at once, whatever they do, and start them again."""
        self._run("postfix", "-c", self.etc, "abort")
        self._process.wait(15)
        self.start()

    def queue(self):
        """What is in the queue now: one object a message."""
        listing = self._run("postqueue", "-c", self.etc, "-j")
        return [json.loads(line) for line in listing.splitlines()]

    def held(self, queue_id):
        """A message of the hold queue as it would be delivered, with CRLF; None when not there."""
        if not any(m["queue_id"] == queue_id and m["queue_name"] == "hold" for m in self.queue()):
            return None
        content = subprocess.run(["postcat", "-c", self.etc, "-qbh", queue_id],
                                 capture_output=True, check=True).stdout
        return content.replace(b"\n", b"\r\n")

    def log(self, queue_id=None):
        """The lines of Postfix's log, of one message where asked for."""
        with open(self._log, encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in file if queue_id is None or queue_id in line]

    def empty(self):
        """Delete what is in the queue, and what was delivered."""
        self._run("postsuper", "-c", self.etc, "-d", "ALL")
        self.sink.clear()

    def _write_configuration(self):
        protocols = "all" if "inet6" in self.milters else "ipv4"
        with open(os.path.join(self.etc, "main.cf"), "w", encoding="ascii") as file:
            file.write(MAIN_CF.format(dir=self.dir, hostname=HOSTNAME, protocols=protocols))
        options = {
            "plain": {},
            "inet": {"smtpd_milters": self._milter("inet")},
            "inet6": {"smtpd_milters": self._milter("inet6")},
            "unix": {"smtpd_milters": self._milter("unix")},
            "auth": {"smtpd_milters": self._milter("inet"), "smtpd_sasl_auth_enable": "yes"},
            "accept": {"smtpd_milters": self._milter("inet"), "milter_default_action": "accept"},
        }
        with open(os.path.join(self.etc, "master.cf"), "w", encoding="ascii") as file:
            file.write(MASTER_CF)
            for name, port in self.ports.items():
                file.write(SMTPD.format(address=f"127.0.0.1:{port}"))
                for key, value in options[name].items():
                    file.write(f"  -o {key}={value}\n")

    def _milter(self, name):
        address = self.milters.get(name)
        if isinstance(address, tuple):
            host = f"[{address[0]}]" if ":" in address[0] else address[0]
            return f"inet:{host}:{address[1]}"
        return f"unix:{address}"

    def _run(self, *command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{' '.join(command)}: {result.stderr}"
        return result.stdout

    def _answers(self, port):
        assert self._process.poll() is None, f"Postfix ended: {self.log()[-5:]}"
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                return sock.recv(512).startswith(b"220 ")
        except OSError:
            return False
