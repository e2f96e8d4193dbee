"""What DMARC concludes of one message, through a real Postfix to the mailbox or the refusal."""

import pytest

import expect
import zones
from letter import letter
from signing import ed25519_key, rsa_key, sign

OUR_MAIL = "v=spf1 ip4:192.0.2.0/24 -all"
FOREIGN = "203.0.113.9"


def zone(policy, spf=OUR_MAIL, name="example.com", **options):
    """example.com with SPF for 192.0.2.0/24, an RSA key s1, and a DMARC policy."""
    return zones.domain(name, spf=spf, dmarc=policy, keys={"s1": rsa_key()}, **options)


def test_all_pass(mx):
    """SPF and DKIM pass and align: delivered; the field's octets are exactly as promised."""
    mx.start(zone("v=DMARC1; p=reject"))
    message = sign(letter(), "example.com", rsa_key())
    outcome = mx.send(message)
    b = expect.dkim("pass", message, "example.com", rsa_key()).rpartition("header.b=")[2]
    assert outcome.delivered and not outcome.marked
    assert outcome.data.startswith((
        "Authentication-Results: mx.example.org;\r\n"
        "\tspf=pass smtp.mailfrom=example.com;\r\n"
        "\tdkim=pass (2048-bit key) header.d=example.com header.i=@example.com\r\n"
        f"\t header.a=rsa-sha256 header.s=s1 header.b={b};\r\n"
        "\tdmarc=pass (p=reject dis=none) header.from=example.com policy.dmarc=reject\r\n"
        "Received: from mail.example.com (unknown [192.0.2.1])\r\n").encode())


def test_all_pass_log_line(mx):
    """The log line has all its fields, in their order, with what was found."""
    mx.start(zone("v=DMARC1; p=reject"))
    outcome = mx.send(sign(letter(), "example.com", rsa_key()))
    assert list(outcome.log) == [
        "id", "client", "helo", "mailfrom", "from", "spf", "spf_domain", "dkim", "arc", "dmarc",
        "policy", "disposition", "action", "rule", "org", "walk", "dns", "dns_ms", "ms"]
    expected = {
        "client": "192.0.2.1", "helo": "mail.example.com", "mailfrom": "alice@example.com",
        "from": "example.com", "spf": "pass", "spf_domain": "example.com",
        "dkim": "pass:example.com", "arc": "none", "dmarc": "pass", "policy": "reject",
        "disposition": "none", "action": "accept", "rule": "none", "org": "example.com"}
    assert {key: outcome.log[key] for key in expected} == expected
    assert all(outcome.log[key].isdigit() for key in ("dns", "dns_ms", "ms"))


def test_all_pass_check_agrees(mx):
    """truefrom check --json has every key of the contract, and the same findings."""
    mx.start(zone("v=DMARC1; p=reject"))
    message = sign(letter(), "example.com", rsa_key())
    said = mx.send(message).check
    assert set(said) >= {"spf", "helo", "dkim", "arc", "dmarc", "action", "would", "reply", "rule",
                         "authentication_results", "dns"}
    assert said["spf"] == {
        "result": "pass", "identity": "mailfrom", "domain": "example.com", "explanation": None,
        "reason": None, "terms": said["spf"]["terms"],
        "second_opinion": None}
    assert said["helo"]["identity"] == "helo" and "reason" in said["helo"]
    signature, = said["dkim"]
    assert signature == {
        "result": "pass", "domain": "example.com", "selector": "s1", "algorithm": "rsa-sha256",
        "identity": "@example.com", "bits": 2048, "b": signature["b"], "reason": None}
    assert said["arc"] == {"result": "none", "instances": 0, "sealer": None, "reason": None,
                           "oldest_pass": None, "sets": [], "trust": None}
    dmarc = dict(said["dmarc"])
    assert dmarc.pop("authors") == ["example.com"]
    assert dmarc.pop("walk") == [{"domain": "example.com", "found": "record"},
                                 {"domain": "com", "found": "none"}]
    assert dmarc == {
        "result": "pass", "from": "example.com", "domain": "example.com",
        "org_domain": "example.com", "policy": "reject", "applied_policy": "reject",
        "disposition": "none", "record": "v=DMARC1; p=reject", "record_domain": "example.com",
        "discovery": dmarc["discovery"], "alignment": {"spf": True, "dkim": True}, "reason": None}
    asked = {(q["name"], q["type"]): q for q in said["dns"]}
    assert asked["_dmarc.example.com", "TXT"]["answers"] == ["v=DMARC1; p=reject"]
    assert asked["_dmarc.example.com", "TXT"]["status"] == "noerror"
    assert isinstance(asked["_dmarc.example.com", "TXT"]["ms"], (int, float))


