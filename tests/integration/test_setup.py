"""contrib/setup as a new user meets it: in a throw-away root with a Postfix of its own on port 25."""

import os
import pathlib
import re
import smtplib
import subprocess

import pytest

import namespace
from debian_root import DebianRoot
from dns_server import DnsServer
from zones import domain, join

TOP = pathlib.Path(__file__).resolve().parents[2]
CLONE = "/srv/truefrom"
SETUP = f"{CLONE}/contrib/setup"
OUTSIDE = "198.51.100.66"  # a client that is not trusted
TOUCHED = ("/etc", "/usr/local/bin", "/usr/local/sbin", "/usr/local/share", "/var/lib/truefrom",
           "/var/spool/postfix/truefrom")
LEFT_BY_USERADD = re.compile(r"/etc/((passwd|group|shadow|gshadow|subuid|subgid)-|\.pwd\.lock)$")

MAIN_CF = """\
compatibility_level = 3.6
myhostname = mx.example.org
mydestination = $myhostname, localhost
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
always_bcc = copy@localhost
maillog_file = /var/log/postfix.log
"""

ZONE = join(domain("bank.example", "v=spf1 ip4:192.0.2.25 -all", "v=DMARC1; p=reject"),
            domain("attacker.example", f"v=spf1 ip4:{OUTSIDE} -all", "v=DMARC1; p=none"))

FORGED = b"From: <service@bank.example>\r\nTo: <copy@localhost>\r\nSubject: forged\r\n\r\nhello\r\n"


@pytest.fixture(scope="module", name="built")
def fixture_built(request, ground):
    """A root with the project in it, built once by contrib/setup --build."""
    makefile = pathlib.Path(request.config.getoption("build"), "Makefile")
    if makefile.exists() and re.search(r"(?m)^TF_CFLAGS = .*-fsanitize", makefile.read_text()):
        pytest.skip("setup makes a build of its own: tested where the plain one is")
    if not namespace.isolated():
        pytest.skip("a throw-away root needs namespaces")
    if os.stat("/var").st_dev != os.stat("/").st_dev:
        pytest.skip("/var is not on the root file system, which the throw-away root is made of")
    layers = os.path.join(ground, "setup")
    os.mkdir(layers)
    subprocess.run(["mount", "-t", "tmpfs", "layers", layers], check=True)
    root = DebianRoot(os.path.join(layers, "built"))
    prepare(root)
    root.run(SETUP, "--build")
    yield root
    root.close()
    subprocess.run(["umount", "--lazy", layers], check=True)


