#!/usr/bin/python3
"""Make a folder of messages with the verdicts that they deserve, and the zone they refer to.

    tests/bench/corpus.py --out DIR [--seed N] [--messages N] [--kind KIND]

KIND is mixed (what a mail server sees: the kinds below, 2 KB to 5 MB, 15 KB on average),
fresh (the same, but no two messages share a domain), size:BYTES (one signature),
signatures:N (2 KB), domains (2 KB, one signature, each message of a domain of its own), or each
(every kind below in turn).

The same arguments give the same octets: keys and signatures come from the signer of
tests/differential. A verdict follows from how a message was made, never from an evaluation.

index   a line a message, with TABs between: file, client, HELO name, envelope sender, recipient,
        spf, dkim (one a signature, from the top), arc (none: no field of it), dmarc, action
kinds   a line a message: file, TAB, kind
zone    a master file
NNNN.eml
"""

import argparse
import dataclasses
import json
import pathlib
import random
import statistics
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "differential"))

from chain import Chain  # noqa: E402
from signer import RELAXED, SIMPLE, Letter, tags_for  # noqa: E402
from world import NOWHERE, World  # noqa: E402

SIGNED = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
RECIPIENT = "user@example.org"
SMALLEST, MEAN, LARGEST = 2000, 15000, 5_000_000
SPREAD = 1.2  # sigma of the logarithm of sizes
CANONS = [(RELAXED, RELAXED)] * 7 + [(RELAXED, SIMPLE)] * 2 + [(SIMPLE, SIMPLE)]
REPORTED = 20  # signatures that Authentication-Results names


@dataclasses.dataclass
class Mail:
    """A message, how it comes, and what is true of it."""

    letter: Letter
    client: str
    helo: str
    sender: str
    spf: str = "pass"
    dkim: list = dataclasses.field(default_factory=list)  # from the top
    arc: str = "none"
    dmarc: str = "pass"
    action: str = "accept"
    rsa: int = 0
    ed25519: int = 0


class Text:
    """Bodies of any size, cut from one long text."""

    WORDS = ("the a of and to in for is on that by this with you it not or be are from at as your "
             "all have new more an was we will home can us about if page my has search free but "
             "our one other information time they site up may what which their news out use any "
             "there see only so his when contact here business who web also now help get view "
             "online first am been would how were services some these click its like service than "
             "price date back top people had list name just over state year day into email two "
             "health world next used go work last most products music buy data make them should "
             "product system post her city add policy number such please available copyright "
             "support message after best software then good video well where info rights public "
             "books high school through each links she review years order very privacy book items "
             "company read group need many user said does set under general research").split()

    def __init__(self, rng):
        self._rng = rng
        self._prose = self._lines(1 << 17, self._prose_line)
        self._base64 = self._lines(1 << 17, self._base64_line)

    def body(self, size):
        """A body of about so many octets: prose, and of a large one most an attachment."""
        if size < 40000:
            return self._cut(self._prose, size)
        return (b"--=_part\r\nContent-Type: text/plain\r\n\r\n" + self._cut(self._prose, 4000)
                + b"--=_part\r\nContent-Type: application/octet-stream\r\n"
                b"Content-Transfer-Encoding: base64\r\n\r\n"
                + self._cut(self._base64, size - 4200) + b"--=_part--\r\n")

    def _cut(self, lines, size):
        start, cut = self._rng.randrange(len(lines)), []
        while size > 0:
            cut.append(lines[start])
            size -= len(lines[start])
            start = (start + 1) % len(lines)
        return b"".join(cut)

    @staticmethod
    def _lines(size, make):
        lines = []
        while size > 0:
            lines.append(make())
            size -= len(lines[-1])
        return lines

    def _prose_line(self):
        words = self._rng.choices(self.WORDS, k=self._rng.randrange(9, 14))
        return " ".join(words).encode() + b"\r\n"

    def _base64_line(self):
        alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        return bytes(self._rng.choices(alphabet, k=76)) + b"\r\n"