def test_spf_pass_only(mx):
    """No signature: the aligned SPF pass is enough."""
    mx.start(zone("v=DMARC1; p=reject"))
    outcome = mx.send(letter())
    assert outcome.field == expect.field(
        expect.spf("pass", "example.com"), expect.NO_DKIM,
        expect.dmarc("pass", "example.com", "reject"))


@pytest.mark.parametrize("canon", ["simple/simple", "simple/relaxed", "relaxed/simple",
                                   "relaxed/relaxed"])
def test_dkim_pass_only_rsa_sha256(mx, canon):
    """A forwarder's address fails SPF: the aligned signature is enough, in each canonical form."""
    mx.start(zone("v=DMARC1; p=reject"))
    message = sign(letter(extra=["X-Folded: one\r\n\ttwo \t  three", "X-Tight:none",
                                 "X-Wide:   three"]), "example.com", rsa_key(), canon=canon)
    outcome = mx.send(message, ip=FOREIGN)
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.dkim("pass", message, "example.com", rsa_key()),
        expect.dmarc("pass", "example.com", "reject"))


def test_dkim_pass_only_ed25519_sha256(mx):
    """The same with an Ed25519 signature."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject",
                          keys={"e1": ed25519_key()}))
    message = sign(letter(), "example.com", ed25519_key(), selector="e1")
    outcome = mx.send(message)
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"),
        expect.dkim("pass", message, "example.com", ed25519_key(), selector="e1"),
        expect.dmarc("pass", "example.com", "reject"))


def test_dkim_two_signatures(mx):
    """Two signatures of two algorithms: one result each, in the message's order."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject",
                          keys={"s1": rsa_key(), "e1": ed25519_key()}))
    message = sign(letter(), "example.com", rsa_key())
    message = sign(message, "example.com", ed25519_key(), selector="e1")
    outcome = mx.send(message)
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"),
        expect.dkim("pass", message, "example.com", ed25519_key(), 0, "e1"),
        expect.dkim("pass", message, "example.com", rsa_key(), 1),
        expect.dmarc("pass", "example.com", "reject"))
    assert outcome.log["dkim"] == "pass:example.com,pass:example.com"


@pytest.mark.parametrize("verifier", ["libopendkim", "own"])
def test_dkim_verifier(mx, verifier):
    """dkim.verifier: whoever verifies, the results are these, in the daemon and in truefrom check."""
    keys = {"s1": rsa_key(), "e1": ed25519_key()}
    mx.start(zones.domain("example.com", spf="v=spf1 -all", dmarc="v=DMARC1; p=reject", keys=keys),
             dkim={"verifier": verifier})
    for canon in ("simple/simple", "relaxed/relaxed"):
        for selector, key in keys.items():
            good = sign(letter(body="one  two \t\r\n\r\nthree\r\n\r\n"), "example.com", key,
                        selector=selector, canon=canon)
            outcome = mx.send(good)
            assert outcome.log["dkim"] == "pass:example.com"
            assert outcome.field == expect.field(
                expect.spf("fail", "example.com"),
                expect.dkim("pass", good, "example.com", key, selector=selector),
                expect.dmarc("pass", "example.com", "reject"))
            for bad, reason in ((good + b"more\r\n", "body hash did not verify"),
                                (good.replace(b"\r\nSubject: ", b"\r\nSubject: Re: "),
                                 "signature did not verify")):
                outcome = mx.send(bad)
                assert (outcome.code, outcome.log["dkim"]) == (550, "fail:example.com")
                assert f'dkim=fail reason="{reason}"' in outcome.check["authentication_results"]


