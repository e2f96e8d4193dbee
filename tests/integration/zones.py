"""Records of the domains that tests use, as zones for the scripted DNS server."""


def domain(name, spf=None, dmarc=None, keys=None, **records):
    """A domain's zone: SPF and DMARC records, DKIM keys by selector, further types."""
    zone = {name: {"A": ["192.0.2.10"], **records}}
    if spf is not None:
        zone[name]["TXT"] = spf if not isinstance(spf, str) else [spf]
    if dmarc is not None:
        zone[f"_dmarc.{name}"] = {"TXT": dmarc if not isinstance(dmarc, str) else [dmarc]}
    for selector, key in (keys or {}).items():
        record = [key.record()] if hasattr(key, "record") else key
        zone[f"{selector}._domainkey.{name}"] = {"TXT": record}
    return zone


def join(*zones):
    """One zone of several; a name in two of them has the types of both."""
    joined = {}
    for zone in zones:
        for name, types in zone.items():
            both = isinstance(types, dict) and isinstance(joined.get(name), dict)
            joined[name] = {**joined[name], **types} if both else types
    return joined
