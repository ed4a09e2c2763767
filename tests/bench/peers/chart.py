# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG files that need nothing else, for a light and a dark page."""

import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH = 840
GAP = 40  # between columns
LABEL = 122  # room for a server's name
ROW = 22
HEAD = 46  # of a panel, above its rows
FOOT = 22

STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-size: 13px; font-weight: 600; }
.note, .tick { fill: #656d76; font-size: 11px; }
.name { text-anchor: end; }
.peal .name, .peal .value { font-weight: 600; }
.bar { fill: #a9b4c0; }
.peal .bar { fill: #1a68d1; }
.floor .bar { fill: none; stroke: #8c959f; stroke-dasharray: 3 2; }
.spread { fill: none; stroke: #1f2328; stroke-opacity: .55; stroke-width: 1.2; }
.cut { stroke: #fff; stroke-width: 4; }
.axis { stroke: #d0d7de; }
.p50 { fill: #8ab4ee; } .p99 { fill: #1a68d1; } .p999 { fill: #d1541a; }
.range { stroke: #a9b4c0; stroke-width: 3; stroke-linecap: round; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note, .tick { fill: #8d96a0; }
  .bar { fill: #57606a; }
  .peal .bar { fill: #4f9cf9; }
  .floor .bar { stroke: #8c959f; }
  .spread { stroke: #e6edf3; }
  .cut { stroke: #0d1117; }
  .axis { stroke: #30363d; }
  .p50 { fill: #9ecbff; } .p99 { fill: #4f9cf9; } .p999 { fill: #f0883e; }
  .range { stroke: #444c56; }
}
"""


@dataclasses.dataclass(frozen=True)
class Bar:
    label: str
    value: float
    text: str  # what stands beside it
    kind: str = ""  # "peal", "floor" or ""
    least: float = None  # of the rounds
    most: float = None


@dataclasses.dataclass(frozen=True)
class Panel:
    title: str
    note: str
    bars: list
    longest: float = None  # what is longer is cut, and shows it

    @property
    def height(self):
        return HEAD + ROW * len(self.bars) + FOOT


@dataclasses.dataclass(frozen=True)
class Dots:
    """A server's percentiles."""

    label: str
    values: dict  # class of style -> value
    kind: str = ""


def number(value):
    return f"{value:.1f}".removesuffix(".0")


def document(width, height, title, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}" '
        f'width="{number(width)}" height="{number(height)}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n" + "\n".join(body) + "\n</svg>\n"
    )


def text(x, y, words, kind, more=""):
    return f'<text x="{number(x)}" y="{number(y)}" class="{kind}"{more}>{escape(words)}</text>'


def spread(bar, middle, left, scale):
    """From the least to the most of the rounds."""
    x1, x2 = left + bar.least * scale, left + bar.most * scale
    return f'<path class="spread" d="M{number(x1)} {number(middle - 3)}v6m0 -3H{number(x2)}m0 -3v6"/>'


def bar_row(bar, y, left, scale, longest):
    """One bar, from `left` on; `scale`: pixels for one."""
    middle = y + ROW / 2
    cut = bar.value > longest
    length = max(1.0, min(bar.value, longest) * scale)
    end = length if cut else max(length, min(bar.most or 0, longest) * scale)
    parts = [f'<g class="{bar.kind or "other"}">', text(left - 8, middle + 4, bar.label, "name")]
    size = f'width="{number(length)}" height="{ROW - 8}"'
    parts.append(f'<rect class="bar" x="{number(left)}" y="{number(y + 4)}" {size} rx="2"/>')
    if cut:
        x = left + length - 22
        parts.append(f'<path class="cut" d="M{number(x)} {number(y + ROW - 2)}l6 {4 - ROW}"/>')
    elif bar.most is not None and bar.most <= longest and (bar.most - bar.least) * scale >= 2:
        parts.append(spread(bar, middle, left, scale))
    parts.append(text(left + end + 6, middle + 4, bar.text, "value"))
    return "".join(parts) + "</g>"


def panel_at(panel, x, y, width):
    body = [text(x, y + 14, panel.title, "title"), text(x, y + 31, panel.note, "note")]
    left = x + LABEL
    room = width - LABEL - 60  # the rest is for the value
    most = max(max(bar.value, bar.most or 0) for bar in panel.bars)
    longest = min(most, panel.longest or most)
    scale = room / longest if longest > 0 else 0
    bottom = y + HEAD + ROW * len(panel.bars)
    body.append(f'<path class="axis" d="M{number(left - 0.5)} {number(y + HEAD)}V{number(bottom)}"/>')
    body += [bar_row(bar, y + HEAD + ROW * i, left, scale, longest) for i, bar in enumerate(panel.bars)]
    return body


def bar_chart(title, panels):
    """Panels in two columns, each with a scale of its own that begins at nought."""
    width = (WIDTH - GAP) / 2
    body, y = [], 4
    for first in range(0, len(panels), 2):
        pair = panels[first : first + 2]
        for i, panel in enumerate(pair):
            body += panel_at(panel, i * (width + GAP), y, width)
        y += max(panel.height for panel in pair)
    return document(WIDTH if len(panels) > 1 else width, y, title, body)


def ticks_of(least, most):
    """1, 2, 5, 10, ... that lie between."""
    found = []
    for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1):
        found += [step * 10**power for step in (1, 2, 5) if least <= step * 10**power <= most]
    return found


def dot_chart(title, note, rows, names, unit):
    """Percentiles of each server on one logarithmic scale. `names`: class of style -> word."""
    values = [value for row in rows for value in row.values.values()]
    least, most = min(values) / 1.3, max(values) * 1.3
    left, right, top = LABEL + 20, WIDTH - 20, 66
    bottom = top + ROW * len(rows)

    def x_of(value):
        return left + (right - left) * math.log(value / least) / math.log(most / least)

    body = [text(0, 18, title, "title"), text(0, 35, note, "note")]
    x = left
    for kind, word in names.items():
        body.append(f'<circle class="{kind}" cx="{number(x + 5)}" cy="52" r="5"/>' + text(x + 15, 56, word, "note"))
        x += 34 + 7 * len(word)
    for tick in ticks_of(least, most):
        body.append(f'<path class="axis" d="M{number(x_of(tick))} {top}V{bottom}"/>')
        body.append(text(x_of(tick), bottom + 15, f"{tick:g} {unit}", "tick", ' text-anchor="middle"'))
    for i, row in enumerate(rows):
        y = top + ROW * i + ROW / 2
        points = [x_of(value) for value in row.values.values()]
        body.append(f'<g class="{row.kind or "other"}">' + text(LABEL, y + 4, row.label, "name"))
        body.append(f'<path class="range" d="M{number(min(points))} {number(y)}H{number(max(points))}"/>')
        body += [
            f'<circle class="{kind}" cx="{number(x_of(value))}" cy="{number(y)}" r="5"/>'
            for kind, value in row.values.items()
        ]
        body.append("</g>")
    return document(WIDTH, bottom + 24, title, body)