def test_dkim_body_changed(mx):
    """A changed body: the signature fails and says why."""
    mx.start(zone("v=DMARC1; p=reject"))
    message = sign(letter(), "example.com", rsa_key()) + b"added on the way\r\n"
    outcome = mx.send(message, ip=FOREIGN)
    assert (outcome.code, outcome.log["dkim"]) == (550, "fail:example.com")
    assert 'dkim=fail reason="body hash did not verify" header.d=example.com' in (
        outcome.check["authentication_results"])


def test_aligned_by_subdomain_relaxed(mx):
    """bounce.example.com and mail.example.com align with example.com."""
    mx.start(zones.join(
        zone("v=DMARC1; p=reject"),
        zones.domain("bounce.example.com", spf=OUR_MAIL),
        zones.domain("mail.example.com", keys={"s1": rsa_key()})))
    message = sign(letter(), "mail.example.com", rsa_key())
    outcome = mx.send(message, sender="b@bounce.example.com")
    assert outcome.field == expect.field(
        expect.spf("pass", "bounce.example.com"),
        expect.dkim("pass", message, "mail.example.com", rsa_key()),
        expect.dmarc("pass", "example.com", "reject"))
    assert outcome.check["dmarc"]["alignment"] == {"spf": True, "dkim": True}


@pytest.mark.parametrize("ip, alignment", [("192.0.2.1", {"spf": True, "dkim": False}),
                                           (FOREIGN, {"spf": False, "dkim": True})])
def test_aligned_by_subdomain_each(mx, ip, alignment):
    """Either of them alone is enough."""
    mx.start(zones.join(
        zone("v=DMARC1; p=reject", spf="v=spf1 -all"),
        zones.domain("bounce.example.com", spf=OUR_MAIL),
        zones.domain("mail.example.com", keys={"s1": rsa_key()})))
    message = letter()
    if alignment["dkim"]:
        message = sign(message, "mail.example.com", rsa_key())
    outcome = mx.send(message, ip=ip, sender="b@bounce.example.com")
    assert outcome.delivered and outcome.log["dmarc"] == "pass"
    assert outcome.check["dmarc"]["alignment"] == alignment


def test_aligned_by_subdomain_strict(mx):
    """With aspf=s and adkim=s neither aligns."""
    mx.start(zones.join(
        zone("v=DMARC1; p=reject; aspf=s; adkim=s"),
        zones.domain("bounce.example.com", spf=OUR_MAIL),
        zones.domain("mail.example.com", keys={"s1": rsa_key()})))
    message = sign(letter(), "mail.example.com", rsa_key())
    outcome = mx.send(message, sender="b@bounce.example.com")
    assert (outcome.code, outcome.text) == (
        550, "5.7.1 rejected by DMARC policy for example.com")
    assert (outcome.log["spf"], outcome.log["dkim"]) == ("pass", "pass:mail.example.com")
    assert outcome.check["dmarc"]["alignment"] == {"spf": False, "dkim": False}


def test_aligned_strict_same_domain(mx):
    """With aspf=s and adkim=s the very same domain aligns."""
    mx.start(zone("v=DMARC1; p=reject; aspf=s; adkim=s"))
    outcome = mx.send(sign(letter(), "example.com", rsa_key()))
    assert outcome.log["dmarc"] == "pass"
    assert outcome.check["dmarc"]["alignment"] == {"spf": True, "dkim": True}


