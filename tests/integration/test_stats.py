"""truefrom stats: what a postmaster sees of a log before he enforces."""

import json
import os
import subprocess

import pytest

import wait
import zones
from letter import letter

FORGER = "198.51.100.66"


def stats(mx, log, *options):
    """What truefrom stats makes of a log."""
    result = mx.programs.run(mx.programs.truefrom, "stats", *options, stdin=log.encode())
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return result.stdout


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_monitor_mode(mx, form):
    """The daemon's own log in monitor mode: who would be refused, and from where."""
    mx.start(zones.join(
        zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc="v=DMARC1; p=reject"),
        zones.domain("attack.example", spf=f"v=spf1 ip4:{FORGER} -all")),
        mode="monitor", log_format=form)
    for ip, sender in (("192.0.2.1", "alice@example.com"), (FORGER, "x@attack.example"),
                       (FORGER, "x@attack.example")):
        with mx.client(ip) as client:
            assert client.offer(letter(), sender, ["user@example.org"])[0] == 250
    wait.until(lambda: mx.daemon.text().count("dmarc-policy") == 2, "two lines", 10)
    text = mx.daemon.text()
    found = json.loads(stats(mx, text, "--json"))
    assert (found["messages"], found["accept"], found["reject"], found["would_reject"],
            found["damaged_lines"]) == (3, 3, 0, 2, 0)
    author = found["authors"][0]
    assert (author["domain"], author["messages"], author["would_reject"]) == ("example.com", 3, 2)
    source = author["sources"][0]
    assert (source["client"], source["spf"], source["spf_domain"], source["dkim"], source["rule"],
            source["messages"]) == (FORGER, "pass", "attack.example", "none", "dmarc-policy", 2)
    words = stats(mx, text)
    assert "example.com: of 3 messages 2 would be rejected\n" in words
    assert f"       2  {FORGER} spf=pass:attack.example dkim=none rule=dmarc-policy\n" in words


def test_journal(mx):
    """As a service of systemd, whose journal is standard error: each line begins with its priority
    and nothing else, so that what journalctl shows is counted."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject"))
    mx.daemon.terminate()
    reader, writer = os.pipe()
    stream = os.fstat(writer)
    process = subprocess.Popen(
        [mx.programs.truefromd, "-f", "-c", mx.daemon.conf], stderr=writer,
        env={**os.environ, "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"})
    os.close(writer)
    with open(reader, encoding="ascii") as journal:
        try:
            lines = [journal.readline()]
            while lines[-1] and not lines[-1].endswith(" ready\n"):
                lines.append(journal.readline())
            with mx.client(FORGER) as client:
                assert client.offer(letter(), "a@example.com", "user@example.org")[0] == 550
        finally:
            process.terminate()
            lines += journal.readlines()
            assert process.wait(30 * mx.programs.patience) == 0
    assert all(line[0] == "<" and line[2] == ">" for line in lines), lines
    assert [line[:6] for line in lines if " action=" in line] == ["<6>id="]
    shown = "".join(f"Nov 22 12:00:00 mx truefromd[1]: {line[3:]}" for line in lines)
    assert json.loads(stats(mx, shown, "--json"))["reject"] == 1


def test_options(mx, tmp_path):
    """--top, a file, and what cannot be."""
    line = "id=x client=192.0.2.1 from={} action=reject rule=dmarc-policy\n"
    log = tmp_path / "log"
    log.write_text(line.format("a.example") + 2 * line.format("b.example"))
    result = mx.programs.run(mx.programs.truefrom, "stats", "--json", "--top", "1", str(log))
    found = json.loads(result.stdout)
    assert [a["domain"] for a in found["authors"]] == ["b.example"]
    assert found["author_count"] == 2
    for options, code in ((["--top", "x"], 2), (["--top"], 2), (["--nothing"], 2),
                          (["a", "b"], 2), ([str(tmp_path / "gone")], 3), ([str(tmp_path)], 3)):
        result = mx.programs.run(mx.programs.truefrom, "stats", *options)
        assert result.returncode == code, options
        assert result.stderr.startswith("truefrom: ") and not result.stdout
