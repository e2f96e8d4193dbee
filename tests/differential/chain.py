"""A sealer of ARC chains (RFC 8617) that writes what it is told to, right or wrong."""

import keys
from signer import (B, BH, NAMES, RELAXED, Tags, complete, field_relaxed, hashed, octets, select)

AAR, AMS, SEAL = "ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal"


def aar_value(instance):
    """What a sealer saw."""
    return (f"i={instance}; mx{instance}.example.org;\r\n\tdkim=pass header.d=example.com;\r\n"
            "\tspf=pass smtp.mailfrom=example.com; dmarc=pass header.from=example.com")


def unchanged(tags):
    """The usual tags."""
    return tags


class Chain:
    """A message and the sets that it has got so far."""

    def __init__(self, message, key=None, domain="sealer.example", selector="arc"):
        self.message = message
        self.sets = []  # of (AAR, AMS, AS), as they were when sealed
        self.key, self.domain, self.selector = key or keys.rsa(1024), domain, selector

    def copy(self):
        """Another one, equal."""
        other = Chain(self.message.copy(), self.key, self.domain, self.selector)
        other.sets = list(self.sets)
        return other

    def bytes(self):
        """As it goes over the wire."""
        return self.message.bytes()

    def changed(self, change):
        """With the message changed by a function, the sets known as they were."""
        other = self.copy()
        other.message = change(other.message)
        return other

    def field(self, name, instance, change):
        """With one field of a set changed on the way."""
        number = len(self.sets) - instance
        return self.changed(lambda message: message.replaced(name, change, number))

    def sealed(self, count=1, **how):
        """With so many more sets."""
        chain = self
        for _ in range(count):
            chain = chain.seal(**how)
        return chain

    def _tags(self, instance, canon, names, cv):
        base = {"i": str(instance), "a": f"{self.key.type}-sha256"}
        own = {"d": self.domain, "s": self.selector, "t": "1700000000"}
        ams = Tags(**base, c="/".join(canon), **own, h=":".join(names), bh=BH, b=B)
        return ams, Tags(**base, **own, cv=cv, b=B)

    def seal(self, instance=None, cv=None, aar=None, ams=unchanged, seal=unchanged,
             canon=(RELAXED, RELAXED), names=None, limit=None, body=None, covered=None,
             fields=(AAR, AMS, SEAL), between="; ", algorithm="sha256", ams_key=None, seal_key=None,
             order=(2, 1, 0)):
        """With one more set on top. ams, seal: change the tags before they are signed, or give a
        text; canon, names, limit: what is done whatever the tags say; covered: number of older
        sets under the seal; order: of the three fields from the top (2 = ARC-Seal)."""
        chain = self.copy()
        instance = instance or len(self.sets) + 1
        cv = cv or ("pass" if self.sets else "none")
        names = NAMES + ["DKIM-Signature"] if names is None else names
        ams_tags, seal_tags = self._tags(instance, canon, names, cv)
        top = octets(fields[0]) + b": " + octets(aar_value(instance) if aar is None else aar)
        template = self._field(fields[1], ams(ams_tags), between)
        message = chain.message
        template = hashed(template, message.body if body is None else body, canon[1], limit,
                          algorithm)
        signature = complete(template, select(message.fields, names), ams_key or self.key, canon[0],
                             algorithm)
        older = [] if cv == "fail" else self.sets[:covered] if covered is not None else self.sets
        data = [field_relaxed(field) for set_ in older for field in set_] + [
            field_relaxed(top), field_relaxed(signature)]
        template = self._field(fields[2], seal(seal_tags), between)
        seal_field = complete(template, data, seal_key or self.key, RELAXED, algorithm)
        new = (top, signature, seal_field)
        for which in reversed(order):
            chain.message = chain.message.added(new[which])
        chain.sets.append(new)
        return chain

    @staticmethod
    def _field(name, tags, between):
        text = tags.text(between) if isinstance(tags, Tags) else octets(tags)
        return octets(name) + b": " + text