def test_pass_but_not_aligned(mx):
    """What attack.example authenticates is no help for example.com."""
    mx.start(zones.join(
        zone("v=DMARC1; p=reject"),
        zones.domain("attack.example", spf=OUR_MAIL, keys={"s1": rsa_key()})))
    message = sign(letter(), "attack.example", rsa_key())
    outcome = mx.send(message, sender="x@attack.example", helo="attack.example")
    assert outcome.code == 550
    assert (outcome.log["spf"], outcome.log["dkim"], outcome.log["dmarc"]) == (
        "pass", "pass:attack.example", "fail")


def test_p_none_fail_delivered(mx):
    """p=none: a failure is written down, and delivered."""
    mx.start(zone("v=DMARC1; p=none"))
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered and not outcome.marked
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM,
        expect.dmarc("fail", "example.com", "none"))
    assert outcome.log["rule"] == "none"


def test_p_quarantine_marked(mx):
    """p=quarantine, on_quarantine = "header": delivered with the mark; a forged mark is removed."""
    mx.start(zone("v=DMARC1; p=quarantine"))
    forged = b"X-Truefrom-Quarantine: no\r\n"
    outcome = mx.send(letter(extra=[forged[:-2]]), ip=FOREIGN, removed=[forged])
    assert outcome.delivered and outcome.marked
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM,
        expect.dmarc("fail", "example.com", "quarantine", "quarantine"))
    assert (outcome.log["action"], outcome.log["rule"]) == ("quarantine", "dmarc-policy")


def test_p_quarantine_forged_mark_on_good_mail(mx):
    """A message that passes does not keep a mark that it brought along."""
    mx.start(zone("v=DMARC1; p=quarantine"))
    forged = b"X-Truefrom-Quarantine: yes\r\n"
    outcome = mx.send(letter(extra=[forged[:-2]]), removed=[forged], check=True)
    assert outcome.delivered and not outcome.marked


def test_p_quarantine_held(mx):
    """p=quarantine, on_quarantine = "hold": in Postfix's hold queue, with our field, unmarked."""
    mx.start(zone("v=DMARC1; p=quarantine"), dmarc={"on_quarantine": "hold"})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.held and not outcome.marked
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM,
        expect.dmarc("fail", "example.com", "quarantine", "quarantine"))
    assert outcome.log["action"] == "quarantine"
    assert any("milter-hold: END-OF-MESSAGE" in line
               for line in mx.postfix.log(outcome.log["id"]))
    assert [m["queue_name"] for m in mx.postfix.queue()] == ["hold"]


@pytest.mark.parametrize("choice, code, disposition", [("reject", 550, "reject"),
                                                       ("accept", 250, "none")])
def test_p_quarantine_otherwise(mx, choice, code, disposition):
    """on_quarantine may refuse or do nothing."""
    mx.start(zone("v=DMARC1; p=quarantine"), dmarc={"on_quarantine": choice})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.log["disposition"]) == (code, disposition)


def test_p_reject_default_text(mx):
    """p=reject: 550 5.7.1 and nothing is delivered or queued."""
    mx.start(zone("v=DMARC1; p=reject"))
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (
        550, "5.7.1 rejected by DMARC policy for example.com")
    assert (outcome.log["action"], outcome.log["rule"], outcome.log["disposition"]) == (
        "reject", "dmarc-policy", "reject")
    assert outcome.check["authentication_results"] == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM,
        expect.dmarc("fail", "example.com", "reject", "reject"))
    assert mx.postfix.queue() == [] and mx.postfix.sink.deliveries() == []