class Maker:
    """One method for each kind of message."""

    def __init__(self, rng, world):
        self.rng, self.world = rng, world
        self.text = Text(rng)
        self.number = 0
        self.size = SMALLEST

    def letter(self, author, signatures=1):
        """A message of about the size that is due, less what its signatures will add."""
        self.number += 1
        large = self.size >= 40000
        domain = author.partition("@")[2]
        fields = [
            f"Received: from inside.{domain} (inside [10.0.0.{self.number % 250}])\r\n\tby "
            f"out{self.number % 9}.{domain} (Postfix) with ESMTPS id 4B{self.number:08X}\r\n\tfor "
            f"<{RECIPIENT}>; Mon,  1 Jun 2026 12:00:00 +0000 (UTC)",
            "Date: Mon, 1 Jun 2026 12:00:00 +0000",
            f"From: =?utf-8?q?Some_Sender?= <{author}>",
            f"To: Some User <{RECIPIENT}>",
            f"Message-ID: <{self.number:06d}.{self.rng.getrandbits(64):016x}@{domain}>",
            f"Subject: Your message number {self.number} of this month,\r\n and what it is about",
            "MIME-Version: 1.0",
            'Content-Type: multipart/mixed; boundary="=_part"' if large
            else "Content-Type: text/plain; charset=us-ascii",
            "Content-Transfer-Encoding: 7bit",
            f"List-Unsubscribe: <https://{domain}/unsubscribe/{self.number:x}>,"
            f"\r\n <mailto:unsubscribe@{domain}>",
            "X-Mailer: bench 1.0",
            "Auto-Submitted: auto-generated",
        ]
        header = sum(len(field) + 2 for field in fields) + 2
        return Letter(fields, self.text.body(max(100, self.size - header - 620 * signatures)))

    def signed(self, mail, domain, key, result="pass", change=None, canon=None, selector=None):
        """With a signature on top; change: what is done to its tags before."""
        canon = canon or self.rng.choice(CANONS)
        selector = selector or key.type[0]
        tags = tags_for(key, domain, selector, canon, SIGNED)
        mail.letter = mail.letter.signed(key, tags if change is None else change(tags), canon,
                                         SIGNED)
        mail.dkim.insert(0, result)
        if key.type == "rsa":
            mail.rsa += 1
        else:
            mail.ed25519 += 1
        return mail

    def plain(self, site, author=None, envelope=None, signatures=1):
        """An unsigned message from a domain's own server."""
        return Mail(self.letter(author or f"sender@{site.name}", signatures), site.ip, site.host,
                    f"bounce@{site.name}" if envelope is None else envelope)

    def direct(self):
        """The common case: one aligned signature, SPF aligned."""
        site = self.world.site()
        return self.signed(self.plain(site), site.name, site.rsa)

    def dual(self):
        """Two signatures of one domain: RSA, and Ed25519 above it."""
        site = self.world.site()
        mail = self.signed(self.plain(site, signatures=2), site.name, site.rsa)
        return self.signed(mail, site.name, site.ed25519)

    def via_service(self):
        """A mailing service: envelope and the upper signature are its own."""
        site, service = self.world.site(), self.world.site("esp")
        mail = self.plain(service, f"news@{site.name}", f"b-{self.number}@{service.name}", 2)
        mail = self.signed(mail, site.name, site.rsa)
        return self.signed(mail, service.name, service.rsa)

    def three(self):
        """The same with an Ed25519 signature of the author in the middle."""
        site, service = self.world.site(), self.world.site("esp")
        mail = self.plain(service, f"news@{site.name}", f"b-{self.number}@{service.name}", 3)
        mail = self.signed(mail, site.name, site.rsa)
        mail = self.signed(mail, site.name, site.ed25519)
        return self.signed(mail, service.name, service.rsa)

    def service_alone(self):
        """A mailing service that signs for itself only: nothing is aligned."""
        site, service = self.world.site(), self.world.site("esp")
        mail = self.plain(service, f"news@{site.name}", f"b-{self.number}@{service.name}")
        return failing(self.signed(mail, service.name, service.rsa), site.policy)

    def subdomain(self):
        """The author is below the domain that has the record, which signs."""
        site = self.world.site()
        self.world.add(f"news.{site.name}", "A", site.ip)
        mail = self.plain(site, f"weekly@news.{site.name}")
        return self.signed(mail, site.name, site.rsa)

    def unsigned(self):
        """SPF alone."""
        return self.plain(self.world.site(), signatures=0)

    def bounce(self):
        """The null sender: SPF looks at HELO."""
        site = self.world.site()
        return self.signed(self.plain(site, f"MAILER-DAEMON@{site.name}", ""), site.name, site.rsa)

    def nothing(self):
        """A domain that publishes an address and no more."""
        number = self.number if self.world.fresh else self.rng.randrange(20)
        name, host = f"small{number}.example", f"host.small{number}.example"
        for each in (name, host):
            self.world.add(each, "A", NOWHERE)
        return Mail(self.letter(f"joe@{name}", 0), NOWHERE, host, f"joe@{name}", spf="none",
                    dmarc="none")

    def no_policy(self):
        """SPF and DKIM, but no DMARC record."""
        site = self.world.site("free", policy=None)
        mail = self.signed(self.plain(site), site.name, site.rsa)
        mail.dmarc = "none"
        return mail

    def listed(self):
        """A mailing list: a footer breaks the author's signature, the list signs and seals."""
        site, host = self.world.site(), self.world.site("list")
        mail = self.plain(host, f"member@{site.name}", f"list-bounces@{host.name}", 4)
        mail = self.signed(mail, site.name, site.rsa, "fail")
        mail.letter = mail.letter.with_body(lambda body: body + b"-- \r\nlist mailing list\r\n")
        mail = self.signed(mail, host.name, host.rsa)
        self.seal(mail, [host] + [self.world.site("list") for _ in range(self.rng.randrange(2))])
        return failing(mail, site.policy)

    def forwarded(self):
        """A forwarder that changes nothing but the envelope, and seals."""
        site, host = self.world.site(), self.world.site("relay")
        mail = self.plain(host, f"sender@{site.name}",
                          f"SRS0=aaaa=bb={site.name}=bounce@{host.name}", 3)
        mail = self.signed(mail, site.name, site.rsa)
        return self.seal(mail, [host])

    def sealed_thrice(self):
        """Three relays in a row."""
        site, host = self.world.site(), self.world.site("relay")
        mail = self.plain(host, f"sender@{site.name}", f"fwd@{host.name}", 5)
        mail = self.signed(mail, site.name, site.rsa)
        return self.seal(mail, [self.world.site("relay"), self.world.site("list"), host])

    def seal_broken(self):
        """Something changed the body after the last seal."""
        mail = self.forwarded()
        mail.letter = mail.letter.with_body(lambda body: body + b"one more line\r\n")
        mail.dkim, mail.arc = ["fail"], "fail"
        author = mail.letter.fields[mail.letter.index("From")].decode()
        return failing(mail, self.policy_of(author.partition("@")[2].rstrip(">")))

    def policy_of(self, name):
        """p= of a domain."""
        record = self.world.records[f"_dmarc.{name}", "TXT"][0]
        return record.partition("; p=")[2].partition(";")[0]

    def seal(self, mail, sealers):
        """One set of each, in that order."""
        chain = Chain(mail.letter)
        for sealer in sealers:
            chain.key, chain.domain, chain.selector = sealer.rsa, sealer.name, "r"
            chain = chain.seal(names=SIGNED + ["DKIM-Signature"])
        mail.letter, mail.arc = chain.message, "pass"
        return mail

    def forged(self):
        """Another's name in From; everything else is the forger's own, and in order."""
        site, forger = self.world.site(), self.world.site("evil")
        mail = self.plain(forger, f"service@{site.name}", f"x@{forger.name}")
        return failing(self.signed(mail, forger.name, forger.rsa), site.policy)

    def forged_envelope(self):
        """Another's name in From and in the envelope."""
        site = self.world.site()
        mail = Mail(self.letter(f"service@{site.name}", 0), NOWHERE, site.host,
                    f"service@{site.name}", spf="softfail" if self.world.soft(site) else "fail")
        return failing(mail, site.policy)

    def no_such_subdomain(self):
        """A name that does not exist below a domain with np=reject."""
        site = self.world.site("strict", tags=" sp=none; np=reject;", policy="none")
        forger = self.world.site("evil")
        mail = self.plain(forger, f"pay@no-{self.number}.{site.name}", f"x@{forger.name}")
        return failing(self.signed(mail, forger.name, forger.rsa), "reject")

    def other_subdomain(self):
        """A name that exists below a domain with sp=quarantine."""
        site = self.world.site("shop", tags=" sp=quarantine; np=reject;", policy="reject")
        self.world.add(f"www.{site.name}", "A", site.ip)
        forger = self.world.site("evil")
        mail = self.plain(forger, f"pay@www.{site.name}", f"x@{forger.name}")
        return failing(self.signed(mail, forger.name, forger.rsa), "quarantine")

    def strict_alignment(self):
        """Below a domain with adkim=s and aspf=s, which signed and sent it."""
        site = self.world.site("exact", tags=" adkim=s; aspf=s;", policy="reject")
        self.world.add(f"news.{site.name}", "A", site.ip)
        mail = self.plain(site, f"weekly@news.{site.name}")
        return failing(self.signed(mail, site.name, site.rsa), "reject")

    def testing(self):
        """A policy in test: one level less."""
        site = self.world.site("try", tags=" t=y;", policy="reject")
        forger = self.world.site("evil")
        mail = self.plain(forger, f"pay@{site.name}", f"x@{forger.name}")
        return failing(self.signed(mail, forger.name, forger.rsa), "quarantine")

    def body_changed(self):
        """The signature does not fit the body; SPF saves it."""
        site = self.world.site()
        mail = self.signed(self.plain(site), site.name, site.rsa, "fail")
        mail.letter = mail.letter.with_body(lambda body: body + b"scanned by a virus scanner\r\n")
        return mail

    def header_changed(self):
        """The signature does not fit the Subject."""
        site = self.world.site()
        mail = self.signed(self.plain(site), site.name, site.rsa, "fail")
        mail.letter = mail.letter.replaced("Subject", b"Subject: [marked] something else")
        return mail

    def expired(self):
        """The signature was good until 2023."""
        site = self.world.site()
        return self.signed(self.plain(site), site.name, site.rsa, "fail",
                           lambda tags: tags.having("t", "1700000000").having("x", "1700600000"))

    def unknown_key(self):
        """There is no key under the selector."""
        site = self.world.site()
        return self.signed(self.plain(site), site.name, site.rsa, "permerror", selector="gone")

    def revoked_key(self):
        """The key's record is empty."""
        site = self.world.site()
        self.world.add(f"old._domainkey.{site.name}", "TXT", "v=DKIM1; k=rsa; p=")
        return self.signed(self.plain(site), site.name, site.rsa, "permerror", selector="old")

    def two_authors(self):
        """Two From fields; the lower one is signed."""
        site, forger = self.world.site(), self.world.site("evil")
        mail = self.signed(self.plain(forger), forger.name, forger.rsa)
        mail.letter = mail.letter.added(f"From: service@{site.name}", at=1)
        mail.dmarc, mail.action = "permerror", "reject"
        return mail

    def spf_too_long(self):
        """SPF needs more than ten look-ups; the signature is good."""
        site = self.world.site("big", policy="reject")
        names = [f"_s{n}.{site.name}" for n in range(11)]
        self.world.add(site.name, "TXT", "v=spf1 " + " ".join(f"include:{n}" for n in names)
                       + " -all")
        for name in names:
            self.world.add(name, "TXT", "v=spf1 ip4:203.0.113.0/28 -all")
        mail = self.signed(self.plain(site), site.name, site.rsa)
        mail.spf = "permerror"
        return mail

    def over_ipv6(self):
        """The client has an IPv6 address."""
        site = self.world.site("six", policy="reject")
        self.world.add(site.name, "TXT", "v=spf1 ip4:203.0.113.0/28 ip6:2001:db8::/32 -all")
        self.world.add(site.host, "AAAA", f"2001:db8::{site.number + 1:x}")
        mail = self.signed(self.plain(site), site.name, site.rsa)
        mail.client = f"2001:db8::{site.number + 1:x}"
        return mail


