"""What a case is, and what all of them share.

A case is a message with the answer that the RFC gives for it, decided by how the message was made
and never by asking a verifier.
"""

import dataclasses

import keys
from signer import Letter, octets

PASS, FAIL, NEUTRAL, POLICY, PERMERROR, TEMPERROR = (
    "pass", "fail", "neutral", "policy", "permerror", "temperror")
NONE = "none"

KEYS = {  # by selector, all at example.com
    "s1": keys.rsa(1024),
    "ed": keys.ed25519(),
    "two": keys.rsa(1024, primes=2, number=2),  # dkimpy signs with keys of two primes
}
BODY = b"Hello  Bob,\r\n\r\n this is\ta  test. \r\nSecond line\r\n\r\nBye\r\n"


def letter(body=BODY, extra=()):
    """A message with blanks and folds in all the places where they matter."""
    return Letter([
        "Received: from mail.example.net by mx.example.org; Mon, 01 Jun 2026 12:00:00 +0000",
        "From: Alice Example <alice@example.com>",
        "To: bob@example.org,\r\n\tcarol@example.org",
        "Subject: A  test of\tsignatures ",
        "Date: Mon, 01 Jun 2026 12:00:00 +0000",
        "Message-ID: <1.test@example.com>",
        "X-Twice: one",
        "X-Twice: two",
        *extra], body)


@dataclasses.dataclass
class Case:
    """A message, and what is right."""

    name: str  # FAMILY/WHAT
    message: bytes
    section: str
    want: list  # our result for each DKIM-Signature from the top, as RFC 8601 calls it
    rfc: list  # whether it verifies by the RFC alone; None where the RFC leaves it open
    arc: str = None  # the chain; None: not of interest
    oldest_pass: int = None
    arc_rfc: bool = None
    slow_for: list = ()  # verifiers that take minutes and are not asked


class Suite:
    """All cases, and the zone that they need."""

    def __init__(self, now):
        self.now = now
        self.cases = []
        self.zone = {}  # name: list of TXT records, each a tuple of strings
        self.failing = set()  # names that are answered SERVFAIL
        self._names = set()
        for selector, key in KEYS.items():
            self.publish(selector, key.record())

    def publish(self, selector, *records, domain="example.com"):
        """Put key records into the zone."""
        name = f"{selector}._domainkey.{domain}".lower()
        assert name not in self.zone, name
        self.zone[name] = [self._strings(record) for record in records]

    @staticmethod
    def _strings(record):
        if isinstance(record, tuple):
            return tuple(octets(part) for part in record)
        text = octets(record)
        return tuple(text[i:i + 255] for i in range(0, max(len(text), 1), 255))

    def _add(self, name, message, section, **answer):
        assert name not in self._names, name
        self._names.add(name)
        message = message if isinstance(message, bytes) else message.bytes()
        self.cases.append(Case(name, message, section, **answer))

    def add(self, name, message, want, section, rfc=(), slow_for=()):
        """A case of DKIM. want: a result, or one for each signature; rfc: whether it verifies by
        the RFC, where that does not follow from want."""
        want = [want] if isinstance(want, str) else list(want)
        rfc = [rfc] if isinstance(rfc, (bool, type(None))) else list(rfc)
        if not rfc:
            assert POLICY not in want, name
            rfc = [word == PASS for word in want]
        assert len(rfc) == len(want), name
        self._add(name, message, section, want=want, rfc=rfc, slow_for=slow_for)

    def add_arc(self, name, message, want, section, rfc=(), oldest_pass=None, slow_for=()):
        """A case of ARC."""
        rfc = (want == PASS) if rfc == () else rfc
        self._add(name, message, section, want=[], rfc=[], arc=want, oldest_pass=oldest_pass,
                  arc_rfc=rfc, slow_for=slow_for)