def test_p_reject_configured_text(mx):
    """dmarc.reply with each of its variables; a percent sign of the sender's stays one."""
    mx.start(zones.join(zone("v=DMARC1; p=reject")), dmarc={
        "reply": "5.7.1 %{domain} (%{org_domain}) says %{policy}; see https://example.org/50%25"})
    outcome = mx.send(letter(sender="a@news.example.com"), ip=FOREIGN)
    assert (outcome.code, outcome.text) == (
        550, "5.7.1 news.example.com (example.com) says reject; see https://example.org/50%25")


def test_p_reject_queue_id_in_text(mx):
    """%{queue_id} is Postfix's own."""
    mx.start(zone("v=DMARC1; p=reject"), dmarc={"reply": "5.7.1 refused, ref %{queue_id}"})
    outcome = mx.send(letter(), ip=FOREIGN, check=False)
    assert (outcome.code, outcome.text) == (550, f"5.7.1 refused, ref {outcome.log['id']}")


def test_p_reject_several_lines(mx):
    """DMARC-40: several lines; which identifiers were seen and which failed to align."""
    mx.start(zones.join(zone("v=DMARC1; p=reject"),
                        zones.domain("attack.example", spf="v=spf1 ip4:203.0.113.9 -all")),
             dmarc={"reply": "5.7.1 DMARC policy of %{domain}%{newline}%{identifiers}%{newline}ask 100% us"})
    message = sign(letter(), "example.com", rsa_key()) + b"changed\r\n"
    outcome = mx.send(message, ip=FOREIGN, sender="x@attack.example", check=False)
    assert (outcome.code, outcome.text.split("\n")) == (550, [
        "5.7.1 DMARC policy of example.com",
        "5.7.1 SPF pass for attack.example, not aligned; "
        "DKIM fail for example.com (body hash did not verify)",
        "5.7.1 ask 100% us"])


@pytest.mark.parametrize("choice, code, disposition", [("quarantine", 250, "quarantine"),
                                                       ("accept", 250, "none")])
def test_p_reject_otherwise(mx, choice, code, disposition):
    """on_reject may hold back."""
    mx.start(zone("v=DMARC1; p=reject"), dmarc={"on_reject": choice})
    outcome = mx.send(letter(), ip=FOREIGN)
    assert (outcome.code, outcome.log["disposition"]) == (code, disposition)
    assert outcome.marked == (choice == "quarantine")
    assert outcome.field.endswith(expect.dmarc("fail", "example.com", "reject", disposition))


@pytest.mark.parametrize("policy, applied, action", [("reject", "quarantine", "quarantine"),
                                                     ("quarantine", "none", "accept")])
def test_t_y(mx, policy, applied, action):
    """t=y: the policy one step down is applied, the published one is named."""
    mx.start(zone(f"v=DMARC1; p={policy}; t=y"))
    outcome = mx.send(letter(), ip=FOREIGN)
    assert outcome.delivered and outcome.log["action"] == action
    disposition = "quarantine" if action == "quarantine" else "none"
    assert outcome.field.endswith(
        expect.dmarc("fail", "example.com", policy, disposition, applied))


def test_np(mx):
    """np= for a subdomain that does not exist; sp= for one that does."""
    mx.start(zones.join(zone("v=DMARC1; p=none; sp=quarantine; np=reject"),
                        zones.domain("real.example.com")))
    ghost = mx.send(letter(sender="a@ghost.example.com"), ip=FOREIGN)
    assert (ghost.code, ghost.log["policy"]) == (550, "reject")
    real = mx.send(letter(sender="a@real.example.com"), ip=FOREIGN)
    assert (real.code, real.marked, real.log["policy"]) == (250, True, "quarantine")


def test_sp(mx):
    """sp= for subdomains, p= for the domain itself."""
    mx.start(zones.join(zone("v=DMARC1; p=none; sp=reject"), zones.domain("sub.example.com")))
    assert mx.send(letter(sender="a@sub.example.com"), ip=FOREIGN).code == 550
    assert mx.send(letter(), ip=FOREIGN).code == 250


