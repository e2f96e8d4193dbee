"""The whole path of a message: client, Postfix, truefromd, DNS, delivery; and what came of it."""

import dataclasses
import re

import authres
import authres.dmarc

import settings as config
import wait
from daemon import Daemon
from postfix import HOSTNAME
from smtp_client import SmtpClient

FIELD = re.compile(rb"(?si)\A(Authentication-Results):(.*?)\r\n(?![ \t])")
RECEIVED_SPF = re.compile(rb"(?s)\AReceived-SPF:(.*?)\r\n(?![ \t])")
RECEIVED = re.compile(rb"(?s)\AReceived: from [^\r]*\r\n\tby mx\.example\.org .*?\r\n(?![ \t])")
MARK = b"X-Truefrom-Quarantine: yes\r\n"
READERS = authres.FeatureContext(authres.core, authres.dmarc)


def unfold(octets):
    """A field's value on one line."""
    return re.sub(r"\s+", " ", octets.decode()).strip()


@dataclasses.dataclass
class Outcome:
    """What became of one message."""

    code: int  # the SMTP reply to it
    text: str
    log: dict  # truefromd's line about it
    data: bytes = None  # as delivered or held
    held: bool = False
    check: dict = None  # what truefrom check says of the same message

    @property
    def delivered(self):
        """Did it reach its recipient?"""
        return self.data is not None and not self.held

    @property
    def field(self):
        """The value of the Authentication-Results field on top, unfolded; None without one."""
        assert self.data is not None, f"not delivered: {self.code} {self.text}"
        found = FIELD.match(self.data)
        return unfold(found.group(2)) if found else None

    @property
    def received_spf(self):
        """The values of the Received-SPF fields right below it, unfolded."""
        data, found = FIELD.sub(b"", self.data, count=1), []
        while field := RECEIVED_SPF.match(data):
            found.append(unfold(field.group(1)))
            data = data[field.end():]
        return found

    @property
    def marked(self):
        """Does it bear the mark of on_quarantine = "header"?"""
        return MARK in self.data.partition(b"\r\n\r\n")[0] + b"\r\n"

    @property
    def rest(self):
        """The message without what truefrom and Postfix put on it."""
        data = FIELD.sub(b"", self.data, count=1) if self.field else self.data
        for _ in self.received_spf:
            data = RECEIVED_SPF.sub(b"", data, count=1)
        data = data[len(MARK):] if data.startswith(MARK) else data
        data, count = RECEIVED.subn(b"", data, 1)
        assert count == 1, data[:400]
        return data


