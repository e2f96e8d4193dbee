"""How truefromd's cost grows: message size, signatures, connections, domains in the cache.

Each point is the CPU of one message, the median of three runs, its corpus sent once before to fill
the caches. A fit says how cost grows with x: the exponent k of x^k between one point and the next.
Up to 1 is linear or better; what is measured is off by some percent, so that 1.1 still counts.
"""

import math

import ground
from filters import Truefrom

TOLERANCE = 1.1
RUNS = 3
FULL = {"size": (1000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000),
        "signatures": (0, 1, 2, 5, 10, 20, 50),
        "connections": (1, 3, 10, 30, 100, 300, 1000),
        "domains": (100, 300, 1000, 3000, 10_000)}
QUICK = {"size": (1000, 100_000, 10_000_000), "signatures": (0, 2, 10, 50),
         "connections": (1, 30, 1000), "domains": (100, 1000)}
WHAT = {"size": "message size, octets", "signatures": "signatures of a message",
        "connections": "connections at once", "domains": "domains in the cache"}


def measure(bench, quick):
    """The curves, each with its points and its fit."""
    points = QUICK if quick else FULL
    effort = 0.2 if quick else 1.0
    return {
        "size": curve(bench, "size", [
            (x, f"size:{x}", 1, {}, 8, max(8, int(effort * 1e9 / (400_000 + 4 * x))))
            for x in points["size"]]),
        "signatures": curve(bench, "signatures", [
            (x, f"signatures:{x}", 1, {"dkim": {"max_signatures": 50}}, 8,
             int(effort * 2000 / (1 + x / 5))) for x in points["signatures"]]),
        "connections": curve(bench, "connections", [
            (x, "mixed", 200, {}, x, max(2 * x, int(effort * 2000)))
            for x in points["connections"]]),
        "domains": curve(bench, "domains", [
            (x, "domains", x, {}, 8, max(x, int(effort * 2000))) for x in points["domains"]]),
    }


def curve(bench, name, settings):
    """One curve."""
    bench.say(f"curve: {WHAT[name]}")
    points = []
    for x, kind, count, changes, connections, messages in settings:
        folder = bench.corpus(kind, count)
        each = Truefrom(bench.build, changes)
        with bench.dns.serving(folder / "zone"), bench.running(each):
            bench.measure(each, folder, 8, max(8, count))
            runs = [bench.measure(each, folder, connections, messages) for _ in range(RUNS)]
            seen = sorted(runs, key=lambda run: run["cpu_ms"])[RUNS // 2]
            points.append({"x": x, "cpu_ms": seen["cpu_ms"], "messages": seen["messages"],
                           "p50_ms": seen["latency_ms"]["p50"], "questions": seen["questions"],
                           "per_second": seen["messages_per_second"],
                           "errors": seen["errors"]["total"],
                           "peak_mb": ground.memory_mb(each.pids())})
    return {"what": WHAT[name], "points": points, **fit(points)}


def fit(points):
    """How steep the curve is in its steepest place, and on the whole."""
    usable = [p for p in points if p["x"] > 0]
    steepest = max(exponent(*pair) for pair in zip(usable, usable[1:]))
    first, last = usable[0], usable[-1]
    return {"exponent": exponent(first, last), "steepest": steepest,
            "linear": steepest <= TOLERANCE,
            "slope_us": (last["cpu_ms"] - first["cpu_ms"]) / (last["x"] - first["x"]) * 1000}


def exponent(one, other):
    """k, where cost goes with x^k from one point to another."""
    least = 0.001  # ms; what the clock can tell
    return (math.log(max(other["cpu_ms"], least) / max(one["cpu_ms"], least))
            / math.log(other["x"] / one["x"]))