def failing(mail, policy):
    """DMARC fails, and the policy applies."""
    mail.dmarc = "fail"
    mail.action = "accept" if policy == "none" else policy
    return mail


# How many of a thousand messages are of each kind: 1.1 RSA and 0.26 Ed25519 signatures a message.
MIX = {
    Maker.direct: 232, Maker.dual: 225, Maker.via_service: 130, Maker.three: 35,
    Maker.service_alone: 15, Maker.subdomain: 50, Maker.unsigned: 48, Maker.bounce: 35,
    Maker.nothing: 35, Maker.no_policy: 20, Maker.listed: 30, Maker.forwarded: 25,
    Maker.sealed_thrice: 5, Maker.seal_broken: 5, Maker.forged: 20, Maker.forged_envelope: 15,
    Maker.no_such_subdomain: 5, Maker.other_subdomain: 5, Maker.strict_alignment: 5,
    Maker.testing: 5, Maker.body_changed: 10, Maker.header_changed: 10, Maker.expired: 5,
    Maker.unknown_key: 5, Maker.revoked_key: 5, Maker.two_authors: 5, Maker.spf_too_long: 5,
    Maker.over_ipv6: 10,
}


def spread(rng, count):
    """A kind for each message: as near to the mix as whole numbers allow."""
    total, due, kinds = sum(MIX.values()), 0.0, []
    for kind, share in sorted(MIX.items(), key=lambda item: -item[1]):
        due += share * count / total
        kinds += [kind] * (round(due) - len(kinds))
    rng.shuffle(kinds)
    return kinds


