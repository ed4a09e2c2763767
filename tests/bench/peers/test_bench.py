#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a benchmark makes of its figures: arithmetic, the file of results, tables, charts. No server runs."""

import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import bench
import brokers
import chart
import load
import peers
import quick
import report
import scenarios
from results import Results, Summary, shortened
from servers import Failure

SVG = "{http://www.w3.org/2000/svg}"


def round_of(cpu_us, **more):
    figures = {"cpu_us": cpu_us, "client_us": cpu_us / 2, "rate": 1e6 / cpu_us / 2, "p50": 500.0, "p99": 900.0}
    return {**figures, "p99.9": 1500.0, **more}


def sample():
    """Three servers in a few scenarios."""
    results = Results()
    results.data["about"] = {
        "date": "2026-01-31", "cpus": 2, "cpu": "A processor", "memory_gib": 4, "kernel": "6.1", "system": "Debian",
        "seconds": 2.0,
    }  # fmt: skip
    servers = (("floor", "floor", ""), ("peal-io_uring", "peal, io_uring", "0.1"), ("ws", "npm ws", "8"))
    for name, label, version in servers:
        results.data["peers"][name] = {"label": label, "version": version}
    # The machine is twice as slow in the second round, for everybody.
    for number, slow in enumerate((1, 2, 1), 1):
        for scenario in ("echo64", "fanout64-1k"):
            results.add(scenario, "floor", number, round_of(5.0 * slow))
            results.add(scenario, "peal-io_uring", number, round_of(6.0 * slow))
            results.add(scenario, "ws", number, round_of(18.0 * slow))
        results.add("tail", "peal-io_uring", number, round_of(7.0, asked_rate=20000))
        results.add("tail", "ws", number, round_of(19.0, asked_rate=9000, **{"p99.9": 40000.0}))
        results.add("connect", "peal-io_uring", number, round_of(30.0, memory=250.4))
        results.add("connect", "ws", number, round_of(90.0, memory=12000.0))
    results.data["skipped"]["lws"] = "libwebsockets-dev is not here"
    results.fail("echo1m", "ws", "the server ended: out of memory")
    return results


class Arithmetic(unittest.TestCase):
    def test_summary_is_the_middle_and_both_ends(self):
        self.assertEqual(Summary.of([3.0, 1.0, 2.0]), Summary(2.0, 1.0, 3.0))
        self.assertEqual(Summary.of([4.0, 1.0]), Summary(2.5, 1.0, 4.0))

    def test_ratio_is_taken_round_by_round(self):
        results = Results()
        for number, (mine, theirs) in enumerate(((2.0, 1.0), (30.0, 10.0), (8.0, 2.0)), 1):
            results.add("echo64", "a", number, {"cpu_us": mine})
            results.add("echo64", "b", number, {"cpu_us": theirs})
        # The ratio of the medians would be 4.
        self.assertEqual(results.ratio("echo64", "a", "b"), 3.0)

    def test_ratio_passes_over_rounds_that_one_has_alone(self):
        results = Results()
        results.add("echo64", "a", 1, {"cpu_us": 100.0})
        results.add("echo64", "a", 2, {"cpu_us": 6.0})
        results.add("echo64", "b", 2, {"cpu_us": 3.0})
        self.assertEqual(results.ratio("echo64", "a", "b"), 2.0)
        self.assertIsNone(results.ratio("echo64", "a", "c"))

    def test_a_slower_build_is_told_by_neighbours(self):
        # Both got slower in the middle; each time it was 10 % more.
        self.assertAlmostEqual(quick.median_ratio([1.1, 2.2, 1.1], [1.0, 2.0, 1.0]), 1.1)
        self.assertEqual(quick.verdict(1.071, 7), "SLOWER")
        self.assertEqual(quick.verdict(1.069, 7), "ok")
        self.assertEqual(quick.verdict(0.5, 7), "ok")

    def test_the_earlier_build_is_made_as_ours_is(self):
        commands = [{"command": "ccache g++-13 -Icore -I. -DNDEBUG -o a.o -c ../a.cc"}]
        self.assertEqual(quick.compiler_of(commands), "ccache g++-13")
        options = [{"name": "optimization", "value": "3"}, {"name": "prefix", "value": "/usr"},
                   {"name": "b_lto", "value": True}]  # fmt: skip
        self.assertEqual(quick.options_of(options), ["-Doptimization=3", "-Db_lto=True"])

    def test_figures_are_kept_to_six_digits(self):
        self.assertEqual(shortened({"a": 6.123456789, "b": 20000}), {"a": 6.12346, "b": 20000})


