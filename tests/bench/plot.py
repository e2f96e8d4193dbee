"""The table and the growth curves as one SVG, on a ground that suits light and dark pages."""

import math
from xml.sax.saxutils import escape

COLOURS = ("#1b7fbd", "#2aa198", "#d1742f", "#8e6bbf", "#8a8f98")
INK, FAINT, PAPER = "#22272e", "#8a8f98", "#f6f7f9"
WIDTH, PANEL, GAP, PLOT = 960, 220, 24, 150
PER_ROW = 3


class Svg:
    """Elements, one after the other."""

    def __init__(self):
        self.parts = []

    def text(self, x, y, text, size=12, colour=INK, anchor="start", weight="normal"):
        """A line of text."""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
                          f'text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>')

    def line(self, points, colour, width=2):
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                          f'stroke-width="{width}" stroke-linejoin="round"/>')

    def bar(self, x, y, width, colour):
        """A bar to the right."""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="16" '
                          f'rx="2" fill="{colour}"/>')

    def dot(self, x, y, colour):
        """A point of a line."""
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>')

    def whole(self, height):
        """The file."""
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                f'width="{WIDTH}" height="{height}" font-family="system-ui, sans-serif">\n'
                f'<rect width="{WIDTH}" height="{height}" rx="8" fill="{PAPER}"/>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def short(number):
    """A number in a few characters."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{letter}"
    return f"{number:.3g}"


def bars(svg, x, y, title, rows):
    """A panel of bars: (label, value, colour) each."""
    svg.text(x, y, title, 14, weight="bold")
    most = max((value for _, value, _ in rows), default=0) or 1
    for number, (label, value, colour) in enumerate(rows):
        top = y + 12 + number * 36
        svg.text(x, top + 12, label, 11, FAINT)
        svg.bar(x, top + 16, value / most * 210, colour)
        svg.text(x + value / most * 210 + 6, top + 28, short(value), 12)


def log_place(value, low, high, size):
    """Where a value lies on a logarithmic axis."""
    low, high = math.log10(low), math.log10(high)
    return (math.log10(value) - low) / ((high - low) or 1) * size


def curve(svg, x, y, width, title, lines, unit):
    """A panel of lines on logarithmic axes: (label, [(x, y)], colour) each."""
    svg.text(x, y, title, 14, weight="bold")
    lines = [(label, [(px, py) for px, py in points if px > 0 and py > 0], colour)
             for label, points, colour in lines]
    every = [point for _, points, _ in lines for point in points]
    if not every:
        return
    left, right = min(p[0] for p in every), max(p[0] for p in every)
    low = 10 ** math.floor(math.log10(min(p[1] for p in every)))
    high = 10 ** math.ceil(math.log10(max(p[1] for p in every) * 1.0001))
    base = y + 24 + PLOT
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = base - log_place(10 ** power, low, high, PLOT)
        svg.line([(x + 40, at), (x + width, at)], "#d5d9df", 1)
        svg.text(x + 34, at + 4, short(10 ** power), 10, FAINT, "end")
    for _, points, colour in lines:
        placed = [(x + 44 + log_place(px, left, right, width - 52),
                   base - log_place(py, low, high, PLOT)) for px, py in points]
        svg.line(placed, colour)
        for at in placed:
            svg.dot(*at, colour)
    for px in sorted({p[0] for p in every}):
        svg.text(x + 44 + log_place(px, left, right, width - 52), base + 15, short(px), 10, FAINT,
                 "middle")
    svg.text(x + width, base + 30, unit, 11, FAINT, "end")


def svg(results):
    """The file's text."""
    out = Svg()
    filters = [(name, data) for name, data in results["filters"].items() if data.get("levels")]
    colour = {name: COLOURS[i % len(COLOURS)] for i, (name, _) in enumerate(filters)}
    colour["empty"] = COLOURS[-1]
    machine = results["machine"]
    out.text(GAP, 34, "truefrom and its peers on the same mail", 18, weight="bold")
    out.text(GAP, 54, f"{machine['cpu']}, {machine['cores']} cores; {machine['system']}; "
             f"{results['when']}", 12, FAINT)

    def rows(pick):
        return [(name, pick(data), colour[name]) for name, data in filters]
    real = [(name, data) for name, data in filters if name != "empty"]
    panels = [("messages a second, 64 connections",
               rows(lambda d: d["levels"]["64"]["per_second"])),
              ("CPU, ms a message", rows(lambda d: d["levels"]["64"]["cpu_ms"])),
              ("peak memory, MB", rows(lambda d: d["peak_mb"])),
              ("DNS questions a message, warm", [(n, d["levels"]["64"]["questions"], colour[n])
                                                 for n, d in real]),
              ("DNS questions a message, cold", [(n, d["cold"]["questions"], colour[n])
                                                 for n, d in real]),
              ("cold latency, round trips to DNS", [(n, d["cold"]["round_trips"], colour[n])
                                                    for n, d in real])]
    height = 24 + 36 * len(filters) + 16
    step = (WIDTH - 2 * GAP) / PER_ROW
    for number, (title, content) in enumerate(panels):
        bars(out, GAP + number % PER_ROW * step, 92 + number // PER_ROW * height, title, content)
    top = 92 + 2 * height + 10
    wide = (WIDTH - 3 * GAP) / 2
    levels = [("messages a second", "per_second", None), ("latency p99, ms", "latency_ms", "p99")]
    for number, (title, key, inner) in enumerate(levels):
        lines = [(name, [(int(n), level[key][inner] if inner else level[key])
                         for n, level in data["levels"].items()], colour[name])
                 for name, data in filters]
        curve(out, GAP + number * (wide + GAP), top, wide, title, lines, "connections")
    top += PLOT + 78
    for number, data in enumerate(results.get("curves", {}).values()):
        points = [(p["x"], p["cpu_ms"]) for p in data["points"]]
        curve(out, GAP + number % 2 * (wide + GAP), top + number // 2 * (PLOT + 78), wide,
              f"truefrom's CPU ms over {data['what'].partition(',')[0]}",
              [("", points, COLOURS[0])],
              f"{data['what']}; exponent {data['exponent']:.2f}, at most {data['steepest']:.2f}")
    rows_of_curves = (len(results.get("curves", {})) + 1) // 2
    return out.whole(int(top + rows_of_curves * (PLOT + 78)))
