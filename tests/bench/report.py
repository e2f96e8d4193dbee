#!/usr/bin/python3
"""What was measured as text: the table, the targets, the curves, and RESULTS.md.

    tests/bench/report.py        RESULTS.md and results.svg anew, from results.json beside it

The hand-written part of RESULTS.md lies in RESULTS.in.md; figures in it are written {name} and
come from the same results.
"""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

import curves  # noqa: E402
import plot  # noqa: E402

OURS, PAIR, RSPAMD = "truefrom", "opendkim + opendmarc", "rspamd"
DAY = 86400


def measured(results):
    """The filters of the table."""
    return {name: data for name, data in results["filters"].items() if data.get("levels")}


def number(value, digits=3):
    """Short, and never in powers of ten."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits - 1 if value < 10 else digits - 2}f}"


def table(results):
    """Header and rows, one column a filter."""
    filters = measured(results)
    rows = [["", *filters]]

    def add(title, pick):
        rows.append([title, *[pick(name, data) for name, data in filters.items()]])
    levels = list(next(iter(filters.values()))["levels"])
    for n in levels:
        add(f"messages a second, {n} connection{'s' * (n != '1')}",
            lambda _, d, n=n: number(d["levels"][n]["per_second"]))
    for n in levels:
        add(f"CPU ms a message, {n} connection{'s' * (n != '1')}",
            lambda _, d, n=n: number(d["levels"][n]["cpu_ms"]))
    for n in levels:
        add(f"latency ms p50 / p90 / p99, {n} connection{'s' * (n != '1')}",
            lambda _, d, n=n: " / ".join(number(d["levels"][n]["latency_ms"][q])
                                         for q in ("p50", "p90", "p99")))
    add("memory 15 s after all of it, MB", lambda _, d: number(d["after_mb"]))
    add("memory at its peak, MB", lambda _, d: number(d["peak_mb"]))

    def asks(pick):
        return lambda name, d: "-" if name == "empty" else number(pick(d))
    add("DNS questions a message, warm", asks(lambda d: d["levels"][levels[0]]["questions"]))
    add("DNS questions a message, cold", asks(lambda d: d["cold"]["questions"]))
    add("cold latency, round trips (mean)", asks(lambda d: d["cold"]["round_trips"]))
    add("cold latency, round trips (median)", asks(lambda d: d["cold"]["median_round_trips"]))
    add("messages judged as the corpus expects",
        lambda name, d: "-" if name == "empty" else f"{d['agreement']['percent']:.1f} %")
    add("failed connections and time-outs", lambda _, d: str(d["errors"]))
    return rows


def targets(results):
    """(what, wanted, measured, reached or None)."""
    filters = measured(results)
    ours, pair, rspamd = filters[OURS], filters.get(PAIR), filters.get(RSPAMD)
    at = ours["levels"]["64"]
    rows = [("CPU a message, 64 connections", "0.6 ms or less", f"{at['cpu_ms']:.2f} ms",
             at["cpu_ms"] <= 0.6)]
    if pair:
        theirs = pair["levels"]["64"]
        less = theirs["cpu_ms"] / at["cpu_ms"]
        more = at["per_second"] / theirs["per_second"]
        rows += [("the same, beside opendkim + opendmarc", "4 times less", f"{less:.1f} times less",
                  less >= 4),
                 ("throughput, 64 connections, beside opendkim + opendmarc", "4 times theirs",
                  f"{more:.1f} times theirs", more >= 4)]
    asked = max(level["questions"] for level in ours["levels"].values())
    trips = ours["cold"]["round_trips"]
    beside = "".join(f"; {name} {data['cold']['round_trips']:.2f}"
                     for name, data in ((PAIR, pair), (RSPAMD, rspamd)) if data)
    rows += [("DNS questions a message, warm", "0.1 or fewer", f"{asked:.3f}", asked <= 0.1),
             ("cold latency", "2.5 round trips or fewer", f"{trips:.2f}{beside}", trips <= 2.5)]
    memory = results["memory"]
    after = memory["after"]
    growth = after[-1][1] - after[len(after) // 2 - 1][1]
    rows += [("memory after the run, 512 connections included", "under 40 MB",
              f"{ours['after_mb']:.1f} MB", ours["after_mb"] < 40),
             (f"memory after {memory['messages']:,} messages on 64 connections", "under 40 MB",
              f"{after[-1][1]:.1f} MB", after[-1][1] < 40),
             ("its growth over the second half of these", "flat (under 1 MB)",
              f"{growth:+.2f} MB", growth < 1)]
    slow = results["slow_dns"]
    bound = slow["deadline_s"] + 1
    p99 = slow["latency_ms"]["p99"] / 1000
    rows.append((f"{slow['connections']} connections, answers 2 s late, one in ten never: p99",
                 f"{bound} s or less", f"{p99:.1f} s, {slow['errors']} errors",
                 p99 <= bound and not slow["errors"]))
    by = results["transports"]
    ours_more = by["inet"]["cpu_ms"] - by["unix"]["cpu_ms"]
    floor = by["empty inet"]["cpu_ms"] - by["empty unix"]["cpu_ms"]  # the kernel's TCP
    rows.append(("inet socket beside UNIX socket", "as fast but for the copy",
                 f"{by['inet']['per_second'] / by['unix']['per_second'] * 100:.0f} % of its rate, "
                 f"{ours_more:+.2f} ms CPU; an empty filter {floor:+.2f} ms",
                 ours_more <= floor + 0.1 * by["unix"]["cpu_ms"]))
    steepest = max(curve["steepest"] for curve in results["curves"].values())
    rows.append(("every growth curve", "linear or better", f"exponent {steepest:.2f} at most",
                 all(curve["linear"] for curve in results["curves"].values())))
    agreed = ours["agreement"]["percent"]
    rows.append(("agreement with the expected verdicts", "all", f"{agreed:.1f} %", agreed == 100))
    return rows


def curve_rows(curve):
    """A curve as rows."""
    rows = [[curve["what"], "CPU ms a message", "messages a second", "peak memory, MB", "exponent"]]
    last = None
    for point in curve["points"]:
        step = ""
        if last and last["x"] > 0:
            step = f"{curves.exponent(last, point):.2f}"
        rows.append([f"{point['x']:,}", number(point["cpu_ms"]), number(point["per_second"]),
                     number(point["peak_mb"]), step])
        last = point
    return rows


def aligned(rows):
    """Rows as a table of text."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0]),
                                *[cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]])
                     for row in rows)