class Kept(unittest.TestCase):
    def test_what_is_saved_is_what_is_loaded(self):
        results = sample()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "new" / "results.json"
            results.save(path)
            self.assertEqual(Results.load(path).data, results.data)
            self.assertEqual(Results.load(path.with_name("none.json")).data, Results().data)

    def test_a_run_that_was_stopped_knows_what_it_has(self):
        results = sample()
        self.assertTrue(results.has("echo64", "ws", 3))
        self.assertFalse(results.has("echo64", "ws", 4))
        self.assertFalse(results.has("echo1m", "ws", 1))

    def test_who_fails_once_has_no_figure_until_it_succeeds(self):
        results = sample()
        results.fail("echo64", "ws", "it hung")
        self.assertEqual(results.values("echo64", "ws", "cpu_us"), [])
        self.assertEqual(results.failure("echo64", "ws"), "it hung")
        results.add("echo64", "ws", 1, round_of(18.0))
        self.assertIsNone(results.failure("echo64", "ws"))


class Asked(unittest.TestCase):
    def test_scenarios_come_in_their_order_and_unknown_ones_are_named(self):
        self.assertEqual([each.name for each in scenarios.chosen(["tail", "echo64"])], ["echo64", "tail"])
        self.assertEqual(len(scenarios.chosen([])), len(scenarios.SCENARIOS))
        with self.assertRaisesRegex(ValueError, "no scenario echo65; there are echo64 "):
            scenarios.chosen(["echo65"])

    def test_any_server_joins_by_name_and_command(self):
        extra = peers.others("mine=/opt/my server --fast; other=x")
        self.assertEqual([(each.name, each.command) for each in extra],
                         [("mine", ("/opt/my", "server", "--fast")), ("other", ("x",))])  # fmt: skip
        for wrong in ("mine", "=x", "mine=", "my server=x"):
            with self.assertRaises(ValueError):
                peers.others(wrong)

    def test_peers_that_are_named_and_those_of_peer(self):
        self.assertEqual([each.name for each in peers.chosen(["ws", "floor"], "uws=x")], ["floor", "ws", "uws"])
        with self.assertRaisesRegex(ValueError, "no peer sw"):
            peers.chosen(["sw"], "")

    def test_settings_come_from_the_environment(self):
        settings = bench.Settings({"SCENARIOS": "echo64", "PEERS": "bun", "ROUNDS": "3", "SECONDS_EACH": ""})
        self.assertEqual((len(settings.scenarios), settings.rounds, settings.seconds), (1, 3, 2.0))

    def test_servers_take_part_where_they_can(self):
        by_name = {each.name: each for each in (*peers.ours(), *peers.theirs())}
        self.assertFalse(by_name["nchan"].able_to(scenarios.BY_NAME["echo64"]))
        self.assertTrue(by_name["nchan"].able_to(scenarios.BY_NAME["fanout1k-deflate"]))
        self.assertFalse(by_name["xnet"].able_to(scenarios.BY_NAME["fanout1k-deflate"]))
        self.assertFalse(by_name["floor"].able_to(scenarios.BY_NAME["echo64-tls"]))
        self.assertFalse(by_name["nats"].able_to(scenarios.BY_NAME["connect-chat"]))

    def test_the_client_is_called_as_the_scenario_says(self):
        command = load.command_of(scenarios.BY_NAME["echo64-tls"], 4711, [7, 8], 1.5, 0.25, "out", rate=None)
        self.assertEqual(command[1:], [
            *("echo", "wss://127.0.0.1:4711/echo", "--size", "64", "--connections", "64", "--depth", "1"),
            *("--duration", "1500ms", "--threads", "1", "--quiet", "--json", "out"),
            *("--warmup", "250ms", "--insecure", "--server-pid", "7", "--server-pid", "8"),
        ])  # fmt: skip
        tail = load.command_of(scenarios.BY_NAME["tail"], 1, [], 4, 0.5, "out", rate=12345)
        self.assertIn("12345/s", tail)
        self.assertNotIn("--warmup", load.command_of(scenarios.BY_NAME["connect"], 1, [], 1, 0.5, "out"))


