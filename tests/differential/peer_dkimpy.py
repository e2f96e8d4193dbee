"""dkimpy's answers: one line of JSON for each case, {"dkim": [bool, ...], "arc": word}."""

import json
import logging
import pathlib
import sys

import dkim


def main(folder):
    """Ask for every case."""
    zone = json.loads((folder / "keys.json").read_text("utf-8"))
    failing = set(zone["failing"])

    def txt(name, timeout=5):
        """One TXT record, as dkimpy's own look-up hands it over: the first, or None."""
        name = name.decode("utf-8") if isinstance(name, bytes) else name
        name = name.rstrip(".").lower()
        if name in failing:
            raise dkim.DnsTimeoutError(timeout)
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return None
        records = zone["records"].get(name)
        return records[0].encode("latin-1") if records else None

    logging.disable(logging.CRITICAL)
    for case in json.loads((folder / "cases.json").read_text("utf-8")):
        message = pathlib.Path(case["file"]).read_bytes()
        answer = {"dkim": [_signature(message, number, txt) for number in range(len(case["want"]))]}
        if case["arc"]:
            answer["arc"] = _chain(message, txt)
        print(json.dumps(answer))


def _signature(message, number, txt):
    try:
        return bool(dkim.DKIM(message).verify(number, dnsfunc=txt))
    except Exception:  # pylint: disable=broad-except # whatever it is, it is not a pass
        return False


def _chain(message, txt):
    try:
        return (dkim.ARC(message).verify(dnsfunc=txt)[0] or b"fail").decode()
    except Exception:  # pylint: disable=broad-except
        return "fail"


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
