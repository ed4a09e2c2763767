# SPDX-License-Identifier: Apache-2.0
"""One measure: peal-load against a running server, and what is kept of its findings."""

import json
import os
import signal
import subprocess
import sys
import tempfile

from paths import HERE, PEAL_LOAD
from servers import Failure


def url_of(scenario, port):
    return f"{'wss' if scenario.tls else 'ws'}://127.0.0.1:{port}{scenario.path}"


def command_of(scenario, port, pids, seconds, warmup, json_file, rate=None):
    """peal-load's command line."""
    command = [str(PEAL_LOAD), scenario.subcommand, url_of(scenario, port), *scenario.load]
    command += ["--duration", f"{round(seconds * 1000)}ms", "--threads", "1", "--quiet", "--json", json_file]
    if scenario.subcommand != "connect":
        command += ["--warmup", f"{round(warmup * 1000)}ms"]
    if scenario.tls:
        command.append("--insecure")
    if scenario.compress:
        command.append("--compress")
    if rate:
        command += ["--rate", f"{rate}/s"]
    for pid in pids:
        command += ["--server-pid", str(pid)]
    return command


def broker_command(protocol, scenario, port, pids, seconds, warmup, json_file):
    words = [sys.executable, str(HERE / "brokers.py"), protocol, str(port), *scenario.load]
    words += ["--duration", str(seconds), "--warmup", str(warmup), "--json", json_file]
    return words + [word for pid in pids for word in ("--server-pid", str(pid))]


def read_findings(findings, scenario):
    """Of peal-load's JSON, the figures that are kept of one round."""
    if scenario.compress:
        opened, agreed = findings["connections"]["opened"], findings["connections"]["compressed"]
        if agreed < opened:
            raise Failure(f"compression was agreed on by {agreed} of {opened} connections")
    round_ = {
        "cpu_us": findings["server_cpu"]["us_per_unit"],
        "client_us": findings["own_cpu"]["us_per_unit"],
    }
    if round_["cpu_us"] <= 0:
        raise Failure("its processes took no CPU time")
    if scenario.kind == "connect":
        round_["rate"] = findings["connections"]["per_second"]
        if "server_memory_per_connection" in findings:
            round_["memory"] = findings["server_memory_per_connection"]["pss"]
        return round_
    messages = findings["messages"]
    if messages["received"] == 0:
        raise Failure("not a message arrived")
    round_["rate"] = messages["per_second"]
    for name in ("p50", "p99", "p99.9"):
        if name in messages.get("latency_us", {}):
            round_[name] = messages["latency_us"][name]
    if scenario.kind == "tail":
        round_["asked_rate"] = findings["options"]["rate"]
        if messages["per_second"] < 0.95 * round_["asked_rate"]:
            raise Failure(f"only {messages['per_second']:,.0f} of {round_['asked_rate']:,} messages a second")
        if messages["unsent"] > 0:  # and they would have been the latest
            raise Failure(f"{messages['unsent']:,} messages were due and could not be sent in time")
    return round_


def run(command, cpu, timeout):
    """Runs a client on its CPU. Returns its exit status and what it said."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
    )
    try:
        text, _ = process.communicate(timeout=timeout)
    except BaseException as stop:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(stop, subprocess.TimeoutExpired):
            raise Failure(f"the client was not done after {timeout:.0f} s") from None
        raise
    return process.returncode, text


def reason_in(text, status):
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    return lines[-1].removeprefix("peal-load: ")[:200] if lines else f"the client ended with {status}"


def measure(server, scenario, cpu, seconds, warmup, rate=None):
    """One round; a dictionary. Raises Failure when anything was not as it has to be."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        arguments = (scenario, server.port, server.pids(), seconds, warmup, file.name)
        if server.peer.client:
            command = broker_command(server.peer.client, *arguments)
        else:
            command = command_of(*arguments, rate=rate)
        status, text = run(command, cpu, seconds + warmup + 60)
        if status != 0:
            raise Failure(reason_in(text, status))
        return read_findings(json.load(file), scenario)
