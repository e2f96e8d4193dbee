"""DNS that fails after it has answered: the policy found within the last day decides."""

import os
import shutil
import signal
import subprocess
import time

import pytest

import wait
import zones
from dns_server import SERVFAIL, TIMEOUT
from letter import letter
from signing import rsa_key, sign

REJECT = "v=DMARC1; p=reject"
FORGER = "198.51.100.66"  # has an SPF pass for a domain of its own


def zone(dmarc=REJECT, **more):
    """example.com with its policy, and a domain that whoever forges it may use."""
    return zones.join(zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all", dmarc=dmarc,
                                   **more),
                      zones.domain("attack.example", spf=f"v=spf1 ip4:{FORGER} -all"))


def start(mx, records, choice, **changes):
    """Nothing is answered twice from the resolver's cache, so that a failure shows at once. (The
    end of one does not: the resolver goes by a failure for some seconds.)"""
    mx.start(records, dns={"timeout": 1, "cache": False}, dmarc={"on_temperror": choice},
             **changes)


def forge(mx, author="alice@example.com"):
    """From example.com, by somebody who cannot pass for it, whatever the DNS says."""
    return mx.send(letter(sender=author), ip=FORGER, helo="mail.attack.example", sender="x@attack.example",
                   check=False)


@pytest.mark.parametrize("choice", ["accept", "tempfail"])
@pytest.mark.parametrize("failure", [SERVFAIL, TIMEOUT])
def test_known_policy_decides(mx, choice, failure):
    """Once its policy is known, making the DNS of a domain fail lets no forgery through."""
    start(mx, zone(), choice)
    assert forge(mx).code == 550
    mx.dns.load(zone(dmarc=failure))
    outcome = forge(mx)
    assert (outcome.code, outcome.text[:6]) == (550, "5.7.1 ")
    log = outcome.log
    assert (log["dmarc"], log["policy"], log["disposition"], log["rule"], log["org"]) == (
        "fail", "reject", "reject", "dmarc-policy", "example.com")
    assert log["reason"].startswith("DNS failure (") and log["reason"].endswith(
        " s before stands in")


def test_first_sight(mx):
    """A domain that nobody has seen is put off, and forgotten policies are those of nobody."""
    start(mx, zone(dmarc=SERVFAIL), "tempfail")
    outcome = forge(mx)
    assert (outcome.code, outcome.log["rule"]) == (451, "temperror")


def test_name_below(mx):
    """What a name below a known domain publishes itself is not guessed."""
    start(mx, zone(), "tempfail")
    assert forge(mx).code == 550
    mx.dns.load(zone(dmarc=SERVFAIL))
    assert forge(mx, "ceo@new.example.com").code == 451
    assert forge(mx).code == 550


def test_genuine_mail_is_put_off_only(mx):
    """What may pass once the DNS works again is never refused for good."""
    start(mx, zone(keys={"s1": rsa_key()}), "tempfail")
    assert forge(mx).code == 550
    # SPF works: a pass, by the policy of before.
    mx.dns.load(zone(dmarc=SERVFAIL))
    outcome = mx.send(letter(), check=False)
    assert outcome.delivered and outcome.log["dmarc"] == "pass"
    broken = zone(dmarc=SERVFAIL)
    broken["example.com"]["TXT"] = SERVFAIL
    broken["s1._domainkey.example.com"] = SERVFAIL
    mx.dns.load(broken)
    outcome = mx.send(letter(), check=False)
    assert (outcome.code, outcome.log["rule"], outcome.log["policy"]) == (
        451, "temperror", "reject")
    outcome = mx.send(sign(letter(), "example.com", rsa_key()), ip=FORGER,
                      sender="x@attack.example", check=False)
    assert (outcome.code, outcome.log["rule"], outcome.log["policy"]) == (
        451, "temperror", "reject")


@pytest.mark.parametrize("changed", ["v=DMARC1; p=none", None])
def test_withdrawn(mx, changed):
    """A policy that was changed or taken back is not remembered as it was."""
    start(mx, zone(), "tempfail")
    assert forge(mx).code == 550
    mx.dns.load(zone(dmarc=changed))
    assert forge(mx).delivered
    mx.dns.load(zone(dmarc=SERVFAIL))
    assert forge(mx).code == (451 if changed is None else 250)


