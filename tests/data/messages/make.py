#!/usr/bin/python3
"""Write the ten messages of this folder and their zone anew, with new keys.

The keys are thrown away: whoever changes a message makes all of them again.
"""

import calendar
import pathlib
import sys

import dkim

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))

from signing import rsa_key, seal, sign  # noqa: E402  (found by the line before)

DAY = "Mon, 03 Nov 2025 {} +0000"
SIGNED_AT = calendar.timegm((2025, 11, 3, 9, 0, 0))
SIGNERS = {"shop.example": 1, "bank.example": 2, "uni.example": 3, "attacker.example": 4,
           "lists.example": 5, "press.example": 6}


def key(domain):
    """The one key of a domain, with selector s1."""
    return rsa_key(2048, SIGNERS[domain])


def message(fields, body, hour, ident):
    """A message with LF for CRLF in its body."""
    lines = [*fields, f"Date: {DAY.format(hour)}", f"Message-ID: <{ident}>", "MIME-Version: 1.0",
             "Content-Type: text/plain; charset=utf-8", "", *body.strip("\n").split("\n"), ""]
    return "\r\n".join(lines).encode()


def relay(octets, by, client):
    """What a host on the way puts on top."""
    name, address = client
    return (f"Received: from {name} ({name} [{address}])\r\n\tby {by} (Postfix) with ESMTPS id 4d1\r\n"
            f"\tfor <user@example.org>; {DAY.format('09:05:00')}\r\n").encode() + octets


NEWS = message(["From: Nordwind Shop <news@shop.example>", "To: user@example.org",
                "Subject: Your order has left our house"], """
Dear customer,

your order 10-4711 is on its way to you.

Nordwind Shop
""", "09:00:00", "4711@shop.example")

INVOICE = message(["From: Werkstatt Huber <office@huber.example>", "To: user@example.org",
                   "Subject: Invoice 2025-118"], """
Thank you for your order. The invoice is on our site.
""", "08:12:00", "118@huber.example")

PAPER = message(["From: Alice Winter <alice@uni.example>", "To: dns-talk@lists.example",
                 "Subject: Re: negative caching"], """
I have measured it: one hour is plenty.

Alice
""", "08:40:00", "k3@uni.example")

STATEMENT = message(["From: Example Bank <service@bank.example>", "To: old@alumni.example",
                     "Subject: Your statement is ready"], """
Your statement for October is ready. Log in as usual to read it.
""", "07:30:00", "st-10@bank.example")

PHISH = message(["From: Example Bank <service@bank.example>", "To: user@example.org",
                 "Subject: Your account will be closed today"], """
Please confirm your details at once: http://bank.attacker.example/login
""", "03:14:00", "x1@attacker.example")

GHOST = message(["From: City Treasury <fines@treasury.city.example>", "To: user@example.org",
                 "Subject: Unpaid parking ticket"], """
Pay within 24 hours: http://city.attacker.example/pay
""", "03:15:00", "x2@attacker.example")

COURIER = message(["From: Courier <parcels@courier.example>", "To: user@example.org",
                   "Subject: We could not deliver your parcel"], """
A fee of 2.99 is due: http://courier.attacker.example/fee
""", "03:16:00", "x3@attacker.example")

TWICE = message(["From: Newsletter <news@attacker.example>",
                 "From: Example Bank <service@bank.example>", "To: user@example.org",
                 "Subject: Security notice"], """
Two senders: which one would you be shown?
""", "03:17:00", "x4@attacker.example")

LOST = message(["From: Ticket Office <tickets@opera.example>", "To: user@example.org",
                "Subject: Your seats for Saturday"], """
Row 7, seats 12 and 13.
""", "08:55:00", "tickets@opera.example")

RELEASE = message(["From: Press Office <desk@press.example>", "To: news@lists.example",
                   "Subject: New timetable"], """
The new timetable starts on 14 December.
""", "08:58:00", "r9@press.example")


def with_footer(octets, name):
    """What the list does to a message: a List-Id, a footer."""
    head, _, body = octets.partition(b"\r\n\r\n")
    return (head + f"\r\nList-Id: <{name}.lists.example>\r\n\r\n".encode() + body
            + b"-- \r\nTo leave: https://lists.example/\r\n")


