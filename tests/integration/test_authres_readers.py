"""Our Authentication-Results as others read them: each gives back the results that we wrote."""

import json
import os
import pathlib
import re

import authres
import authres.arc
import authres.dmarc
import pytest

READER = pathlib.Path(__file__).with_name("read_authres.pl")
PYTHON = authres.FeatureContext(authres.core, authres.arc, authres.dmarc)


@pytest.fixture(scope="module", name="fields")
def fixture_fields(programs):
    """Every field of the writer's unit test, unfolded, with the results that it holds."""
    program = os.path.join(os.path.dirname(programs.truefrom), "tests", "unit", "test_authres")
    result = programs.run(program, "--print")
    assert result.returncode == 0, result.stderr
    found = []
    for line in result.stdout.splitlines():
        kind, _, text = line.partition(" ")
        if kind == "F":
            found.append((re.sub(r"\\n[\t ]+", " ", text), []))
        elif kind == "R":
            method, code, reason = (text.split(" ", 2) + [""])[:3]
            found[-1][1].append([method, code, reason or None, {}])
        else:
            name, _, value = text.partition(" ")
            found[-1][1][-1][3][name] = value
    assert len(found) >= 8 and all(results for _, results in found)
    return found


def by_method(results):
    """Readers may sort the results; those of one method keep their order."""
    return sorted(results, key=lambda result: result[0])


def read_in_perl(programs, which, fields):
    """What one of the Perl readers makes of all fields."""
    text = "".join(field + "\n" for field, _ in fields)
    result = programs.run("perl", str(READER), which, stdin=text.encode("ascii"))
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


@pytest.mark.parametrize("which", ["spamassassin", "module"])
def test_perl(programs, fields, which):
    """SpamAssassin's AuthRes plugin, and Mail::AuthenticationResults."""
    read, complaints = read_in_perl(programs, which, fields)
    assert not complaints
    assert [by_method(results) for results in read] == [by_method(want) for _, want in fields]


def test_python(fields):
    """python3-authres."""
    for field, want in fields:
        parsed = PYTHON.parse(field)
        assert parsed.authserv_id == "mx.example.org"
        read = [[r.method, r.result, r.reason,
                 {f"{p.type}.{p.name}": p.value for p in r.properties}] for r in parsed.results]
        assert read == want