def test_switched_off(mx):
    """dmarc.remember_policies = false."""
    start(mx, zone(), "tempfail")
    assert forge(mx).code == 550
    settings = dict(mx.daemon.settings)
    settings["dmarc"] = {"on_temperror": "tempfail", "remember_policies": False}
    mx.daemon.reload(settings)
    mx.dns.load(zone(dmarc=SERVFAIL))
    assert forge(mx).code == 451


@pytest.fixture(name="folder")
def fixture_folder(tmp_path):
    """Where the daemon's account can write and find its way to."""
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o755)
    shutil.chown(folder, "nobody")
    for parent in list(folder.parents)[:-1]:
        if parent.stat().st_uid == os.getuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return folder


def test_over_a_restart(mx, folder):
    """SIGTERM, and a reload before SIGKILL: the next process knows what the last one did."""
    start(mx, zone(), "tempfail", state_dir=str(folder))
    assert forge(mx).code == 550
    assert mx.daemon.terminate() == 0
    assert (folder / "policies").read_text().startswith("truefrom-policies 1\n")
    mx.dns.load(zone(dmarc=SERVFAIL))
    mx.daemon.start()
    mx.daemon.wait_for_line("1 DMARC policies of the last day are remembered")
    assert forge(mx).code == 550
    assert mx.daemon.terminate() == 0
    (folder / "policies").unlink()
    mx.dns.load(zone())
    mx.daemon.start()
    assert forge(mx).code == 550
    mx.daemon.reload()
    wait.until((folder / "policies").exists, "the file", 10)
    mx.daemon.signal(signal.SIGKILL)
    mx.daemon.wait()
    mx.dns.load(zone(dmarc=SERVFAIL))
    mx.daemon.start()
    assert forge(mx).code == 550


def test_damaged_file(mx, folder):
    """It is a warning, and the daemon works."""
    (folder / "policies").write_bytes(b"truefrom-policies 1\n\0\xff\n")
    (folder / "policies").chmod(0o644)
    start(mx, zone(dmarc=SERVFAIL), "tempfail", state_dir=str(folder))
    mx.daemon.wait_for_line("warning: state_dir: .* is damaged: 1 of its lines")
    assert forge(mx).code == 451


def test_folder_that_is_not_there(mx, folder):
    """The same."""
    start(mx, zone(), "tempfail", state_dir=str(folder / "gone"))
    mx.daemon.wait_for_line("warning: state_dir: .*/gone cannot be written to: No such file")
    assert forge(mx).code == 550
    mx.dns.load(zone(dmarc=SERVFAIL))
    assert forge(mx).code == 550
    assert mx.daemon.terminate() == 0
    mx.daemon.wait_for_line("warning: state_dir: .* cannot be written: .*; work goes on without")


def test_file_of_somebody_else(mx, folder):
    """What others could have written is not believed."""
    now = int(time.time())
    (folder / "policies").write_text(
        f"truefrom-policies 1\n{now} {now} - example.com example.com example.com "
        "v=DMARC1; p=none\nend 1\n",
        encoding="ascii")
    (folder / "policies").chmod(0o666)
    start(mx, zone(dmarc=SERVFAIL), "tempfail", state_dir=str(folder))
    mx.daemon.wait_for_line("warning: state_dir: .* cannot be read: Operation not permitted; ")
    assert forge(mx).code == 451


@pytest.fixture(name="small_disk")
def fixture_small_disk(folder):
    """The folder on a file system of 16 KB."""
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=16k,mode=755,uid=nobody", "tmpfs", folder],
            capture_output=True, check=False).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk(mx, small_disk):
    """Said once; the file that was there stays, and it is written when there is room again."""
    start(mx, zone(), "tempfail", state_dir=str(small_disk))
    assert forge(mx).code == 550
    mx.daemon.reload()
    wait.until((small_disk / "policies").exists, "the file", 10)
    before = (small_disk / "policies").read_text()
    with pytest.raises(OSError), open(small_disk / "filler", "wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    assert forge(mx, "ceo@sub.example.com").code == 550
    mx.daemon.reload()
    mx.daemon.wait_for_line("warning: state_dir: .* cannot be written: No space left on device; ")
    assert (small_disk / "policies").read_text() == before
    assert not (small_disk / "policies.new").exists()
    (small_disk / "filler").unlink()
    mx.daemon.reload()
    mx.daemon.wait_for_line("state_dir: .* is written again")
    assert (small_disk / "policies").read_text().endswith("end 2\n")
