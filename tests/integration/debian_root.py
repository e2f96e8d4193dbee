"""A root to try an installation in: this host's files under an overlay that is thrown away.

It has a process namespace of its own, so that whatever was started in it ends with it; the network
is that of the test run. Nothing that happens in it reaches the host's files.
"""

import hashlib
import os
import pathlib
import stat
import subprocess

import wait

# Arguments: mount point, upper folder, work folder, lower folders.
ENTER = """\
set -e
mount -t overlay overlay -o "lowerdir=$4,upperdir=$2,workdir=$3" "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs run "$1/run"
mount -t tmpfs dev "$1/dev"
for node in null zero full random urandom tty; do
    touch "$1/dev/$node"
    mount --bind "/dev/$node" "$1/dev/$node"
done
ln -s /proc/self/fd "$1/dev/fd"
mkdir -m 1777 "$1/dev/shm"
exec chroot "$1" sh -c 'touch /run/entered; exec sleep infinity'
"""


class DebianRoot:
    """The root; layers below it may be other roots, whose files it sees and does not change."""

    def __init__(self, folder, below=()):
        self.upper = os.path.join(folder, "upper")
        self.path = os.path.join(folder, "root")
        work = os.path.join(folder, "work")
        for name in (self.upper, self.path, work):
            os.makedirs(name)
        lower = ":".join([*(root.upper for root in below), "/"])
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "bash", "-c", ENTER, "enter", self.path, self.upper, work, lower],
            stdin=subprocess.DEVNULL)
        self._pid = wait.until(self._entered, "the root is there", 30)

    def run(self, *command, status=0):
        """Run a command in it; returns what it printed, stderr included."""
        done = subprocess.run(
            ["nsenter", f"--target={self._pid}", "--mount", "--pid", "--root", "--",
             "env", "-i", "-C", "/", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=900, check=False)
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def file(self, path):
        """A file's place as this process reaches it."""
        return pathlib.Path(f"/proc/{self._pid}/root{path}")

    def snapshot(self, *folders):
        """Every file below the folders: kind, mode, owner and content."""
        found = {}
        for folder in folders:
            for parent, _, names in os.walk(self.file(folder)):
                for path in [parent, *(os.path.join(parent, name) for name in names)]:
                    inside = path.removeprefix(f"/proc/{self._pid}/root")
                    found[inside] = _describe(path)
        return found

    def close(self):
        """End everything in it."""
        self._process.kill()
        self._process.wait()

    def _entered(self):
        assert self._process.poll() is None, "no overlay root can be made here"
        children = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pid = children.read_text(encoding="ascii").strip()
        return pid if pid and os.path.exists(f"/proc/{pid}/root/run/entered") else None


def _describe(path):
    info = os.lstat(path)
    content = None
    if stat.S_ISLNK(info.st_mode):
        content = os.readlink(path)
    elif stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    return info.st_mode, info.st_uid, info.st_gid, content
