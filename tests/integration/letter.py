"""Messages for the tests: bytes with CRLF, nothing made up behind our back."""

import itertools

_numbers = itertools.count(1)


def letter(sender="alice@example.com", body="Hello,\r\n\r\nthis is a test.\r\n", subject="A test",
           extra=(), top=(), author=True):
    """A message. `top` are whole fields before the first, `extra` after the last; `author=False`
    leaves the From out, and `sender` may be bytes or a whole display form."""
    number = next(_numbers)
    fields = [_octets(field) for field in top]
    if author:
        fields.append(b"From: " + _octets(sender))
    fields += [
        b"To: user@example.org",
        b"Subject: " + _octets(subject),
        b"Date: Mon, 01 Jun 2026 12:00:00 +0000",
        b"Message-ID: <%d.test@example.com>" % number,
    ]
    fields += [_octets(field) for field in extra]
    return b"".join(field + b"\r\n" for field in fields) + b"\r\n" + _octets(body)


def _octets(text):
    return text if isinstance(text, bytes) else text.encode()