def listed_paper():
    """Signed by the author's university, changed by the list, signed by the list."""
    octets = with_footer(sign(PAPER, "uni.example", key("uni.example")), "dns-talk")
    return sign(octets, "lists.example", key("lists.example"))


def sealed_release():
    """The same with an ARC set, in which the list says what it saw before its change."""
    octets = with_footer(sign(RELEASE, "press.example", key("press.example")), "news")
    return seal(octets, "lists.example", key("lists.example"),
                "spf=pass smtp.mailfrom=press.example; dkim=pass header.d=press.example;"
                " dmarc=pass header.from=press.example")


MESSAGES = {
    "01-signed-by-the-author": lambda: sign(NEWS, "shop.example", key("shop.example")),
    "02-spf-alone": lambda: INVOICE,
    "03-mailing-list": listed_paper,
    "04-forwarded": lambda: relay(sign(STATEMENT, "bank.example", key("bank.example")),
                                  "mx.alumni.example", ("mail.bank.example", "192.0.2.25")),
    "05-forged-bank": lambda: sign(PHISH, "attacker.example", key("attacker.example")),
    "06-forged-subdomain": lambda: GHOST,
    "07-quarantine": lambda: COURIER,
    "08-two-from-fields": lambda: sign(TWICE, "attacker.example", key("attacker.example")),
    "09-dns-failure": lambda: LOST,
    "10-trusted-list": sealed_release,
}

ZONE = """\
; What the DNS says to the ten messages of this folder.
shop.example.             TXT "v=spf1 include:_spf.mailer.example -all"
_dmarc.shop.example.      TXT "v=DMARC1; p=reject; rua=mailto:dmarc@shop.example"
_spf.mailer.example.      TXT "v=spf1 ip4:192.0.2.64/27 -all"
bounces.mailer.example.   TXT "v=spf1 include:_spf.mailer.example -all"

huber.example.            TXT "v=spf1 ip4:192.0.2.7 -all"
_dmarc.huber.example.     TXT "v=DMARC1; p=quarantine"

uni.example.              TXT "v=spf1 ip4:192.0.2.128/28 -all"
_dmarc.uni.example.       TXT "v=DMARC1; p=reject"

bank.example.             TXT "v=spf1 ip4:192.0.2.25 -all"
_dmarc.bank.example.      TXT "v=DMARC1; p=reject; sp=reject"

city.example.             TXT "v=spf1 ip4:192.0.2.40 ~all"
_dmarc.city.example.      TXT "v=DMARC1; p=none; sp=none; np=reject"

courier.example.          TXT "v=spf1 ip4:192.0.2.50 ~all"
_dmarc.courier.example.   TXT "v=DMARC1; p=quarantine"

press.example.            TXT "v=spf1 ip4:192.0.2.60 -all"
_dmarc.press.example.     TXT "v=DMARC1; p=reject"

lists.example.            TXT "v=spf1 ip4:198.51.100.10 -all"
_dmarc.lists.example.     TXT "v=DMARC1; p=none"

attacker.example.         TXT "v=spf1 ip4:203.0.113.66 -all"
_dmarc.attacker.example.  TXT "v=DMARC1; p=reject"

; The servers of opera.example are broken: an alias that leads back to itself.
opera.example.            TXT "v=spf1 ip4:192.0.2.70 -all"
_dmarc.opera.example.     CNAME loop.opera.example.
loop.opera.example.       CNAME _dmarc.opera.example.

; Keys of the signers
"""


def main():
    """Write everything."""
    dkim.time.time = lambda: SIGNED_AT
    for name, make in MESSAGES.items():
        (HERE / f"{name}.eml").write_bytes(make())
    keys = "".join(f's1._domainkey.{name}. TXT "v=DKIM1; k=rsa; p={public[:200]}" "{public[200:]}"\n'
                   for name, public in ((n, key(n).public) for n in SIGNERS))
    (HERE / "zone").write_text(ZONE + keys, encoding="ascii")


if __name__ == "__main__":
    main()