class MailExchanger:
    """Postfix, truefromd and DNS of one test."""

    def __init__(self, programs, postfix, dns, directory, user="nobody"):
        self.programs = programs
        self.postfix = postfix
        self.dns = dns
        self.user = user
        self._directory = directory
        self.environment = {}  # of truefromd, beside ours
        self.daemon = None

    def settings(self, door="inet", **changes):
        """The configuration that a test starts from: our socket, our DNS server, our name."""
        socket = {
            "inet": lambda address: "inet:{1}@{0}".format(*address),
            "inet6": lambda address: "inet6:{1}@[{0}]".format(*address),
            "unix": lambda address: f"unix:{address}",
        }[door](self.postfix.milters[door])
        base = {
            "socket": socket,
            "user": self.user,
            "authserv_id": HOSTNAME,
            "dns": {"servers": [self.dns.server], "timeout": 2},
        }
        if door == "unix":
            base["socket_group"] = self.postfix.milter_group()
        return config.merge(base, changes)

    def start(self, zone, door="inet", **changes):
        """Load the zone and start truefromd with the usual settings and these changes."""
        self.dns.load(zone)
        self.daemon = Daemon(self.programs, self._directory, self.settings(door, **changes),
                             self.environment)
        self.daemon.start()
        return self.daemon

    def close(self):
        """End truefromd and empty Postfix."""
        try:
            if self.daemon is not None:
                self.daemon.close()
        finally:
            self.postfix.empty()

    def milter(self, door="inet"):
        """Where truefromd listens, for a client of ours."""
        return self.postfix.milters[door]

    def client(self, ip="192.0.2.1", helo="mail.example.com", door="inet"):
        """An SMTP session."""
        return SmtpClient(self.postfix.ports[door], ip, helo)

    def send(self, message, ip="192.0.2.1", helo="mail.example.com", sender="alice@example.com",
             recipient="user@example.org", door="inet", options=(), removed=(), check=True,
             auth=None):
        """Send one message, follow it to its end, and check what must hold for any message.

        removed: octets of the message that must not arrive; all others must.
        check: whether truefrom check is asked too, and must say the same.
        """
        with self.client(ip, helo, door) as client:
            if auth:
                client.login(*auth)
            outcome = self.follow(client, message, sender, recipient, options)
        if outcome.data is not None:
            self._check_content(outcome, message, removed)
        if check:
            self._compare(outcome, message, ip, helo, sender, recipient, auth)
        return outcome

    def follow(self, client, message, sender, recipient="user@example.org", options=()):
        """Send one message on an open session, and gather what became of it."""
        before = len(self.daemon.message_lines())
        code, text = client.offer(message, sender, recipient, options)
        wait.until(lambda: len(self.daemon.message_lines()) > before,
                   f"a log line about a message that got {code} {text}",
                   10 * self.programs.patience)
        lines = self.daemon.message_lines()[before:]
        assert len(lines) == 1, lines
        outcome = Outcome(code, text, lines[0])
        queue_id = lines[0]["id"]
        if code == 250:
            assert text.endswith(f"queued as {queue_id}"), (text, lines)
            self._arrive(outcome, queue_id)
        else:
            wait.until(lambda: any("milter-reject: END-OF-MESSAGE" in line
                                   for line in self.postfix.log(queue_id)),
                       f"Postfix's line about {code} {text} ({lines})",
                       10 * self.programs.patience)
        return outcome

    def _arrive(self, outcome, queue_id):
        """Wait until the message is delivered or held."""
        def arrived():
            outcome.data = next((d.data for d in self.postfix.sink.deliveries()
                                 if d.queue_id == queue_id), None)
            if outcome.data is None:
                outcome.data = self.postfix.held(queue_id)
                outcome.held = outcome.data is not None
            return outcome.data is not None

        wait.until(arrived, "delivery", 30)

    @staticmethod
    def _check_content(outcome, message, removed):
        expected = message
        for octets in removed:
            assert expected.count(octets) == 1, octets
            expected = expected.replace(octets, b"")
        assert outcome.rest == expected
        field = FIELD.match(outcome.data)
        if field is not None:
            assert field.group(1) == b"Authentication-Results"
            assert max(map(len, field.group(0).split(b"\r\n"))) <= 998
            assert b"\r\n\r\n" not in field.group(0)
            READERS.parse("Authentication-Results: " + unfold(field.group(2)))

    def _compare(self, outcome, message, ip, helo, sender, recipient, auth):
        """truefrom check must say of the message what truefromd said."""
        options = ["--ip", ip, "--helo", helo, "--mail-from", sender, "--rcpt", recipient]
        if auth:
            options += ["--auth", auth[0]]
        said = self.programs.check(self.daemon.conf, message, *options)
        outcome.check = said
        if outcome.data is not None:
            theirs = said["authentication_results"]
            assert theirs == outcome.field, f"check: {theirs}; daemon: {outcome.field}"
            assert (said["received_spf"] or []) == outcome.received_spf
        assert said["action"] == outcome.log["action"]
        assert said["rule"] == outcome.log["rule"]
        if outcome.code >= 400:
            assert said["reply"] == f"{outcome.code} {outcome.text}"
        else:
            assert said["reply"] is None
