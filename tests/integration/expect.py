"""What an Authentication-Results field must say, in the words of the standard."""

import re

from postfix import HOSTNAME
from signing import signatures

SPECIALS = re.compile(r'[()<>@,;:\\"/\[\]?=\s]')


def value(text):
    """A pvalue: a token as it is, anything else quoted."""
    if text == "" or SPECIALS.search(text):
        return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
    return text


def field(*results, host=HOSTNAME):
    """The unfolded value of the whole field."""
    return "; ".join([host, *results])


def spf(result, domain, identity="mailfrom", reason=None):
    """The SPF result."""
    return f"spf={result}{_reason(reason)} smtp.{identity}={value(domain)}"


def dkim(result, message, domain, key, number=0, selector="s1", reason=None, identity=None):
    """The result of a message's DKIM signature of this number."""
    b = signatures(message)[number][:8]
    comment = f" ({key.bits}-bit key)" if result == "pass" else ""
    identity = f"@{domain}" if identity is None else identity
    return (f"dkim={result}{comment}{_reason(reason)} header.d={domain} header.i={identity}"
            f" header.a={key.algorithm} header.s={selector} header.b={value(b)}")


NO_DKIM = "dkim=none"


def arc(result, instances, ip="192.0.2.1", reason=None):
    """The ARC result."""
    return f"arc={result} (i={instances}){_reason(reason)} smtp.remote-ip={value(ip)}"


def dmarc(result, author, policy=None, disposition="none", applied=None, reason=None):
    """The DMARC result; `applied` is the policy after t, the published one unless given."""
    if result == "none":
        return f"dmarc=none{_reason(reason)} header.from={author}"
    text = f"dmarc={result} (p={policy or 'none'} dis={disposition}){_reason(reason)}"
    if author:
        text += f" header.from={author}"
    if policy and result in ("pass", "fail"):
        text += f" policy.dmarc={applied or policy}"
    return text


def _reason(text):
    return f' reason="{text}"' if text else ""