class Findings(unittest.TestCase):
    """Of peal-load's JSON."""

    def findings(self, **messages):
        return {
            "options": {"rate": 1000},
            "connections": {"opened": 10, "compressed": 10, "per_second": 500.0},
            "messages": {"received": 100, "unsent": 0, "per_second": 990.0,
                         "latency_us": {"p50": 1.0, "p99": 2.0, "p99.9": 3.0}} | messages,
            "server_cpu": {"us_per_unit": 6.5},
            "own_cpu": {"us_per_unit": 5.5},
            "server_memory_per_connection": {"pss": 247.3},
        }

    def test_what_is_kept_of_messages_and_of_connections(self):
        kept = load.read_findings(self.findings(), scenarios.BY_NAME["echo64"])
        self.assertEqual(kept, {"cpu_us": 6.5, "client_us": 5.5, "rate": 990.0, "p50": 1.0, "p99": 2.0, "p99.9": 3.0})
        kept = load.read_findings(self.findings(), scenarios.BY_NAME["connect"])
        self.assertEqual(kept, {"cpu_us": 6.5, "client_us": 5.5, "rate": 500.0, "memory": 247.3})

    def test_what_is_no_measure_is_a_failure(self):
        with self.assertRaisesRegex(Failure, "not a message"):
            load.read_findings(self.findings(received=0), scenarios.BY_NAME["echo64"])
        with self.assertRaisesRegex(Failure, "only 900 of 1,000"):
            load.read_findings(self.findings(per_second=900.0), scenarios.BY_NAME["tail"])
        with self.assertRaisesRegex(Failure, "7 messages were due"):
            load.read_findings(self.findings(unsent=7), scenarios.BY_NAME["tail"])
        with self.assertRaisesRegex(Failure, "no CPU time"):
            load.read_findings(self.findings() | {"server_cpu": {"us_per_unit": 0.0}}, scenarios.BY_NAME["echo64"])
        findings = self.findings()
        findings["connections"]["compressed"] = 9
        with self.assertRaisesRegex(Failure, "9 of 10"):
            load.read_findings(findings, scenarios.BY_NAME["fanout1k-deflate"])

    def test_the_last_line_says_why(self):
        self.assertEqual(load.reason_in("peal-load: 3 connections were lost\n\n", 1), "3 connections were lost")
        self.assertEqual(load.reason_in("", 1), "the client ended with 1")


