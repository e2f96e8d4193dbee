"""Cases of SPF in the YAML form of the public RFC 7208 suite, and how one is run.

A scenario has `zonedata` and `tests`, a test has host, helo, mailfrom, result, spec (its section),
and mostly a comment and an explanation. Ours may also say:
  reason    what the reason="" of a permerror begins with
  unasked   names that must not be asked for
  most      how many questions SPF may ask at most
and zones may hold SERVFAIL, REFUSED and NOTIMP where the suite has TIMEOUT alone. The strings of a
TXT record may be lists of strings, which YAML can repeat by name, and a mailfrom that is not UTF-8
is !!binary.
"""

import re
import time

import dns.rcode
import yaml

from dns_server import Reply
from letter import letter
from milter_client import MilterClient

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DEFAULT = "DEFAULT"  # the suite's word for "no explanation of the domain's own"
REASON = re.compile(r' reason="([^"]*)"')
FAILURES = {
    "TIMEOUT": Reply(silent=True),
    "SERVFAIL": Reply(rcode=dns.rcode.SERVFAIL),
    "REFUSED": Reply(rcode=dns.rcode.REFUSED),
    "NOTIMP": Reply(rcode=dns.rcode.NOTIMP),
}


def _strings(data):
    """The strings of a TXT record, lists in it laid out flat."""
    for item in data:
        if isinstance(item, list):
            yield from _strings(item)
        else:
            yield item


def _record_of(rtype, data):
    """A record's data as the scripted server takes it."""
    if rtype == "MX":
        return f"{data[0]} {data[1] or '.'}"
    if rtype == "TXT" and isinstance(data, list):
        return tuple(_strings(data))
    return data


def _zone_of(zonedata):
    """The suite's form of a zone as ours: SPF entries are TXT entries too."""
    zone = {}
    for name, entries in zonedata.items():
        types = {}
        records = [item for entry in entries if isinstance(entry, dict) for item in entry.items()]
        has_txt = any(rtype == "TXT" for rtype, _ in records)
        for rtype, data in records:
            if rtype == "SPF" and has_txt:
                continue
            rtype = "TXT" if rtype == "SPF" else rtype
            if data == "NONE":
                continue
            if isinstance(data, str) and data in FAILURES:
                types[rtype] = FAILURES[data]
            else:
                types.setdefault(rtype, []).append(_record_of(rtype, data))
        for entry in entries:
            if isinstance(entry, str):
                types["*"] = FAILURES[entry]
        zone[name] = types
    return zone


def load(path):
    """All cases of a file: (name, zone, case)."""
    found = []
    with open(path, encoding="utf-8") as file:
        for scenario in yaml.load_all(file, Loader=LOADER):
            zone = _zone_of(scenario["zonedata"])
            for name, case in scenario["tests"].items():
                found.append((f"{scenario['description']}-{name}".replace(" ", "_"), zone, case))
    return found


def start(exchanger):
    """One daemon for all cases: nothing is kept from one to the next, as the TTL is 0."""
    exchanger.start({}, trusted_networks=[], dns={"timeout": 1, "cache": False},
                    dmarc={"enabled": False}, spf={"fetch_explanation": True})


def run(exchanger, zone, case):
    """The verdict through the daemon, the explanation by truefrom check."""
    if "most" in case:  # questions of the case before may still be on their way
        time.sleep(0.1)
    exchanger.dns.load(zone)
    sender, helo, ip = case["mailfrom"], case["helo"], case["host"]
    if isinstance(sender, bytes):
        sender = sender.decode("utf-8", "surrogateescape")
    message = letter(sender="someone@author.example")
    with MilterClient(exchanger.milter()) as client:
        client.connect(ip)
        client.helo(helo)
        field = client.message(message, sender).field
    asked = exchanger.dns.questions()
    result = field.split("; ")[1].split()[0].partition("=")[2]
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert result in wanted, f"{field}; {asked}"
    if "reason" in case:
        assert REASON.search(field).group(1).startswith(case["reason"]), field
    for name in case.get("unasked", []):
        assert not [q for q in asked if q.name == name], asked
    assert len(asked) <= case.get("most", len(asked)), asked
    explanation = case.get("explanation")
    if explanation is not None:
        said = exchanger.programs.check(
            exchanger.daemon.conf, message, "--dns", exchanger.dns.server, "--ip", ip,
            "--helo", helo, "--mail-from", sender)
        assert said["spf"]["result"] == result
        assert said["spf"]["explanation"] == (None if explanation == DEFAULT else explanation)
