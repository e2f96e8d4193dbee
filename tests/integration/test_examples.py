"""The messages of tests/data/messages: what truefrom check says of each, in JSON and in words."""

import json
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data" / "messages"

# action, rule, result of DMARC, and sentences that a newcomer needs
EXPECTED = {
    "01-signed-by-the-author": ("accept", "none", "pass", [
        "not aligned bounces.mailer.example is of another organization",
        "aligned     shop.example is the author domain itself",
        "DMARC passes: the message bears a valid signature of shop.example, the author domain"]),
    "02-spf-alone": ("accept", "none", "pass", [
        "nobody has signed this message",
        "DMARC passes: the client may send for huber.example, the author domain itself"]),
    "03-mailing-list": ("reject", "dmarc-policy", "fail", [
        "DMARC fails: nothing that passed belongs with uni.example",
        "SPF pass for lists.example, not aligned; DKIM pass for lists.example, not aligned; "
        "DKIM fail for uni.example (body hash did not verify)",
        "uni.example asks for such mail to be refused (p=reject)",
        "the setting dmarc.on_reject says what is done then",
        "reply          550 5.7.1 rejected by DMARC policy for uni.example"]),
    "04-forwarded": ("accept", "none", "pass", [
        "bank.example says that this client may not send for it",
        "DMARC passes: the message bears a valid signature of bank.example"]),
    "05-forged-bank": ("reject", "dmarc-policy", "fail", [
        "SPF pass for attacker.example, not aligned; DKIM pass for attacker.example, not aligned",
        "bank.example asks for such mail to be refused (p=reject)"]),
    "06-forged-subdomain": ("reject", "dmarc-policy", "fail", [
        "city.example asks for such mail to be refused "
        "(np=reject, as treasury.city.example does not exist)"]),
    "07-quarantine": ("quarantine", "dmarc-policy", "fail", [
        "courier.example asks for such mail to be treated as suspicious (p=quarantine)",
        "the setting dmarc.on_quarantine says what is done then",
        "delivered with X-Truefrom-Quarantine: yes"]),
    "08-two-from-fields": ("reject", "invalid-from:multiple-fields", "permerror", [
        "DMARC needs one certain author: more than one From field",
        "reply          550 5.7.1 invalid From header: more than one From field"]),
    "09-dns-failure": ("accept", "temperror", "temperror", [
        "_dmarc.opera.example  servfail: the walk ends here",
        "DMARC has no result: DNS failure (servfail) at _dmarc.opera.example; it may be a pass",
        "the setting dmarc.on_temperror says what is done then"]),
    "10-trusted-list": ("accept", "trusted-sealer:lists.example", "fail", [
        "a forwarder of arc.trusted_sealers saw it pass",
        "set 1 of the trusted sealer lists.example says dmarc=pass of press.example",
        "DKIM fail for press.example (body hash did not verify)"]),
}


def commands():
    """The options of each command of the README, by message, with the names of its files whole."""
    found = {}
    for line in (FOLDER / "README").read_text(encoding="ascii").splitlines():
        words = line.split()
        if words[:2] == ["truefrom", "check"]:
            found[words[-1].removesuffix(".eml")] = [
                str(FOLDER / word) if (FOLDER / word).is_file() else word for word in words[1:]]
    return found


def test_each_message_has_its_command():
    """The README, the folder and this file speak of the same messages."""
    assert set(commands()) == set(EXPECTED) == {path.stem for path in FOLDER.glob("*.eml")}


@pytest.mark.parametrize("name", EXPECTED)
def test_message(programs, name):
    """The verdict, and the words that explain it."""
    options = commands()[name]
    action, rule, dmarc, sentences = EXPECTED[name]
    result = programs.run(programs.truefrom, *options, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    assert (said["action"], said["rule"], said["dmarc"]["result"]) == (action, rule, dmarc)
    result = programs.run(programs.truefrom, *options)
    assert (result.returncode, result.stderr) == (0, "")
    for sentence in sentences:
        assert sentence in result.stdout
