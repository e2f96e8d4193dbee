"""A signer that writes what it is told to, right or wrong.

The text of the signature is a template in which BH and B stand for the two values; what is signed
follows from separate arguments alone. So a tag may say one thing while another was done, and the
generator knows which.

Canonicalisation is written from RFC 6376 section 3.4, apart from any of the verifiers under test.
"""

import base64
import hashlib
import re

BH, B = b"\x01bh\x01", b"\x01b\x01"
SIMPLE, RELAXED = "simple", "relaxed"
CANONS = [(h, b) for h in (SIMPLE, RELAXED) for b in (SIMPLE, RELAXED)]


def octets(text):
    """Bytes of a text, or bytes as they are."""
    return text if isinstance(text, bytes) else text.encode()


def body_simple(body):
    """RFC 6376 section 3.4.3."""
    text = len(body.rstrip(b"\r\n"))
    lines = re.search(rb"(?:\r\n)*\Z", body[text:])
    return body[:text + lines.start()] + b"\r\n"


def body_relaxed(body):
    """RFC 6376 section 3.4.4."""
    body = re.sub(rb"[ \t]+", b" ", body).replace(b" \r\n", b"\r\n")
    body = body_simple(body[:-1] if body.endswith(b" ") else body)
    return b"" if body == b"\r\n" else body


def canonical_body(body, how, limit=None):
    """The octets that are hashed."""
    return (body_relaxed if how == RELAXED else body_simple)(body)[:limit]


def field_relaxed(field):
    """RFC 6376 section 3.4.2, without the final CRLF."""
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", re.sub(rb"\r\n(?=[ \t])", b"", value)).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value


def canonical_field(field, how):
    """The octets that are hashed, without the final CRLF."""
    return field_relaxed(field) if how == RELAXED else field


def field_name(field):
    """The name in lower case."""
    return field.partition(b":")[0].rstrip(b" \t").lower()


def select(fields, names):
    """The fields that h= means, the lowest first (RFC 6376 section 5.4.2)."""
    rest, chosen = list(fields), []
    for name in names:
        for at in range(len(rest) - 1, -1, -1):
            if field_name(rest[at]) == octets(name).lower():
                chosen.append(rest.pop(at))
                break
    return chosen


def without_b(template):
    """The field with an empty b=, white space around its value dropped (section 3.7)."""
    return re.sub(rb"[ \t\r\n]*" + B + rb"[ \t\r\n]*", b"", template)


def fold(octets_, width=70):
    """Cut into folded lines."""
    return b"\r\n\t".join(octets_[i:i + width] for i in range(0, len(octets_), width))


def complete(template, selected, key, how, algorithm="sha256", b_form=fold):
    """The field with its b=: a signature over the selected fields and itself."""
    data = b"".join(canonical_field(field, how) + b"\r\n" for field in selected)
    data += canonical_field(without_b(template), how)
    value = b_form(base64.b64encode(key.sign(data, algorithm)))
    return template.replace(B, value)


def hashed(template, body, how, limit=None, algorithm="sha256"):
    """The template with its bh=."""
    digest = hashlib.new(algorithm, canonical_body(body, how, limit)).digest()
    return template.replace(BH, base64.b64encode(digest))


class Tags:
    """The tags of a signature, to be changed before it is made."""

    def __init__(self, **tags):
        self.list = [(name, value) for name, value in tags.items() if value is not None]

    def copy(self):
        """Another one, equal."""
        other = Tags()
        other.list = list(self.list)
        return other

    def without(self, name):
        """Less one tag."""
        other = self.copy()
        other.list = [tag for tag in self.list if tag[0] != name]
        return other

    def having(self, name, value):
        """With a tag of that value, in its old place or last."""
        other = self.copy()
        names = [tag[0] for tag in self.list]
        if name in names:
            other.list[names.index(name)] = (name, value)
        else:
            other.list.append((name, value))
        return other

    def adding(self, name, value, at=None):
        """With one tag more, even of a name that is there."""
        other = self.copy()
        other.list.insert(len(other.list) if at is None else at, (name, value))
        return other

    def first(self, *names):
        """In this order, the others behind."""
        other = self.copy()
        other.list.sort(key=lambda tag: names.index(tag[0]) if tag[0] in names else len(names))
        return other

    def text(self, between="; ", equals="="):
        """The tag-list."""
        return octets(between).join(octets(n) + octets(equals) + octets(v) for n, v in self.list)


NAMES = ["From", "To", "Subject", "Date", "Message-ID"]


def tags_for(key, domain="example.com", selector="s1", canon=(RELAXED, RELAXED), names=None):
    """Usual tags."""
    return Tags(v="1", a=f"{key.type}-sha256", c="/".join(canon) if canon else None, d=domain,
                s=selector, h=":".join(NAMES if names is None else names), bh=BH, b=B)


class Letter:
    """A message in the making: fields without final CRLF, and a body."""

    def __init__(self, fields, body):
        self.fields = [octets(field) for field in fields]
        self.body = octets(body)

    def copy(self):
        """Another one, equal."""
        return Letter(self.fields, self.body)

    def bytes(self):
        """As it goes over the wire."""
        return b"".join(field + b"\r\n" for field in self.fields) + b"\r\n" + self.body

    def index(self, name, number=0):
        """Where the field of a name stands, counted from the top."""
        found = [i for i, field in enumerate(self.fields)
                 if field_name(field) == octets(name).lower()]
        return found[number]

    def replaced(self, name, change, number=0):
        """With one field changed by a function or into other octets; None removes it."""
        other = self.copy()
        at = other.index(name, number)
        new = change(other.fields[at]) if callable(change) else change
        other.fields[at:at + 1] = [] if new is None else [octets(new)]
        return other

    def added(self, field, at=0):
        """With one field more; at: 0 = on top, -1 = at the bottom."""
        other = self.copy()
        other.fields.insert(at if at >= 0 else len(other.fields), octets(field))
        return other

    def with_body(self, change):
        """With another body, or one changed by a function."""
        other = self.copy()
        other.body = octets(change(other.body) if callable(change) else change)
        return other

    def signed(self, key, text=None, canon=(RELAXED, RELAXED), names=None, limit=None,
               algorithm="sha256", name="DKIM-Signature", b_form=fold, space=" ", body=None,
               **usual):
        """With a signature on top. text: tag-list with BH and B; names, canon, limit and body: what
        is really signed, whatever the text says."""
        if text is None:
            text = tags_for(key, canon=canon, names=names, **usual)
        if isinstance(text, Tags):
            text = text.text()
        names = NAMES if names is None else names
        template = octets(name) + b":" + octets(space) + octets(text)
        template = hashed(template, self.body if body is None else body, canon[1], limit, algorithm)
        field = complete(template, select(self.fields, names), key, canon[0], algorithm, b_form)
        return self.added(field)
