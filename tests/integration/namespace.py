"""The test run's own network, mount and process namespace.

Inside it the run has a loopback of its own, may bind port 53 and put its own resolv.conf in
place, and the kernel ends whatever is left when the run ends, however it ends. Where namespaces
are forbidden (an unprivileged container) the run goes on without: everything listens on loopback
at ports that were free.
"""

import os
import shutil
import subprocess
import sys

VARIABLE = "TRUEFROM_TEST_NAMESPACE"
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def isolated():
    """Are we in a namespace that this run made?"""
    return os.environ.get(VARIABLE) == "own"


def enter(config):
    """Start the run again inside a namespace, unless it is there already."""
    if VARIABLE in os.environ:
        if isolated():
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    possible = shutil.which("unshare") and subprocess.run(
        [*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    if not possible:
        os.environ[VARIABLE] = "none"
        return
    config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
    os.environ[VARIABLE] = "own"
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, "-m", "pytest",
                           *config.invocation_params.args])
