"""Whoever starts truefromd again when it ends, as systemd's Restart=always does."""

import threading


class Supervisor:
    """As a context: keeps a daemon running that was started already."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._halt = threading.Event()
        self._again = threading.Condition()
        self._failure = None
        self.codes = []  # with which it ended, so far
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._halt.set()
        self._thread.join(60)
        assert not self._thread.is_alive() and self._failure is None, self._failure

    def wait_for(self, count, timeout=60):
        """Sleep until it was started again so many times."""
        with self._again:
            assert self._again.wait_for(
                lambda: len(self.codes) >= count or self._failure, timeout), self.codes
            assert self._failure is None, self._failure

    def _run(self):
        while not self._halt.wait(0.02):
            if self._daemon.running():
                continue
            code = self._daemon.wait()
            try:
                self._daemon.start()
            except AssertionError as error:
                self._failure = error
            with self._again:
                self.codes.append(code)
                self._again.notify_all()
            if self._failure is not None:
                return
