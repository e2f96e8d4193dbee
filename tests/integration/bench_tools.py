"""The programs of tests/bench: built when they are needed, run, and what they work on."""

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import threading

import dns.message
import dns.query

NAMES = ("dns_server", "empty_filter", "load")


class Tools:
    """The programs of one build."""

    def __init__(self, build, patience=1.0):
        self._folder = os.path.join(build, "tests", "bench")
        self.patience = patience
        made = subprocess.run(["make", "-s", "-C", build, *(f"tests/bench/{n}" for n in NAMES)],
                              check=False, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr

    def path(self, name):
        """Where a program lies."""
        return os.path.join(self._folder, name)

    def load(self, corpus, *sockets, **options):
        """A run of the load generator: what it measured."""
        command = [self.path("load"), "--corpus", corpus]
        for spec in sockets:
            command += ["--socket", spec]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        result = subprocess.run(command, capture_output=True, text=True, check=False,
                                timeout=60 * self.patience)
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
        return json.loads(result.stdout)

    @contextlib.contextmanager
    def dns(self, zone, *options):
        """The DNS server with a zone file."""
        with subprocess.Popen([self.path("dns_server"), "--listen", "127.0.0.1@0",
                               "--zone", zone, *options],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            server = re.fullmatch(r"listening on (127\.0\.0\.1@(\d+))\n",
                                  process.stdout.readline())
            yield FastDns(process, server.group(1), int(server.group(2)))
            process.stdin.close()
            assert process.wait(10 * self.patience) == 0

    @contextlib.contextmanager
    def empty_filter(self, spec, *options):
        """The filter that does nothing."""
        with subprocess.Popen([self.path("empty_filter"), spec, *options]) as process:
            yield
            process.kill()  # libmilter takes its time to end in order


class FastDns:
    """A running DNS server."""

    def __init__(self, process, server, port):
        self.process = process
        self.server = server
        self.port = port

    def ask(self, name, rtype="TXT", timeout=5, tcp=False, **options):
        """The response to one question."""
        query = dns.message.make_query(name, rtype, **options)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, "127.0.0.1", port=self.port, timeout=timeout)

    def counters(self):
        """Questions, answers, and questions dropped so far."""
        text = self.ask("counters.bench.").answer[0][0].strings[0].decode()
        counts = re.fullmatch(r"questions=(\d+) answers=(\d+) dropped=(\d+)", text)
        return tuple(int(count) for count in counts.groups())


def write_corpus(folder, zone, letters):
    """A corpus folder; letters are pairs of the columns behind the file name and the message."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "zone"), "w", encoding="ascii") as file:
        for name, types in zone.items():
            for rtype, values in types.items():
                for value in values if isinstance(values, list) else [values]:
                    if rtype == "TXT":
                        value = " ".join(f'"{value[i:i + 250]}"'
                                         for i in range(0, len(value), 250))
                    file.write(f"{name}. 3600 IN {rtype} {value}\n")
    with open(os.path.join(folder, "index"), "w", encoding="ascii") as index:
        index.write("# file, client, helo, sender, recipient, spf, dkim, arc, dmarc, action\n")
        for number, (columns, message) in enumerate(letters):
            name = f"{number:04}.eml"
            with open(os.path.join(folder, name), "wb") as file:
                file.write(message)
            index.write("\t".join([name, *columns]) + "\n")
    return folder


class Recorder:
    """A filter that answers everything and remembers what it heard; `misbehave` takes over when
    it is there, with the connected socket."""

    def __init__(self, path, protocol=0, answers=None, misbehave=None):
        self.spec = f"unix:{path}"
        self.heard = []  # (command, data) of all connections
        self._protocol = protocol
        self._answers = answers or {}
        self._misbehave = misbehave
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(16)
        threading.Thread(target=self._serve, name="recorder", daemon=True).start()

    def close(self):
        """No further connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def commands(self):
        """What it heard, as letters; macros in lower case."""
        return "".join("d" if command == "D" else command for command, _ in self.heard)

    def headers(self):
        """The fields that it was told of."""
        return [tuple(data.split(b"\0")[:2]) for command, data in self.heard if command == "L"]

    def _serve(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError, EOFError):
                (self._misbehave or self._converse)(sock)

    def _converse(self, sock):
        stream = sock.makefile("rb")
        while True:
            head = stream.read(5)
            if len(head) < 5:
                return
            size, command = struct.unpack("!Ic", head)
            data, command = stream.read(size - 1), command.decode()
            self.heard.append((command, data))
            if command == "O":
                _send(sock, b"O" + struct.pack("!III", 6, 0x1FF, self._protocol))
            elif command == "Q":
                return
            elif command not in "DA":
                for answer in self._answers.get(command, [b"c"]):
                    _send(sock, answer)


def _send(sock, packet):
    sock.sendall(struct.pack("!I", len(packet)) + packet)
