"""Writes every case: FOLDER/NNNN.eml, FOLDER/zone, FOLDER/keys.json and FOLDER/cases.json."""

import argparse
import dataclasses
import json
import pathlib
import time

import cases_arc
import cases_body
import cases_damage
import cases_header
import cases_key
import cases_tags
import cases_wild
from cases import Suite

FAMILIES = (cases_damage, cases_header, cases_body, cases_tags, cases_key, cases_wild, cases_arc)


def make(now):
    """The whole suite."""
    suite = Suite(now)
    for family in FAMILIES:
        family.cases(suite)
    return suite


def _quoted(string):
    return '"' + "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\{c:03d}"
                         for c in string) + '"'


def zone_text(zone):
    """The records in master-file form (RFC 1035 section 5)."""
    return "".join(f"{name}. 60 IN TXT {' '.join(map(_quoted, strings))}\n"
                   for name, records in zone.items() for strings in records)


def write(suite, folder):
    """The files."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for number, case in enumerate(suite.cases):
        path = folder / f"{number:04}.eml"
        path.write_bytes(case.message)
        entry = dataclasses.asdict(case)
        del entry["message"]
        listed.append(entry | {"file": str(path)})
    (folder / "cases.json").write_text(json.dumps(listed), "utf-8")
    (folder / "zone").write_text(zone_text(suite.zone), "ascii")
    records = {name: [b"".join(strings).decode("latin-1") for strings in records]
               for name, records in suite.zone.items()}
    (folder / "keys.json").write_text(
        json.dumps({"records": records, "failing": sorted(suite.failing)}), "utf-8")
    return listed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    begin = time.monotonic()
    made = write(make(int(time.time())), parser.parse_args().folder)
    print(f"{len(made)} cases, {time.monotonic() - begin:.1f} s")
