"""Where Postfix delivers: an LMTP server that keeps each message byte by byte."""

import dataclasses
import re
import socketserver
import threading


@dataclasses.dataclass
class Delivery:
    """One delivered message."""

    sender: str
    recipients: list
    data: bytes  # with CRLF, as it came

    @property
    def queue_id(self):
        """The queue id that our Postfix wrote into its Received field."""
        found = re.search(rb"\bby mx\.example\.org \([^)]*\)[^;]*? id (\w+)", self.data)
        return found.group(1).decode() if found else None


class _Session(socketserver.StreamRequestHandler):
    """One connection from Postfix."""

    def handle(self):
        self._say("220 sink.example.org LMTP")
        sender, recipients = None, []
        for line in self.rfile:
            verb = line.split(None, 1)[0].upper() if line.strip() else b""
            if verb == b"LHLO":
                self._say("250-sink.example.org", "250-8BITMIME", "250-SMTPUTF8", "250 PIPELINING")
            elif verb == b"MAIL":
                sender, recipients = self._path(line), []
                self._say("250 2.1.0 Ok")
            elif verb == b"RCPT":
                recipients.append(self._path(line))
                self._say("250 2.1.5 Ok")
            elif verb == b"DATA":
                self._say("354 go on")
                self.server.sink.keep(Delivery(sender, recipients, self._data()))
                self._say(*["250 2.0.0 Ok"] * len(recipients))
            elif verb == b"QUIT":
                self._say("221 2.0.0 Bye")
                return
            else:
                self._say("250 2.0.0 Ok")

    def _data(self):
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    @staticmethod
    def _path(line):
        return re.search(rb"<(.*)>", line).group(1).decode("utf-8", "surrogateescape")

    def _say(self, *lines):
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class LmtpSink:
    """The server in threads of its own."""

    def __init__(self, path):
        self._arrived = threading.Condition()
        self._deliveries = []
        self._server = _Server(path, _Session)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        name="lmtp", daemon=True)
        self._thread.start()

    def keep(self, delivery):
        """Called by a session for each message."""
        with self._arrived:
            self._deliveries.append(delivery)
            self._arrived.notify_all()

    def deliveries(self):
        """All messages so far."""
        with self._arrived:
            return list(self._deliveries)

    def clear(self):
        """Forget the messages so far."""
        with self._arrived:
            self._deliveries = []

    def wait_until(self, condition, timeout=30):
        """Sleep until the list of deliveries fulfils a condition; returns what that gave."""
        with self._arrived:
            value = self._arrived.wait_for(lambda: condition(self._deliveries), timeout)
            assert value, f"not delivered within {timeout} s"
            return value

    def wait_for(self, wanted, timeout=30):
        """Sleep until there is a delivery that fulfils a predicate; returns it."""
        return self.wait_until(lambda all_: next(filter(wanted, all_), None), timeout)

    def stop(self):
        """End the server."""
        self._server.shutdown()
        self._server.server_close()