def test_tree_walk_from_deep_below(mx):
    """The record of the organizational domain is found from far below, psd=y is passed by."""
    mx.start(zones.join(zone("v=DMARC1; p=reject; sp=quarantine"),
                        zones.domain("a.b.c.d.e.f.example.com"),
                        {"_dmarc.com": {"TXT": ["v=DMARC1; p=none; psd=y"]}}))
    outcome = mx.send(letter(sender="x@a.b.c.d.e.f.example.com"), ip=FOREIGN)
    assert outcome.log["org"] == "example.com"
    assert outcome.field.endswith(
        expect.dmarc("fail", "a.b.c.d.e.f.example.com", "quarantine", "quarantine"))


def test_no_record(mx):
    """Nobody published a policy: dmarc=none, delivered."""
    mx.start(zones.domain("example.com", spf="v=spf1 -all"))
    outcome = mx.send(letter())
    assert outcome.delivered
    assert outcome.field == expect.field(
        expect.spf("fail", "example.com"), expect.NO_DKIM, expect.dmarc("none", "example.com"))
    assert outcome.check["dmarc"]["policy"] is None
    assert outcome.check["dmarc"]["applied_policy"] is None


def test_nothing_at_all(mx):
    """A domain without any record."""
    mx.start({})
    outcome = mx.send(letter())
    assert outcome.field == expect.field(
        expect.spf("none", "example.com"), expect.NO_DKIM, expect.dmarc("none", "example.com"))


@pytest.mark.parametrize("spf, result", [("v=spf1 ~all", "softfail"), ("v=spf1 ?all", "neutral"),
                                         ("v=spf1 ip4:nonsense -all", "permerror")])
def test_spf_results(mx, spf, result):
    """The results of SPF that are neither pass nor fail; none of them aligns."""
    mx.start(zone("v=DMARC1; p=reject", spf=spf))
    outcome = mx.send(letter())
    assert (outcome.code, outcome.log["spf"]) == (550, result)


def test_ipv6_client(mx):
    """A client with an IPv6 address."""
    mx.start(zone("v=DMARC1; p=reject", spf="v=spf1 ip6:2001:db8::/32 -all"))
    outcome = mx.send(letter(), ip="2001:db8::25")
    assert outcome.field.startswith(expect.field(expect.spf("pass", "example.com")))
    assert outcome.log["client"] == "2001:db8::25"
    assert mx.send(letter(), ip="2001:db9::25").code == 550


@pytest.mark.parametrize("name", ["example.test", "example.invalid", "example.home.arpa"])
def test_names_that_resolvers_keep_to_themselves(mx, name):
    """libunbound answers some names itself unless told otherwise; the scripted server has them."""
    mx.start(zone("v=DMARC1; p=reject", name=name))
    outcome = mx.send(letter(sender=f"a@{name}"), sender=f"a@{name}")
    assert outcome.field == expect.field(
        expect.spf("pass", name), expect.NO_DKIM, expect.dmarc("pass", name, "reject"))


def test_spf_ptr_of_a_reserved_network(mx):
    """The reverse zone of 192.0.2.0/24, which libunbound would answer itself."""
    mx.start(zones.join(
        zone("v=DMARC1; p=reject", spf="v=spf1 ptr -all"),
        {"1.2.0.192.in-addr.arpa": {"PTR": ["mail.example.com"]},
         "mail.example.com": {"A": ["192.0.2.1"]}}))
    assert mx.send(letter()).log["spf"] == "pass"


def test_long_txt_record(mx):
    """An SPF record of several strings and over 512 octets comes whole, over TCP."""
    networks = " ".join(f"ip4:198.51.100.{n}" for n in range(200))
    mx.start(zone("v=DMARC1; p=reject", spf=f"v=spf1 {networks} ip4:192.0.2.1 -all"))
    assert mx.send(letter()).log["spf"] == "pass"
    assert "tcp" in {q.transport for q in mx.dns.questions("example.com", "TXT")}