def sizes(rng, count):
    """A size for each message: log-normal, and one in a thousand as large as may be."""
    largest = min(LARGEST, MEAN * count // 3)
    giants = max(1, count * MEAN // 3 // largest)
    normal = statistics.NormalDist(0, SPREAD)
    places = [normal.inv_cdf((i + 0.5) / (count - giants)) for i in range(count - giants)]

    def at(centre):
        return [min(max(SMALLEST, int(centre * 2.718281828 ** place)), LARGEST)
                for place in places]
    low, high = 1.0, float(LARGEST)
    for _ in range(60):
        centre = (low + high) / 2
        if sum(at(centre)) + giants * largest > MEAN * count:
            high = centre
        else:
            low = centre
    found = at(low) + [largest] * giants
    rng.shuffle(found)
    return found


def mixed(rng, count, name):
    """The world, and (kind, message) of each."""
    world = World(rng, name == "fresh")
    maker = Maker(rng, world)
    kinds = spread(rng, count) if name != "each" else list(MIX) * (count // len(MIX) + 1)
    mails = []
    for kind, size in zip(kinds, sizes(rng, count)):
        maker.size = size
        mails.append((kind.__name__, kind(maker)))
    return world, mails


def uniform(rng, count, kind, amount):
    """Messages that are alike but in what a curve is drawn over."""
    world = World(rng, kind == "domains")
    maker = Maker(rng, world)
    mails = []
    for _ in range(count):
        if kind == "size":
            maker.size = amount
        site = world.site() if kind == "domains" else world.numbered("d", 0)
        signers = [site]
        if kind == "signatures":
            signers = [world.numbered("d", n) for n in range(amount)]
        mail = maker.plain(site, signatures=len(signers) if kind == "size" else 0)
        for signer in reversed(signers):
            mail = maker.signed(mail, signer.name, signer.rsa, canon=(RELAXED, RELAXED))
        mail.dkim = mail.dkim[:REPORTED]
        mails.append((kind, mail))
    return world, mails


def make(kind, count, seed):
    """The world and the messages of a kind."""
    name, _, amount = kind.partition(":")
    rng = random.Random(f"truefrom {kind} {count} {seed}")
    if name in ("mixed", "fresh", "each"):
        return mixed(rng, count, name)
    return uniform(rng, count, name, int(amount or 0))


def write(folder, kind="mixed", count=1000, seed=1):
    """Write the corpus; returns what there is of it in figures."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    world, mails = make(kind, count, seed)
    index, kinds, octets = [], [], 0
    for number, (what, mail) in enumerate(mails):
        name, data = f"{number:04d}.eml", mail.letter.bytes()
        (folder / name).write_bytes(data)
        octets += len(data)
        index.append("\t".join([name, mail.client, mail.helo, mail.sender, RECIPIENT, mail.spf,
                                ",".join(mail.dkim) or "none", mail.arc, mail.dmarc,
                                mail.action]) + "\n")
        kinds.append(f"{name}\t{what}\n")
    (folder / "kinds").write_text("".join(kinds), encoding="ascii")
    (folder / "zone").write_text(world.zone(), encoding="ascii")
    (folder / "index").write_text("".join(index), encoding="ascii")
    return {"kind": kind, "seed": seed, "messages": len(mails), "mean_bytes": octets / len(mails),
            "rsa": sum(mail.rsa for _, mail in mails) / len(mails),
            "ed25519": sum(mail.ed25519 for _, mail in mails) / len(mails)}


def main():
    """Write one and say what it is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--kind", default="mixed")
    options = parser.parse_args()
    kind = options.kind.partition(":")[0]
    if kind not in ("mixed", "fresh", "each", "size", "signatures", "domains"):
        parser.error(f"--kind: there is no {kind}")
    if options.messages < 2:
        parser.error("--messages: two or more")
    print(json.dumps(write(options.out, options.kind, options.messages, options.seed)))


if __name__ == "__main__":
    main()
