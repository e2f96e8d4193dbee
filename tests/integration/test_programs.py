"""The two programs on the command line: options, exit codes, messages."""

import json
import os
import re
import socket
import subprocess

import pytest

import namespace
import settings as config
import zones
from letter import letter
from signing import rsa_key, sign

FOREIGN = "203.0.113.9"


@pytest.fixture(name="conf")
def fixture_conf(folder):
    """Write a configuration file; returns its name."""
    def write(text):
        path = os.path.join(folder, "t.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text if isinstance(text, str) else config.render(text))
        return path
    return write


@pytest.fixture(name="zone_file")
def fixture_zone_file(folder):
    """A zone for truefrom check --zone."""
    path = os.path.join(folder, "t.zone")
    with open(path, "w", encoding="ascii") as file:
        file.write('example.com. 60 IN TXT "v=spf1 ip4:192.0.2.0/24 -all"\n'
                   '_dmarc.example.com. 60 IN TXT "v=DMARC1; p=reject"\n')
    return path


def test_truefromd_version(programs):
    """-V: version and linked libraries."""
    result = programs.run(programs.truefromd, "-V")
    assert result.returncode == 0
    assert re.match(r"truefromd \d+\.\d+", result.stdout)
    libraries = ("opendkim", "unbound", "ldns", "OpenSSL", "libidn2 2", "libconfuse 3", "jansson 2")
    for library in ("milter", *libraries):
        assert library.lower() in result.stdout.lower()
    result = programs.run(programs.truefrom, "--version")
    assert re.match(r"truefrom \d+\.\d+", result.stdout)
    for library in libraries:
        assert library.lower() in result.stdout.lower()


def test_truefromd_check_of_a_good_file(programs, conf):
    """-t with a good file: silence and 0."""
    result = programs.run(programs.truefromd, "-t", "-c", conf('mode = "monitor"\n'))
    assert (result.returncode, result.stderr) == (0, "")


def test_truefromd_check_of_nothing_but_comments(programs, conf):
    """Every key has a default that is right."""
    assert programs.run(programs.truefromd, "-t", "-c", conf("# nothing\n")).returncode == 0


BROKEN = {
    "unknown key": ("moode = 1\n", 1, "moode", "mode"),
    "unknown key in a section": ("\ndns {\n  timeot = 1\n}\n", 3, "dns.timeot", "timeout"),
    "wrong value": ('mode = "monitr"\n', 1, "mode", "monitor"),
    "wrong type": ('\n\nmessage_deadline = "soon"\n', 3, "message_deadline", ""),
    "out of range": ("dns {\n  timeout = 0\n}\n", 2, "dns.timeout", ""),
    "contradiction": ('dns {\n  recursive = true\n  servers = {"127.0.0.1"}\n}\n', None,
                      "dns.", "dns.servers"),
    "deadline below the question's": ("message_deadline = 2\ndns { timeout = 5 }\n", None,
                                      "", "message_deadline"),
    "twice": ('mode = "monitor"\nmode = "enforce"\n', 2, "mode", ""),
    "unclosed section": ("dns {\n  timeout = 5\n", None, "dns", ""),
    "bad network": ('trusted_networks = {"10.0.0.0/33"}\n', 1, "trusted_networks", "10.0.0.0/33"),
    "bad date": ('domain "example.com" {\n  policy = "none"\n  until = "2027-02-30"\n}\n', 3,
                 'domain "example.com".until', "2027-02-30"),
    "after comments": ("# one\n# two\n/* three\nfour */\nmoode = 1\n", 5, "moode", "mode"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_configuration(programs, conf, case):
    """An error names file, line, key, what is wrong and what would be right; exit code 1."""
    text, line, key, hint = BROKEN[case]
    path = conf(text)
    for command in ((programs.truefromd, "-t", "-c", path),
                    (programs.truefrom, "config", "--config", path, "--check")):
        result = programs.run(*command)
        assert result.returncode == 1
        where = rf"{re.escape(path)}:{line if line else '[0-9]+'}: {re.escape(key)}"
        assert re.search(where, result.stderr), result.stderr
        assert hint in result.stderr
        assert result.stderr.startswith(os.path.basename(command[0]) + ": ")


def test_serving_with_a_broken_file(programs, conf):
    """truefromd does not start with a broken file."""
    assert programs.run(programs.truefromd, "-f", "-c", conf("moode = 1\n")).returncode in (1, 3)


def test_missing_file_that_was_named(programs, folder):
    """-c, --config and TRUEFROM_CONFIG of a missing file: 3."""
    path = os.path.join(folder, "none.conf")
    environment = {"TRUEFROM_CONFIG": path}
    for command, env in (((programs.truefromd, "-t", "-c", path), None),
                         ((programs.truefromd, "-f", "-c", path), None),
                         ((programs.truefromd, "-t"), environment),
                         ((programs.truefrom, "config", "--config", path, "--check"), None),
                         ((programs.truefrom, "config", "--check"), environment),
                         ((programs.truefrom, "check", "--config", path), None)):
        result = programs.run(*command, env=env, stdin=letter())
        assert result.returncode == 3, command
        assert path in result.stderr


def test_truefrom_config_variable(programs, conf):
    """TRUEFROM_CONFIG names the default file of both programs; -c wins."""
    env = {"TRUEFROM_CONFIG": conf("moode = 1\n")}
    assert programs.run(programs.truefromd, "-t", env=env).returncode == 1
    assert programs.run(programs.truefrom, "config", "--check", env=env).returncode == 1
    assert programs.run(programs.truefromd, "-t", "-c", "/dev/null", env=env).returncode == 0


@pytest.mark.parametrize("spec, words", [
    ("unix:/nonexistent/x.sock", "No such file or directory; name a path in a folder"),
    ("inet:8893@192.0.2.1", "name an address of this host and a port that nobody uses"),
    ("inet:PORT@127.0.0.1", "Address already in use; name an address"),
], ids=["folder", "address", "port"])
def test_truefromd_cannot_listen(programs, conf, spec, words):
    """What the system says, and what would be right: 3."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        spec = spec.replace("PORT", str(taken.getsockname()[1]))
        result = programs.run(programs.truefromd, "-f", "-c", conf({"socket": spec, "user": ""}))
    assert result.returncode == 3
    assert f"socket: cannot listen on {spec}" in result.stderr and words in result.stderr


def test_truefromd_unknown_account(programs, conf, folder):
    """Names that nobody has are told with what would be right: 3."""
    for key, name in (("user", "user"), ("socket_group", "group")):
        result = programs.run(programs.truefromd, "-f", "-c", conf({
            "socket": f"unix:{folder}/s", "user": "", key: "nobody-has-it"}))
        assert result.returncode == 3
        assert f'{key}: there is no {name} "nobody-has-it"; create it or set {key} = ""' in \
            result.stderr


def test_truefromd_large_group(programs, conf, folder):
    """A group is found however many members it has, and an entry that is too large is told so."""
    if not namespace.isolated():
        pytest.skip("needs a namespace of its own")
    path = os.path.join(folder, "group")
    for members, words in ((4000, "pid_file: cannot write"),
                           (200000, 'socket_group: cannot look up "many": ')):
        with open("/etc/group", encoding="utf-8") as known, \
                open(path, "w", encoding="utf-8") as file:
            file.write(known.read())
            file.write("many:x:12345:" + ",".join(f"m{n}" for n in range(members)) + "\n")
        subprocess.run(["mount", "--bind", path, "/etc/group"], check=True)
        try:
            result = programs.run(programs.truefromd, "-f", "-c", conf({
                "socket": f"unix:{folder}/s", "user": "", "socket_group": "many",
                "pid_file": f"{folder}/none/pid"}))
        finally:
            subprocess.run(["umount", "/etc/group"], check=True)
        assert result.returncode == 3
        assert words in result.stderr


def test_missing_default_file(programs):
    """No default file: defaults and one warning."""
    result = programs.run(programs.truefromd, "-t")
    assert result.returncode == 0
    if not os.path.exists("/etc/truefrom/truefrom.conf"):
        assert len(result.stderr.splitlines()) == 1


def test_help(programs):
    """Both say on standard output what options there are, and which version they are."""
    for program in (programs.truefromd, programs.truefrom):
        name = os.path.basename(program)
        for options, begin in ((("-h", "--help"), f"usage: {name} "), (("-V", "--version"), f"{name} ")):
            said = [programs.run(program, option) for option in options]
            assert [(s.returncode, s.stderr) for s in said] == [(0, "")] * 2
            assert said[0].stdout == said[1].stdout and said[0].stdout.startswith(begin)


@pytest.mark.parametrize("arguments", [["-x"], ["-c"], ["-f", "surplus"]], ids=str)
def test_truefromd_wrong_usage(programs, arguments):
    """Wrong usage: 2."""
    result = programs.run(programs.truefromd, *arguments)
    assert result.returncode == 2 and result.stderr


@pytest.mark.parametrize("arguments", [
    [], ["no-such-command"], ["check", "--no-such-option"], ["check", "--ip"],
    ["check", "--ip", "not-an-address"], ["check", "a", "b"],
    ["check", "--dns", "localhost"], ["check", "--dns", "192.0.2.1@65536"],
    ["config", "--check", "--defaults"],
], ids=" ".join)
def test_truefrom_wrong_usage(programs, arguments):
    """Wrong usage: 2, and what is wrong after the program's name."""
    result = programs.run(programs.truefrom, *arguments)
    assert result.returncode == 2
    assert re.match("truefrom: .|usage: ", result.stderr), result.stderr


def test_cannot_bind(programs, conf, postfix):
    """A port that another has: 3, and the reason."""
    port = postfix.ports["plain"]
    result = programs.run(programs.truefromd, "-f", "-c",
                          conf({"socket": f"inet:{port}@127.0.0.1", "user": ""}))
    assert result.returncode == 3
    assert str(port) in result.stderr


def test_unknown_user(programs, conf, postfix):
    """A user that does not exist: 3, and the reason."""
    del postfix
    result = programs.run(programs.truefromd, "-f", "-c",
                          conf({"socket": "inet:1@127.0.0.1", "user": "no-such-user"}))
    assert result.returncode == 3
    assert "no-such-user" in result.stderr


def test_config_defaults_are_the_defaults(programs, conf):
    """What --defaults prints is a configuration without any difference."""
    text = programs.run(programs.truefrom, "config", "--defaults").stdout
    path = conf(text)
    assert programs.run(programs.truefrom, "config", "--config", path, "--check").returncode == 0
    assert programs.run(programs.truefrom, "config", "--config", path, "--diff").stdout == ""
    for key in ("socket", "message_deadline", "max_void_lookups", "on_invalid_from", "reply"):
        assert re.search(rf"^\s*(# *)?{key}\s*=", text, re.M), key


def test_config_diff(programs, conf):
    """--diff prints what differs from the defaults, as configuration, and nothing else."""
    path = conf('mode = "monitor"\nmessage_deadline = 20\ndns {\n  timeout = 7\n}\n')
    result = programs.run(programs.truefrom, "config", "--config", path, "--diff")
    assert result.returncode == 0
    assert "monitor" in result.stdout and "timeout" in result.stdout
    assert "message_deadline" not in result.stdout
    again = programs.run(programs.truefrom, "config", "--config", conf(result.stdout), "--diff")
    assert again.stdout == result.stdout


def check(programs, zone_file, *options, message=None):
    """truefrom check with the zone of these tests."""
    return programs.run(programs.truefrom, "check", "--config", "/dev/null", "--zone", zone_file,
                        "--mail-from", "alice@example.com", "--helo", "mail.example.com",
                        *options, stdin=letter() if message is None else message)


def test_check_zone(programs, zone_file):
    """--zone: no network is needed; pass and refusal."""
    good = check(programs, zone_file, "--json", "--ip", "192.0.2.1")
    assert good.returncode == 0
    said = json.loads(good.stdout)
    assert (said["spf"]["result"], said["dmarc"]["result"], said["action"]) == (
        "pass", "pass", "accept")
    bad = check(programs, zone_file, "--json", "--ip", FOREIGN)
    assert bad.returncode == 0
    said = json.loads(bad.stdout)
    assert (said["action"], said["reply"], said["rule"]) == (
        "reject", "550 5.7.1 rejected by DMARC policy for example.com", "dmarc-policy")


@pytest.mark.parametrize("ip, code", [("192.0.2.1", 0), (FOREIGN, 1)])
def test_check_exit_code(programs, zone_file, ip, code):
    """--exit-code: 1 for a message that would be rejected."""
    assert check(programs, zone_file, "--exit-code", "--ip", ip).returncode == code


def test_check_without_client(programs, zone_file):
    """Without --ip SPF is none and nothing is exempt by network."""
    said = json.loads(check(programs, zone_file, "--json").stdout)
    assert (said["spf"]["result"], said["rule"]) == ("none", "dmarc-policy")


def test_check_exempt(programs, zone_file):
    """Exempt mail: all results none, the rule says why."""
    for options, rule in ((["--ip", "127.0.0.1"], "trusted-network"),
                          (["--ip", FOREIGN, "--auth", "alice"], "authenticated")):
        said = json.loads(check(programs, zone_file, "--json", *options).stdout)
        assert (said["rule"], said["action"], said["dkim"], said["dns"]) == (
            rule, "accept", [], [])
        assert {said[key]["result"] for key in ("spf", "helo", "arc", "dmarc")} == {"none"}


def test_check_file_and_line_ends(programs, zone_file, folder):
    """A file with LF says what standard input with CRLF says."""
    message = sign(letter(), "example.com", rsa_key())
    path = os.path.join(folder, "message.eml")
    with open(path, "wb") as file:
        file.write(message.replace(b"\r\n", b"\n"))
    options = ["--json", "--ip", "192.0.2.1"]
    said = [json.loads(check(programs, zone_file, *options, message=message).stdout),
            json.loads(check(programs, zone_file, *options, path).stdout)]
    for one in said:
        for question in one["dns"]:
            question.pop("ms")
    assert said[0] == said[1]


def test_check_words(programs, zone_file):
    """In words: identities, questions and answers, the rule; no colour when nobody looks."""
    text = check(programs, zone_file, "--ip", FOREIGN).stdout
    for word in ("203.0.113.9", "example.com", "_dmarc.example.com", "v=DMARC1; p=reject",
                 "550 5.7.1"):
        assert word in text
    assert "\x1b" not in text


def test_check_missing_message(programs):
    """A message that cannot be read: 3."""
    result = programs.run(programs.truefrom, "check", "--config", "/dev/null", "/no/such/file")
    assert result.returncode == 3
    assert result.stderr == "truefrom: /no/such/file: cannot be opened: No such file or directory\n"
    result = programs.run(programs.truefrom, "check", "--config", "/dev/null", "/")
    assert result.returncode == 3
    assert result.stderr == "truefrom: the message: cannot be read: Is a directory\n"


def test_check_dns_option(programs, dns):
    """--dns takes the place of dns.servers."""
    dns.load(zones.domain("example.com", spf="v=spf1 ip4:192.0.2.0/24 -all",
                          dmarc="v=DMARC1; p=reject"))
    said = programs.check("/dev/null", letter(), "--dns", dns.server, "--ip", "192.0.2.1",
                          "--helo", "mail.example.com", "--mail-from", "alice@example.com")
    assert said["dmarc"]["result"] == "pass"
    assert dns.questions("_dmarc.example.com", "TXT")