def markdown(rows):
    """Rows as a table of Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines)


def target_rows(results):
    """Targets as rows."""
    return [["target", "wanted", "measured", "reached"],
            *[[what, wanted, got, "yes" if reached else "NO"]
              for what, wanted, got, reached in targets(results)]]


def text(results):
    """For standard output."""
    parts = [aligned(table(results)), aligned(target_rows(results))]
    for curve in results["curves"].values():
        parts.append(aligned(curve_rows(curve)) + "\n" + verdict(curve))
    return "\n\n".join(parts)


def verdict(curve):
    """A line about a curve."""
    word = "linear or better" if curve["linear"] else "WORSE THAN LINEAR"
    return (f"cost grows with x^{curve['exponent']:.2f} on the whole, x^{curve['steepest']:.2f} in "
            f"its steepest step: {word}; {curve['slope_us']:.4g} us more for each")


def disagreements(results):
    """Which kinds of message the others judge otherwise."""
    rows = [["filter", "kind of message", "what", "expected", "said", "messages"]]
    for name, data in measured(results).items():
        if name != "empty":
            rows += [[name, *[str(cell) for cell in what]]
                     for what in data["agreement"]["disagreements"]]
    return markdown(rows) if len(rows) > 1 else "None."


def names(results):
    """The figures that RESULTS.in.md may name."""
    ours = measured(results)[OURS]
    machine = results["machine"]
    mixed = next(data for key, data in results["messages"].items() if key.startswith("mixed"))
    best = max(level["per_second"] for level in ours["levels"].values())
    cpu = ours["levels"]["64"]["cpu_ms"]
    pair = measured(results).get(PAIR)
    slope = results["curves"]["domains"]["points"]
    each = (slope[-1]["peak_mb"] - slope[0]["peak_mb"]) / (slope[-1]["x"] - slope[0]["x"]) * 1000
    return {
        "machine": f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; "
                   f"{machine['system']}, Linux {machine['kernel']}; load average before the run "
                   f"{machine['load_before']}",
        "when": results["when"], "command": results["command"],
        "minutes": f"{results['minutes']:.0f}",
        "versions": "; ".join(data["version"] + (f", commit {machine['commit']}" if name == OURS
                                                 and machine.get("commit") else "")
                              for name, data in results["filters"].items()),
        "corpus": f"{mixed['messages']} messages of {mixed['mean_bytes'] / 1000:.1f} KB on average "
                  f"with {mixed['rsa']:.2f} RSA and {mixed['ed25519']:.2f} Ed25519 signatures each",
        "table": markdown(table(results)), "targets": markdown(target_rows(results)),
        "curves": "\n\n".join(f"### {c['what'].capitalize()}\n\n{markdown(curve_rows(c))}\n\n"
                              f"{verdict(c).capitalize()}." for c in results["curves"].values()),
        "disagreements": disagreements(results),
        "memory_series": markdown([
            ["messages", *[f"{n:,}" for n, _ in results["memory"]["after"]]],
            ["MB", *[f"{mb:.1f}" for _, mb in results["memory"]["after"]]]]),
        "best": f"{best:,.0f}", "best_day": f"{best * DAY / 1e6:.0f}",
        "cpu": f"{cpu:.2f}", "core_day": f"{DAY * 1000 / cpu / 1e6:.0f}",
        "tenth_day": f"{best * DAY / 1e7:.0f}",
        "pair_day": f"{pair['levels']['64']['per_second'] * DAY / 1e6:.0f}" if pair else "?",
        "cold_questions": f"{ours['cold']['questions']:.1f}",
        "cold_trips": f"{ours['cold']['round_trips']:.1f}",
        "kb_a_domain": f"{each:.1f}", "mbit": f"{best * mixed['mean_bytes'] * 8 / 1e6:.0f}",
        "memory": f"{results['memory']['peak_mb']:.0f}", "cores": str(machine["cores"]),
        "twenty_day": f"{best * DAY * 20 / 1e6:,.0f}", "delay_ms": str(results["delay_ms"]),
    }


def write(results, folder):
    """RESULTS.md, and the picture in it."""
    folder = pathlib.Path(folder)
    (folder / "RESULTS.md").write_text(page(results, folder), encoding="utf-8")
    (folder / "results.svg").write_text(plot.svg(results), encoding="utf-8")


def page(results, folder):
    """The text of RESULTS.md."""
    out = (pathlib.Path(folder) / "RESULTS.in.md").read_text(encoding="utf-8")
    for name, value in names(results).items():
        out = out.replace("{" + name + "}", value)
    return out


def main():
    """RESULTS.md once more."""
    here = pathlib.Path(__file__).resolve().parent
    write(json.loads((here / "results.json").read_text(encoding="utf-8")), here)


if __name__ == "__main__":
    main()
