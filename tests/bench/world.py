"""The domains of the benchmark's corpus: addresses, SPF, DMARC, keys, and all of it as a zone.

What a domain publishes follows from its number alone. A world is either small and settled (a few
hundred domains, some of them much more often seen than others, as in a mail server's day) or fresh
(no name is used for two messages, so that no cache can help).
"""

import dataclasses
import functools

import keys

POOL = 48  # pairs of keys; a domain has its own record of one of them
SITES = 100
PRIMES = 16  # short ones, found and used fast; see keys.py
TTL = 86400
POLICIES = ("reject", "reject", "quarantine", "none", "none")
LAYOUTS = ("ip4", "include", "a mx", "redirect", "ip4")
NOWHERE = "192.0.2.66"  # no domain's SPF record has it


@functools.lru_cache(maxsize=None)
def rsa(number):
    """One of the pool; every eighth is short."""
    number %= POOL
    return keys.rsa(1024 if number % 8 == 7 else 2048, number=number, primes=PRIMES)


def ed25519(number):
    """One of the pool."""
    return keys.ed25519(number % POOL)


@dataclasses.dataclass(frozen=True)
class Site:
    """A domain that sends mail."""

    name: str
    number: int
    ip: str
    policy: str = None  # p= of its DMARC record; None: there is no record

    @property
    def rsa(self):
        """Its RSA key, of selector r."""
        return rsa(self.number)

    @property
    def ed25519(self):
        """Its Ed25519 key, of selector e."""
        return ed25519(self.number)

    @property
    def host(self):
        """The name its server says in HELO."""
        return f"mail.{self.name}"


class World:
    """The domains in use so far, and their records."""

    def __init__(self, rng, fresh=False, sites=SITES):
        self.rng, self.fresh, self.sites = rng, fresh, sites
        self.records = {}  # (name, type): [data]
        self._made, self._used = {}, 0

    def add(self, name, kind, *data):
        """Publish records."""
        self.records[name, kind] = list(data)

    def site(self, role="d", tags="", policy=""):
        """A domain of a role. Of the role d there are many, some seen much more often than others.
        tags: what its DMARC record has beside p; policy: p=, None for no record at all."""
        if self.fresh:
            number, self._used = self._used, self._used + 1
        elif role == "d":
            number = min(int(self.sites ** self.rng.random() - 1 + self.rng.random()),
                         self.sites - 1)
        else:
            number = self.rng.randrange(4)
        return self.numbered(role, number, tags, policy)

    def numbered(self, role, number, tags="", policy=""):
        """The domain of that number."""
        if (role, number) not in self._made:
            if policy == "":
                policy = POLICIES[number % len(POLICIES)]
            site = Site(f"{role}{number}.example", number, _address(role, number), policy)
            self._made[role, number] = site
            self._publish(site, tags)
        return self._made[role, number]

    def zone(self):
        """Everything as a master file."""
        lines = []
        for (name, kind), data in self.records.items():
            for item in data:
                if kind == "TXT":
                    item = " ".join(f'"{item[i:i + 250]}"' for i in range(0, len(item), 250))
                lines.append(f"{name}. {TTL} IN {kind} {item}\n")
        return "".join(lines)

    def _publish(self, site, tags):
        name, ip = site.name, site.ip
        layout = LAYOUTS[site.number % len(LAYOUTS)]
        self.add(name, "A", "203.0.113.250")
        self.add(name, "MX", f"10 {site.host}.")
        self.add(site.host, "A", ip)
        self.add(site.host, "TXT", "v=spf1 a -all")
        if layout == "ip4":
            self.add(name, "TXT", f"v=spf1 ip4:203.0.113.0/28 ip4:{ip} -all")
        elif layout == "include":
            self.add(name, "TXT", f"v=spf1 include:_spf.{name} ~all")
            self.add(f"_spf.{name}", "TXT", f"v=spf1 include:_a.{name} include:_b.{name} ~all")
            self.add(f"_a.{name}", "TXT", "v=spf1 ip4:203.0.113.0/28 ip4:203.0.113.64/28 ~all")
            self.add(f"_b.{name}", "TXT", f"v=spf1 ip4:{ip} ~all")
        elif layout == "a mx":
            self.add(name, "TXT", "v=spf1 a mx -all")
        else:
            self.add(name, "TXT", f"v=spf1 redirect=_spf.{name}")
            self.add(f"_spf.{name}", "TXT", f"v=spf1 ip4:{ip} -all")
        if site.policy is not None:
            self.add(f"_dmarc.{name}", "TXT",
                     f"v=DMARC1; p={site.policy};{tags} rua=mailto:dmarc@{name}")
        self.add(f"r._domainkey.{name}", "TXT", site.rsa.record())
        self.add(f"e._domainkey.{name}", "TXT", site.ed25519.record())

    @staticmethod
    def soft(site):
        """Does its SPF record end in ~all?"""
        return LAYOUTS[site.number % len(LAYOUTS)] == "include"


def _address(role, number):
    """Where a domain sends from."""
    block = 0 if role == "d" else 64
    return f"198.51.{100 + block + number // 250 % 64}.{number % 250 + 1}"