def prepare(root):
    """A host as it is before setup, with a mailbox that gets a copy of every message."""
    copy = subprocess.Popen(
        ["tar", "-c", "-C", str(TOP), "--exclude=./.git", "--exclude=./build",
         "--exclude=./build-*", "."], stdout=subprocess.PIPE)
    root.file(CLONE).mkdir()
    subprocess.run(["tar", "-x", "-C", str(root.file(CLONE))], stdin=copy.stdout, check=True)
    assert copy.wait() == 0
    if root.file("/var/lib/truefrom/setup").exists():
        root.run(SETUP, "--remove")  # from this host's own installation
    root.file("/etc/resolv.conf").unlink(missing_ok=True)
    root.file("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="ascii")
    root.file("/etc/postfix/main.cf").write_text(MAIN_CF, encoding="ascii")
    root.run("cp", "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
    root.run("useradd", "--create-home", "copy")


@pytest.fixture(name="root")
def fixture_root(built, ground):
    """A fresh host on which the project is built."""
    number = len(os.listdir(os.path.join(ground, "setup")))
    root = DebianRoot(os.path.join(ground, "setup", str(number)), below=[built])
    yield root
    root.close()


@pytest.fixture(name="resolver")
def fixture_resolver():
    """A DNS server where resolv.conf says that one is."""
    server = DnsServer(port=53)
    server.load(ZONE)
    yield server
    server.stop()


@pytest.fixture(name="outside")
def fixture_outside():
    """An address of this host, on an interface that is not loopback."""
    subprocess.run(["ip", "link", "add", "outside", "type", "veth", "peer", "name", "beyond"],
                   check=True)
    subprocess.run(["ip", "address", "add", f"{OUTSIDE}/32", "dev", "outside"], check=True)
    subprocess.run(["ip", "link", "set", "outside", "up"], check=True)
    yield OUTSIDE
    subprocess.run(["ip", "link", "del", "outside"], check=True)


def offer(message, client="127.0.0.1", sender="bounce@attacker.example"):
    """One message at port 25; the reply to it."""
    with smtplib.SMTP("127.0.0.1", 25, local_hostname="smtp.attacker.example", timeout=60,
                      source_address=(client, 0)) as smtp:
        try:
            smtp.sendmail(sender, ["copy@localhost"], message)
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error.decode()
    return 250, ""


def printed_field(output):
    """The Authentication-Results field that setup shows."""
    return re.search(r"(?m)^Authentication-Results:.*(?:\n[ \t].*)*", output).group(0)


def without_users_backups(snapshot):
    """useradd and userdel keep the former files, which is none of our business."""
    return {path: entry for path, entry in snapshot.items() if not LEFT_BY_USERADD.search(path)}


def addresses():
    """What `ip address` knows."""
    return subprocess.run(["ip", "-o", "address"], capture_output=True, text=True,
                          check=True).stdout


def test_everything_and_back(root, resolver, outside):
    """The first command of README, again, and --remove: settings and files are as before."""
    before = root.snapshot(*TOUCHED)
    output = root.run(SETUP)
    assert "no DNS server" not in output
    assert f"sent from {outside}" in output
    copies = root.file("/var/mail/copy").read_text(encoding="ascii")
    assert printed_field(output).startswith("Authentication-Results: mx.example.org;")
    assert printed_field(output) in copies

    assert root.run("postconf", "-h", "milter_default_action").strip() == "tempfail"
    assert root.run("postconf", "-h", "smtpd_milters").strip() == ""
    assert root.run("postconf", "-P", "smtp/inet/smtpd_milters").split() == [
        "smtp/inet/smtpd_milters", "=", "unix:truefrom/truefrom.sock"]
    assert resolver.questions("_dmarc.example.com", "TXT")

    code, text = offer(FORGED, outside)
    assert (code, text[:5]) == (550, "5.7.1")
    assert offer(FORGED)[0] == 250  # a trusted network is exempt

    installed = root.snapshot(*TOUCHED)
    output = root.run(SETUP)
    assert "nothing was changed" in output
    assert re.findall(r"(?m)^   \+ .*", output) == []
    assert root.snapshot(*TOUCHED) == installed

    root.run(SETUP, "--remove")
    assert without_users_backups(root.snapshot(*TOUCHED)) == without_users_backups(before)
    assert offer(FORGED, outside)[0] == 250
    assert "nothing was changed" in root.run(SETUP, "--remove")


def test_demonstration(root):
    """It ends with a message that passes and one that would be refused, without any DNS."""
    output = root.run(SETUP)
    genuine, forged = output.split("$ truefrom check")[1:]
    assert "dmarc=pass" in genuine
    assert "550 5.7.1" in forged
    assert "genuine.eml would be delivered; forged.eml would be refused." in forged
    assert "no DNS server answers here" in output
    assert "dmarc=" in printed_field(output)
    assert "192.0.2.77" not in addresses()


def test_neighbours(root, resolver):
    """Filters that are there keep their place and their default action; submission is left alone."""
    del resolver
    root.run("postconf", "-e", "smtpd_milters = inet:127.0.0.1:8891", "milter_default_action=accept",
             "smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination")
    root.run("postconf", "-M", "submission/inet=submission inet n - y - - smtpd -o syslog_name=postfix/submission")
    output = root.run(SETUP)
    assert root.run("postconf", "-h", "milter_default_action").strip() == "accept"
    assert root.run("postconf", "-P", "smtp/inet/smtpd_milters").split()[-1] == (
        "{unix:truefrom/truefrom.sock,default_action=tempfail},inet:127.0.0.1:8891")
    assert "smtpd_milters" not in root.run("postconf", "-M", "submission/inet")
    installed = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", "opendkim"],
                               capture_output=True, text=True, check=False).stdout == "installed"
    assert ("opendkim is here" in output) == installed

    # The postmaster's next edits, in both files.
    root.run("postconf", "-e", "smtpd_milters = inet:127.0.0.1:8891 inet:127.0.0.1:8892",
             "smtpd_recipient_restrictions = check_policy_service unix:private/policyd-spf")
    assert "policyd-spf is here" in root.run(SETUP)
    assert root.run("postconf", "-P", "smtp/inet/smtpd_milters").split()[-1] == (
        "{unix:truefrom/truefrom.sock,default_action=tempfail},"
        "inet:127.0.0.1:8891,inet:127.0.0.1:8892")
    root.run(SETUP, "--remove")
    assert root.run("postconf", "-h", "smtpd_milters").strip() == (
        "inet:127.0.0.1:8891 inet:127.0.0.1:8892")
    assert "smtp/inet/smtpd_milters" not in root.run("postconf", "-P")
    assert root.run("postconf", "-h", "milter_default_action").strip() == "accept"


def test_failure_leaves_postfix_alone(root):
    """A socket that the chrooted smtpd cannot see: said, and Postfix gets its settings back."""
    root.file("/etc/truefrom").mkdir()
    root.file("/etc/truefrom/truefrom.conf").write_text(
        'socket = "unix:/run/truefrom.sock"\npid_file = "/run/truefromd.pid"\n', encoding="ascii")
    before = root.snapshot("/etc/postfix")
    output = root.run(SETUP, status=3)
    assert "Postfix cannot reach truefromd" in output
    assert "former settings" in output
    assert root.snapshot("/etc/postfix") == before
    root.run("postfix", "start")
    assert offer(FORGED)[0] == 250


def test_own_configuration_stays(root, resolver, outside):
    """What the postmaster edits is never overwritten, nor removed; mode = monitor refuses nothing."""
    del resolver
    root.run(SETUP)
    path = root.file("/etc/truefrom/truefrom.conf")
    path.write_text(path.read_text(encoding="utf-8") + 'mode = "monitor"\n', encoding="utf-8")
    edited = path.read_text(encoding="utf-8")
    pid = root.file("/run/truefromd.pid").read_text(encoding="ascii").strip()
    root.run("kill", "-USR1", pid)
    assert "is yours and stays" in root.run(SETUP)
    assert offer(FORGED, outside)[0] == 250
    assert path.read_text(encoding="utf-8") == edited
    assert root.file("/run/truefromd.pid").read_text(encoding="ascii").strip() == pid
    assert "was edited, so it stays" in root.run(SETUP, "--remove")
    assert path.read_text(encoding="utf-8") == edited


@pytest.mark.parametrize("argument, status", [("--help", 0), ("-h", 0), ("--nonsense", 2)])
def test_usage(argument, status):
    """Help is help, and a wrong word is told from a failure."""
    done = subprocess.run([TOP / "contrib/setup", argument], capture_output=True, text=True,
                          check=False)
    assert done.returncode == status
    assert "usage: contrib/setup" in done.stdout + done.stderr
