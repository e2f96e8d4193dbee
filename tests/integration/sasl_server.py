"""Password checks for Postfix: the server side of Dovecot's authentication protocol, with PLAIN.

So SMTP AUTH is real, and no SASL package with its own data base is needed.
"""

import base64
import os
import socketserver
import threading

USER, PASSWORD = "alice", "correct horse"


class _Session(socketserver.StreamRequestHandler):
    """One connection of an smtpd."""

    def handle(self):
        self._say("VERSION\t1\t2", "MECH\tPLAIN\tplaintext", f"SPID\t{os.getpid()}", "CUID\t1",
                  f"COOKIE\t{os.urandom(16).hex()}", "DONE")
        for line in self.rfile:
            words = line.decode().rstrip("\n").split("\t")
            if words[0] != "AUTH":
                continue
            given = [w[5:] for w in words if w.startswith("resp=")]
            _, user, password = base64.b64decode(given[0]).decode().split("\0")
            if (user, password) == (USER, PASSWORD):
                self._say(f"OK\t{words[1]}\tuser={user}")
            else:
                self._say(f"FAIL\t{words[1]}\tuser={user}")

    def _say(self, *lines):
        self.wfile.write("".join(f"{line}\n" for line in lines).encode())


class SaslServer:
    """The server in threads of its own."""

    def __init__(self, path):
        self._server = socketserver.ThreadingUnixStreamServer(path, _Session)
        self._server.daemon_threads = True
        os.chmod(path, 0o666)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        name="sasl", daemon=True)
        self._thread.start()

    def stop(self):
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
