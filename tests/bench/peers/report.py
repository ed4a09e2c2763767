# SPDX-License-Identifier: Apache-2.0
"""Writes tables and charts from what was measured: docs/PERFORMANCE.md between its marks, and docs/performance/."""

import dataclasses
import statistics

import chart
from paths import DOCS
from peers import REFERENCE
from scenarios import BY_NAME, SCENARIOS

BEGIN = "<!-- bench: what follows is written by `make bench` -->"
END = "<!-- bench: end -->"
FLOOR = "floor"
OURS = ("peal-io_uring", "peal-epoll")
BROKERS = ("nats", "mosquitto")  # another client drives them
CUT = 6  # times peal's: longer bars are cut in charts

SHORT = {
    "echo64": "64 B",
    "echo64-1000": "64 B, 1,000 conn.",
    "echo64-deep": "64 B, depth 32",
    "echo16k": "16 KiB",
    "echo1m": "1 MiB",
    "echo64-tls": "64 B, TLS",
    "fanout64-1k": "64 B to 1,000",
    "fanout64-10k": "64 B to 10,000",
    "fanout1k-1k": "1 KiB to 1,000",
    "fanout1k-deflate": "1 KiB, deflate",
    "connect": "handshake",
    "connect-tls": "TLS handshake",
}


# Words for figures.