class Brokers(unittest.TestCase):
    def test_frames_are_masked(self):
        for size in (5, 125, 126, 70000):
            payload = bytes(range(256)) * (size // 256 + 1)
            payload = payload[:size]
            frame = brokers.masked_frame(payload)
            head = 2 if size < 126 else 4 if size < 1 << 16 else 10
            key = frame[head : head + 4]
            self.assertEqual(bytes(octet ^ key[i % 4] for i, octet in enumerate(frame[head + 4 :])), payload)

    def test_mqtt_lengths_have_seven_bits_an_octet(self):
        self.assertEqual(brokers.Mqtt.packet(0x30, b"x" * 127)[:2], b"\x30\x7f")
        self.assertEqual(brokers.Mqtt.packet(0x30, b"x" * 321)[:3], b"\x30\xc1\x02")


class Tables(unittest.TestCase):
    def test_figures_have_three_digits(self):
        cases = {0.2131: "0.213", 6.0912: "6.09", 9.996: "10.0", 61.25: "61.2", 99.96: "100", 1234.5: "1,234"}
        for value, text in cases.items():
            self.assertEqual(report.micros(value), text)
        self.assertEqual([report.size(247.4), report.size(32768)], ["247 B", "32.0 KiB"])
        self.assertEqual([report.millis(value) for value in (450.0, 15_000.0, 250_000.0)], ["0.45", "15.0", "250"])

    def test_a_table_ranks_servers_below_the_floor(self):
        lines = report.message_table(sample(), scenarios.BY_NAME["echo64"]).split("\n")
        self.assertEqual(lines[0].split(" | ")[:3], ["| server", "CPU µs/message", "least to most"])
        self.assertTrue(lines[2].startswith("| floor | 5.00 | 5.00 to 10.0 | 0.83 | 1.00 |"), lines[2])
        self.assertTrue(lines[3].startswith("| **peal, io_uring** | 6.00 | 6.00 to 12.0 | 1.00 | 1.20 |"), lines[3])
        self.assertTrue(lines[4].startswith("| npm ws | 18.0 | 18.0 to 36.0 | 3.00 | 3.60 |"), lines[4])

    def test_brokers_show_the_servers_time_alone(self):
        results = sample()
        results.data["peers"]["nats"] = {"label": "NATS", "version": "2"}
        for number in (1, 2, 3):
            results.add("fanout64-1k", "nats", number, {"cpu_us": 30.0, "client_us": 1.0, "rate": 9.0})
        self.assertIn("| NATS | 30.0 | 30.0 to 30.0 | 5.00 | 6.00 | – | – | – | – |",
                      report.message_table(results, scenarios.BY_NAME["fanout64-1k"]))  # fmt: skip

    def test_memory_has_a_column_for_each_kind_of_connection(self):
        self.assertEqual(report.memory_table(sample()).split("\n")[2:],
                         ["| **peal, io_uring** | 250 B |", "| npm ws | 11.7 KiB |"])  # fmt: skip


class Page(unittest.TestCase):
    def write(self, page):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        docs = pathlib.Path(folder.name)
        (docs / "PERFORMANCE.md").write_text(page)
        report.write(sample(), docs)
        return docs

    def test_only_what_is_between_the_marks_changes(self):
        docs = self.write(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
        text = (docs / "PERFORMANCE.md").read_text()
        self.assertTrue(text.startswith(f"before\n{report.BEGIN}\n\nMeasured on 2026-01-31"))
        self.assertTrue(text.endswith(f"\n{report.END}\nafter\n"))
        self.assertNotIn("old", text)
        report.write(sample(), docs)
        self.assertEqual((docs / "PERFORMANCE.md").read_text(), text)

    def test_a_page_without_marks_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no place"):
            self.write("nothing here\n")

    def test_what_is_missing_is_said(self):
        text = (self.write(f"{report.BEGIN}\n{report.END}\n") / "PERFORMANCE.md").read_text()
        self.assertIn("- lws was not here: libwebsockets-dev is not here.", text)
        self.assertIn("- npm ws, echo1m: the server ended: out of memory.", text)

    def test_each_chart_that_is_named_is_there_and_is_xml(self):
        docs = self.write(f"{report.BEGIN}\n{report.END}\n")
        text = (docs / "PERFORMANCE.md").read_text()
        for name in ("echo", "fanout", "connections", "tail"):
            self.assertIn(f"(performance/{name}.svg)", text)
            xml.etree.ElementTree.parse(docs / f"performance/{name}.svg")
        self.assertEqual(Results.load(docs / "performance/results.json").data, sample().data)


class Charts(unittest.TestCase):
    def bars(self, *values):
        bars = [chart.Bar(f"<{value}>", value, str(value), least=value, most=value) for value in values]
        root = xml.etree.ElementTree.fromstring(chart.bar_chart("A & B", [chart.Panel("title", "note", bars)]))
        return root, [float(each.get("width")) for each in root.iter(f"{SVG}rect")]

    def test_bars_are_as_long_as_their_values(self):
        root, widths = self.bars(10.0, 5.0, 2.5)
        self.assertAlmostEqual(widths[0] / widths[1], 2, delta=0.01)
        self.assertAlmostEqual(widths[0] / widths[2], 4, delta=0.01)
        self.assertEqual(root.find(f"{SVG}title").text, "A & B")

    def test_nothing_leaves_the_picture(self):
        root, _ = self.bars(1.0, 1000.0)
        width = float(root.get("width"))
        for rect in root.iter(f"{SVG}rect"):
            self.assertLess(float(rect.get("x")) + float(rect.get("width")), width)

    def test_a_bar_of_nought_is_drawn(self):
        _, widths = self.bars(0.0, 0.0)
        self.assertEqual(widths, [1.0, 1.0])

    def test_a_bar_that_is_too_long_is_cut_and_shows_it(self):
        bars = [chart.Bar("a", 1.0, "1"), chart.Bar("b", 50.0, "50")]
        root = xml.etree.ElementTree.fromstring(chart.bar_chart("t", [chart.Panel("t", "n", bars, longest=4.0)]))
        widths = [float(each.get("width")) for each in root.iter(f"{SVG}rect")]
        self.assertAlmostEqual(widths[1] / widths[0], 4, delta=0.01)
        self.assertEqual(len([each for each in root.iter(f"{SVG}path") if each.get("class") == "cut"]), 1)

    def test_ticks_are_round_and_within(self):
        self.assertEqual(chart.ticks_of(0.3, 12), [0.5, 1, 2, 5, 10])


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    bad = len({str(test) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
