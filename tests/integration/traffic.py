"""Clients that keep sending, try again after a 4xx, and can say afterwards what became of each."""

import collections
import re
import smtplib
import threading
import time

import expect
from letter import letter
from mail_exchanger import FIELD, unfold
from smtp_client import SmtpClient

GOOD, BAD = "192.0.2.1", "203.0.113.9"  # the policy of example.com allows the one only
SESSION = 5  # messages


class Traffic:
    """Senders in threads; every other one sends from the wrong address.

    Each message has a number and is sent until it is accepted (250) or refused (550). Use it as a
    context; what lies in it happens under traffic.
    """

    def __init__(self, mx, senders=6, deadline=60, door="inet"):
        self._mx = mx
        self._door = door
        self._deadline = deadline * mx.programs.patience
        self._halt = threading.Event()
        self._lock = threading.Lock()
        self._sent = 0
        self.replies = {}  # number: (address it came from, final reply code; 0 = given up)
        self.retries = collections.Counter()  # why messages had to be sent again
        self._unknown = collections.Counter()  # numbers whose session ended without a reply
        self._threads = [
            threading.Thread(target=self._run, args=(BAD if n % 2 else GOOD,), name="sender",
                             daemon=True) for n in range(senders)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._halt.set()
        for thread in self._threads:
            thread.join(self._deadline + 10)
            assert not thread.is_alive()

    def wait_for(self, count, timeout=60):
        """Wait until so many messages more got their final reply."""
        goal = len(self.replies) + count
        end = time.monotonic() + timeout * self._mx.programs.patience
        while len(self.replies) < goal:
            assert time.monotonic() < end, f"traffic stands at {len(self.replies)}: {self.retries}"
            time.sleep(0.01)

    def account(self, cut=False):
        """Once it is over: no message lost, doubled, unevaluated or judged wrongly. With `cut`
        sessions may have been cut before the reply to a message that was accepted: so often it
        may be there once more."""
        wrong = {number: reply for number, reply in self.replies.items()
                 if reply not in ((GOOD, 250), (BAD, 550))}
        assert not wrong, (wrong, self.retries)
        expected = {number for number, (ip, _) in self.replies.items() if ip == GOOD}
        arrived = self._arrived(expected)
        assert cut or arrived == collections.Counter(expected)
        assert set(arrived) == expected
        assert all(n <= 1 + self._unknown[number] for number, n in arrived.items())
        for delivery in self._mx.postfix.sink.deliveries():
            self._check_field(delivery)

    def account_accepting(self):
        """The same where the MTA accepts what is not evaluated: that has no field of ours."""
        refused = {n for n, reply in self.replies.items() if reply == (BAD, 550)}
        accepted = {n for n, (_, code) in self.replies.items() if code == 250}
        assert refused | accepted == set(self.replies), self.retries
        assert self._arrived(accepted) == collections.Counter(accepted)
        bare = 0
        for delivery in self._mx.postfix.sink.deliveries():
            if b"Authentication-Results:" in delivery.data:
                assert self.replies[_number(delivery)] == (GOOD, 250)
                self._check_field(delivery)
            else:
                bare += 1
        assert 0 < bare < len(accepted) and refused

    def _arrived(self, expected):
        """How often each number was delivered, once all that are expected were."""
        sink = self._mx.postfix.sink
        sink.wait_until(lambda all_: expected <= {_number(d) for d in all_}, 60)
        return collections.Counter(_number(d) for d in sink.deliveries())

    @staticmethod
    def _check_field(delivery):
        assert delivery.data.count(b"Authentication-Results:") == 1
        assert unfold(FIELD.match(delivery.data).group(2)) == expect.field(
            expect.spf("pass", "example.com"), expect.NO_DKIM,
            expect.dmarc("pass", "example.com", "reject"))

    def _run(self, ip):
        session, left = None, 0
        while not self._halt.is_set():
            with self._lock:
                number = self._sent
                self._sent += 1
            message = letter(extra=[f"X-Number: {number}"])
            end = time.monotonic() + self._deadline
            code = 0
            while code not in (250, 550) and time.monotonic() < end:
                if left == 0 or session is None:
                    session, left = self._open(session, ip), SESSION
                code = self._offer(session, message) if session else 0
                if session and code == 0:
                    self._unknown[number] += 1
                left = left - 1 if code in (250, 550) else 0
            self.replies[number] = (ip, code)
        if session is not None:
            session.close()

    def _open(self, old, ip):
        """A new session in place of the old one; None when there is none to be had."""
        if old is not None:
            old.close()
        try:
            return SmtpClient(self._mx.postfix.ports[self._door], ip)
        except (OSError, smtplib.SMTPException) as error:
            self._count(repr(error))
            time.sleep(0.05)
            return None

    def _offer(self, session, message):
        """One attempt; the reply's code, 0 without a reply."""
        try:
            code, text = session.offer(message, "alice@example.com", "user@example.org")
        except (OSError, smtplib.SMTPException) as error:
            code, text = 0, repr(error)
        if code not in (250, 550):
            self._count(f"{code} {text}")
            time.sleep(0.05)
        return code

    def _count(self, why):
        with self._lock:
            self.retries[why] += 1


def _number(delivery):
    return int(re.search(rb"\r\nX-Number: (\d+)", delivery.data).group(1))