def micros(value):
    """Of a CPU time: three digits and no more."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}" if value >= 0.9995 else f"{value:.3f}"


def millis(value_us):
    value = value_us / 1000
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def size(bytes_):
    return f"{bytes_:,.0f} B" if bytes_ < 4096 else f"{bytes_ / 1024:,.1f} KiB"


def times(ratio):
    return "–" if ratio is None else f"{ratio:.2f}"


def table(head, rows, left=1):
    """Of Markdown; the first `left` columns are words."""
    marks = ["---"] * left + ["---:"] * (len(head) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, marks, *rows])


def kind_of(peer):
    return "peal" if peer in OURS else "floor" if peer == FLOOR else ""


def name_in(results, peer):
    label = results.label(peer)
    return f"**{label}**" if peer in OURS else label


def ranked(results, scenario, figure="cpu_us"):
    """The servers that have the figure, the smallest first, the floor before all."""
    found = [(results.summary(scenario, peer, figure), peer) for peer in results.peers_of(scenario)]
    found = [(summary, peer) for summary, peer in found if summary]
    return sorted(found, key=lambda each: (each[1] != FLOOR, each[0].median))


# Sections.


def glance(results):
    """Each server's CPU time beside peal's, one column for each scenario."""
    columns = [name for name in SHORT if results.rounds_of(name, REFERENCE)]
    ratios = {
        peer: {name: results.ratio(name, peer, REFERENCE) for name in columns} for peer in results.data["peers"]
    }

    def place(peer):
        known = [ratio for ratio in ratios[peer].values() if ratio]
        return (kind_of(peer) != "floor", peer not in OURS, statistics.geometric_mean(known))

    servers = sorted((peer for peer in ratios if any(ratios[peer].values())), key=place)
    rows = [[name_in(results, peer), *(times(ratios[peer][name]) for name in columns)] for peer in servers]
    return table(["server", *(SHORT[name] for name in columns)], rows)


def message_table(results, scenario):
    has_floor = bool(results.rounds_of(scenario.name, FLOOR))
    head = ["server", f"CPU µs/{scenario.unit}", "least to most", "of peal"]
    head += ["of floor"] if has_floor else []
    head += ["per second", "median, ms", "99.9 %, ms", "client's CPU µs"]
    rows = []
    for cpu, peer in ranked(results, scenario.name):
        row = [
            name_in(results, peer),
            micros(cpu.median),
            f"{micros(cpu.least)} to {micros(cpu.most)}",
            times(results.ratio(scenario.name, peer, REFERENCE)),
        ]
        if has_floor:
            row.append(times(results.ratio(scenario.name, peer, FLOOR)))
        if peer in BROKERS:
            row += ["–"] * 4
        else:
            row.append(f"{results.summary(scenario.name, peer, 'rate').median:,.0f}")
            row += [millis(results.summary(scenario.name, peer, figure).median) for figure in ("p50", "p99.9")]
            row.append(micros(results.summary(scenario.name, peer, "client_us").median))
        rows.append(row)
    return table(head, rows)


def handshake_table(results, scenario):
    rows = [
        [
            name_in(results, peer),
            micros(cpu.median),
            f"{micros(cpu.least)} to {micros(cpu.most)}",
            times(results.ratio(scenario.name, peer, REFERENCE)),
            f"{results.summary(scenario.name, peer, 'rate').median:,.0f}",
            micros(results.summary(scenario.name, peer, "client_us").median),
        ]
        for cpu, peer in ranked(results, scenario.name)
    ]
    return table(["server", "CPU µs/handshake", "least to most", "of peal", "per second", "client's CPU µs"], rows)


def memory_table(results):
    columns = {"connect": "echo", "connect-chat": "hears a topic", "connect-tls": "echo over TLS"}
    columns = {name: word for name, word in columns.items() if results.peers_of(name)}
    found = {}
    for name in columns:
        for memory, peer in ranked(results, name, "memory"):
            if peer != FLOOR:
                found.setdefault(peer, {})[name] = size(max(0, memory.median))
    rows = [[name_in(results, peer), *(cells.get(name, "–") for name in columns)] for peer, cells in found.items()]
    return table(["server", *columns.values()], rows) if rows else ""


def tail_table(results):
    rows = []
    for _, peer in ranked(results, "tail", "p99.9"):
        row = [name_in(results, peer), f"{results.summary('tail', peer, 'asked_rate').median:,.0f}"]
        for figure in ("p50", "p99", "p99.9"):
            row.append(millis(results.summary("tail", peer, figure).median))
        spread = results.summary("tail", peer, "p99.9")
        rows.append([*row, f"{millis(spread.least)} to {millis(spread.most)}"])
    return table(["server", "messages/s", "median, ms", "99 %, ms", "99.9 %, ms", "of that, least to most"], rows)


def versions(results):
    known = [f"{each['label']} {each['version']}" for each in results.data["peers"].values() if each["version"]]
    return "; ".join(known)


def absences(results):
    lines = [f"- {name} was not here: {why}." for name, why in results.data["skipped"].items()]
    for scenario, failures in results.data["failures"].items():
        lines += [f"- {results.label(peer)}, {scenario}: {why}." for peer, why in failures.items()]
    return "\n".join(lines)


# Charts.


def cpu_panel(results, scenario):
    bars = [
        chart.Bar(results.label(peer), cpu.median, micros(cpu.median), kind_of(peer), cpu.least, cpu.most)
        for cpu, peer in ranked(results, scenario.name)
    ]
    peal = results.summary(scenario.name, REFERENCE, "cpu_us")
    longest = CUT * peal.median if peal else None
    return chart.Panel(scenario.title, f"server's CPU time, µs a {scenario.unit}; shorter is better", bars, longest)


def memory_panel(results, name, title):
    bars = [
        chart.Bar(results.label(peer), max(0, memory.median), size(max(0, memory.median)), kind_of(peer))
        for memory, peer in ranked(results, name, "memory")
        if peer != FLOOR
    ]
    return chart.Panel(title, "memory of the server (PSS) for each; shorter is better", bars)


def cpu_chart(results, title, names):
    panels = [cpu_panel(results, BY_NAME[name]) for name in names if results.peers_of(name)]
    return chart.bar_chart(title, panels) if panels else None


def connection_chart(results):
    panels = [
        memory_panel(results, name, title)
        for name, title in (("connect", "An idle connection"), ("connect-tls", "An idle connection over TLS"))
        if results.peers_of(name)
    ]
    for name, title in (("connect", "A handshake"), ("connect-tls", "A handshake with TLS")):
        if results.peers_of(name):
            panel = cpu_panel(results, BY_NAME[name])
            panels.append(dataclasses.replace(panel, title=title))
    return chart.bar_chart("Connections", panels) if panels else None


def tail_chart(results):
    rows = [
        chart.Dots(
            results.label(peer),
            {
                kind: results.summary("tail", peer, figure).median / 1000
                for kind, figure in (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))
            },
            kind_of(peer),
        )
        for _, peer in ranked(results, "tail", "p99.9")
    ]
    if not rows:
        return None
    names = {"p50": "median", "p99": "99 %", "p999": "99.9 %"}
    note = "64 B echo, 1,000 connections, each server at half of its own rate of saturation; further left is better"
    return chart.dot_chart("Latency from when a message was due", note, rows, names, "ms")


# All of it.

GROUPS = (
    ("Echo", "echo", ("echo64", "echo64-1000", "echo64-deep", "echo16k", "echo1m", "echo64-tls")),
    ("Fan-out", "fanout", ("fanout64-1k", "fanout64-10k", "fanout1k-1k", "fanout1k-deflate")),
)


def introduction(results):
    about = results.data["about"]
    rounds = max(len(found) for scenario in results.data["rounds"].values() for found in scenario.values())
    return (
        f"Measured on {about['date']}: {about['cpus']} CPUs of {about['cpu']}, {about['memory_gib']} GiB, Linux "
        f"{about['kernel']}, {about['system']}, loopback. Each server has one thread on one CPU, `peal-load` the other "
        f"CPU; {rounds} rounds of {about['seconds']:g} s that go through all servers in turn, medians. CPU time is the "
        "server's, user and system together; a server of several processes counts with all of them. **Of peal** and "
        "**of floor** are medians of each round's ratio to peal on io_uring and to the floor in the same round. The "
        "floor is the least that can serve such a client on io_uring (`tests/bench/peers/servers/floor.cc`). Rates are "
        "of a closed loop with one client thread, and differ by how a server's batches fall; compare CPU.\n\n"
        f"Versions: {versions(results)}."
    )


def parts(results, charts):
    yield introduction(results)
    yield "**Server CPU time in units of peal's** (on io_uring; less than 1 is less than peal takes):"
    yield glance(results)
    for title, name, scenarios in GROUPS:
        names = [each for each in scenarios if results.peers_of(each)]
        if not names:
            continue
        yield f"### {title}"
        yield f"![{title}: server CPU time of each server](performance/{name}.svg)"
        for each in names:
            yield f"**{BY_NAME[each].title}**\n\n{message_table(results, BY_NAME[each])}"
        if any(results.rounds_of(each, peer) for each in names for peer in BROKERS):
            yield (
                "Brokers are driven by a client of their own protocol (`tests/bench/peers/brokers.py`), of which "
                "only the server's CPU time means anything."
            )
    if "connections" in charts:
        yield "### Connections\n\n![Memory and CPU time of connections](performance/connections.svg)"
        memory = memory_table(results)
        if memory:
            yield f"**Memory of an idle connection** (growth of PSS)\n\n{memory}"
        for name, title in (("connect", "Handshakes"), ("connect-tls", "Handshakes with TLS")):
            if results.peers_of(name):
                yield f"**{title}**\n\n{handshake_table(results, BY_NAME[name])}"
    if "tail" in charts:
        yield f"### Latency at half load\n\n![Percentiles of latency](performance/tail.svg)\n\n{tail_table(results)}"
    if missing := absences(results):
        yield f"What is missing above:\n\n{missing}"


def charts_of(results):
    """Name -> SVG."""
    charts = {name: cpu_chart(results, title, scenarios) for title, name, scenarios in GROUPS}
    charts["connections"] = connection_chart(results)
    charts["tail"] = tail_chart(results)
    return {name: svg for name, svg in charts.items() if svg}


def put_between_marks(page, text):
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < begin:
        raise ValueError(f"there is no place that begins with {BEGIN} and ends with {END}")
    return f"{page[: begin + len(BEGIN)]}\n{text}\n{page[end:]}"


def write(results, docs=DOCS):
    """Returns what was done, in words."""
    if not any(results.rounds_of(scenario.name, REFERENCE) for scenario in SCENARIOS):
        return f"nothing of {REFERENCE} was measured, so there is nothing to compare with: no report"
    charts = charts_of(results)
    folder = docs / "performance"
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in charts.items():
        (folder / f"{name}.svg").write_text(svg)
    (folder / "results.json").write_text(results.text())
    page = docs / "PERFORMANCE.md"
    page.write_text(put_between_marks(page.read_text(), "\n" + "\n\n".join(parts(results, charts)) + "\n"))
    return f"wrote {page} and {', '.join(sorted(charts))} in {folder}"
