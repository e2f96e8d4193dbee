"""Waiting for a condition, with a bound."""

import time


def until(condition, what, timeout=10, step=0.01):
    """Ask again and again until the condition gives something true; returns that."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        time.sleep(step)
