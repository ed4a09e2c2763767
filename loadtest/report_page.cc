// SPDX-License-Identifier: Apache-2.0
#include "loadtest/report_page.h"

namespace peal::loadtest {

// What may follow is escaped: "<" never stands in the JSON, see html_report(). The page draws its
// charts by itself, as SVG, and reaches for nothing outside.
const std::string_view kPageBeforeData = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>peal-load</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #17202e; --soft: #5c687a; --line: #e3e7ed; --grid: #edf0f4;
  --a: #2f6fed; --b: #e0892b; --c: #d1495b; --good: #1f8f5f; --bad: #c8313f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141b; --card: #181e28; --ink: #e8ecf2; --soft: #96a2b4; --line: #2a3240; --grid: #232a36;
    --a: #6b9cff; --b: #f0a95a; --c: #f07a88; --good: #4fc08d; --bad: #ff7481;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 36px 24px 48px; }
header { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin-bottom: 4px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h1 small { font-weight: 400; color: var(--soft); font-size: 20px; }
h2 { font-size: 15px; margin: 0; font-weight: 650; }
.badge { font-size: 13px; font-weight: 600; padding: 3px 11px; border-radius: 99px;
  color: var(--good); background: color-mix(in srgb, var(--good) 13%, transparent); }
.badge.bad { color: var(--bad); background: color-mix(in srgb, var(--bad) 13%, transparent); }
.lead { color: var(--soft); margin: 0 0 24px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 14px; margin-bottom: 14px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 18px; min-width: 0; }
.figure b { display: block; font-size: 25px; line-height: 1.25; font-weight: 650; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.figure b small { font-size: 14px; font-weight: 500; color: var(--soft); letter-spacing: 0; margin-left: 4px; }
.figure span { color: var(--soft); font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; }
.wide { grid-column: 1 / -1; }
@media (max-width: 780px) { .charts { grid-template-columns: minmax(0, 1fr); } }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 14px; margin-bottom: 8px; }
.key { color: var(--soft); font-size: 12.5px; }
.key i { display: inline-block; width: 16px; height: 3px; border-radius: 2px; vertical-align: 3px; margin: 0 5px 0 10px; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 11.5px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--soft);
  font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--line); }
svg .mark { stroke: var(--soft); stroke-dasharray: 3 3; opacity: .7; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { padding: 5px 0; border-top: 1px solid var(--line); text-align: right; font-weight: 400; vertical-align: top; }
tr:first-child > * { border-top: 0; }
th { text-align: left; color: var(--soft); padding-right: 14px; white-space: nowrap; }
td { overflow-wrap: anywhere; }
.bars div { display: grid; grid-template-columns: 62px 1fr 92px; gap: 10px; align-items: center; margin-top: 10px; }
.bars i { display: block; height: 18px; border-radius: 4px; min-width: 2px; }
.bars em { font-style: normal; text-align: right; font-variant-numeric: tabular-nums; }
.bars span, .note { color: var(--soft); font-size: 13px; }
.note { margin: 10px 0 0; }
.trouble { border-color: var(--bad); margin-bottom: 14px; }
.trouble ul { margin: 6px 0 0; padding-left: 20px; overflow-wrap: anywhere; }
code { display: block; font: 12.5px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; color: var(--soft);
  overflow-wrap: anywhere; }
.tip { position: fixed; pointer-events: none; background: var(--ink); color: var(--card); font-size: 12.5px;
  line-height: 1.45; border-radius: 7px; padding: 5px 9px; white-space: pre; opacity: 0; transition: opacity .1s;
  font-variant-numeric: tabular-nums; z-index: 1; }
footer { color: var(--soft); font-size: 13px; margin-top: 18px; }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
</style>
</head>
<body>
<main id="page"></main>
<div class="tip" id="tip"></div>
<script id="data" type="application/json">)page";

const std::string_view kPageAfterData = R"page(</script>
<script>
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const messages = data.messages, options = data.options;

// Figures as people read them.
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const grouped = (value) => Math.round(value).toLocaleString("en-US");
const digits = (value) => value === 0 ? "0" : Number.isInteger(value) && value < 1000 ? String(value)
  : value >= 100 ? String(Math.round(value)) : value.toPrecision(3);
const scaled = (value, units, step) => {
  let at = 0;
  while (at < units.length - 1 && Math.abs(value) >= step) { value /= step; ++at; }
  return [digits(value), units[at]];
};
const time = (us) => us < 1 ? [digits(us * 1000), "ns"] : us < 1e6 ? scaled(us, ["µs", "ms"], 1000) : [digits(us / 1e6), "s"];
const count = (value) => value < 100 ? [digits(value), ""] : value < 1e5 ? [grouped(value), ""] : scaled(value, ["", "k", "M", "G"], 1000);
const size = (bytes) => scaled(bytes, ["B", "KiB", "MiB", "GiB"], 1024);
const rate = (bytes) => scaled(bytes, ["B/s", "kB/s", "MB/s", "GB/s"], 1000);
const plural = (number, word) => `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;
const joined = ([value, unit]) => unit ? value + " " + unit : value;
const each = (pair, what) => `<b>${pair[0]}<small>${pair[1]}${what}</small></b>`;

// One chart. `x` and `y` are scales: {at(value) -> 0..1, ticks: [[value, label]]}.
const W = 540, H = 250, L = 58, R = 28, T = 8, B = 30;
const place = (scale, value, from, to) => from + scale.at(value) * (to - from);
function frame(x, y, width) {
  let svg = "";
  for (const [value, label] of y.ticks) {
    const at = place(y, value, H - B, T);
    svg += `<line class="grid" x1="${L}" x2="${width - R}" y1="${at}" y2="${at}"/>` +
      `<text x="${L - 9}" y="${at + 4}" text-anchor="end">${label}</text>`;
  }
  for (const [value, label] of x.ticks) {
    const at = place(x, value, L, width - R);
    svg += `<line class="axis" x1="${at}" x2="${at}" y1="${H - B}" y2="${H - B + 4}"/>` +
      `<text x="${at}" y="${H - 8}" text-anchor="middle">${label}</text>`;
  }
  return svg + `<line class="axis" x1="${L}" x2="${width - R}" y1="${H - B}" y2="${H - B}"/>`;
}
function path(points, x, y, width, color, filled) {
  if (points.length === 0) return "";
  const line = points.map(([a, b]) => place(x, a, L, width - R).toFixed(1) + " " + place(y, b, H - B, T).toFixed(1)).join("L");
  const first = place(x, points[0][0], L, width - R), last = place(x, points[points.length - 1][0], L, width - R);
  return (filled ? `<path d="M${first} ${H - B}L${line}L${last} ${H - B}Z" fill="${color}" opacity=".13"/>` : "") +
    `<path d="M${line}" fill="none" stroke="${color}" stroke-width="2" stroke-linejoin="round"/>`;
}
// A point for each of `all`, but for those that have none: a line for each stretch, a dot where one stands alone.
function stretches(all, point, has, x, y, width, color) {
  const runs = [[]];
  for (const each of all) has(each) ? runs[runs.length - 1].push(point(each)) : runs.push([]);
  return runs.map((run) => run.length === 1
    ? `<circle cx="${place(x, run[0][0], L, width - R).toFixed(1)}" cy="${place(y, run[0][1], H - B, T).toFixed(1)}" r="3" fill="${color}"/>`
    : path(run, x, y, width, color, false)).join("");
}
const svg = (body, width) => `<svg viewBox="0 0 ${width} ${H}" data-width="${width}" role="img">${body}</svg>`;

// Scales.
function linear(most, label, wanted = 5) {
  const rough = (most || 1) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) || 10);
  const end = step * Math.max(1, Math.ceil((most || 1) / step - 1e-9)), ticks = [];
  for (let i = 0; i * step <= end * 1.0001; ++i) ticks.push([i * step, label(i * step)]);
  return {at: (value) => value / end, ticks};
}
function span(end, label) {
  const nice = linear(end, label, 6);
  return {at: (value) => value / end, ticks: nice.ticks.filter(([value]) => value <= end * 1.0001)};
}
function logarithmic(least, most, label) {
  const low = Math.floor(Math.log10(least) * 2) / 2, high = Math.max(low + .5, Math.ceil(Math.log10(most) * 2) / 2), ticks = [];
  for (let power = Math.floor(low); power <= high; ++power)
    for (const factor of high - low > 2.6 ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** power, log = Math.log10(value);
      if (log >= low - 1e-9 && log <= high + 1e-9) ticks.push([value, label(value)]);
    }
  return {at: (value) => (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low), ticks};
}
// Each further nine of a percentile takes as much room as the one before.
function nines(total) {
  const most = Math.max(2, Math.min(6, Math.ceil(Math.log10(total))));
  const ticks = [[.5, "50 %"], [.9, "90 %"], [.99, "99 %"], [.999, "99.9 %"], [.9999, "99.99 %"],
    [.99999, "99.999 %"], [.999999, "99.9999 %"]].filter(([value]) => -Math.log10(1 - value) <= most + 1e-9);
  return {at: (value) => Math.min(1, -Math.log10(Math.max(1 - value, 10 ** -most)) / most), ticks};
}

const tips = [];
function chart(title, key, body, width, tip) {
  const keys = key.map(([color, name]) => `<i style="background:${color}"></i>${name}`).join("");
  tips.push(tip);
  return `<section class="card${width > W ? " wide" : ""}" data-tip="${tips.length - 1}"><div class="head"><h2>${title}</h2>` +
    `<span class="key">${keys}</span></div>${svg(body, width)}</section>`;
}

const A = "var(--a)", BB = "var(--b)", C = "var(--c)";
// Where there is one column, all charts have its width.
const WIDE = matchMedia("(max-width: 780px)").matches ? W : 1110;
const timeLabel = (us) => joined(time(us));
const secondsLabel = (s) => +s.toFixed(3) + " s";

function percentiles(buckets, title) {
  const total = buckets.reduce((sum, bucket) => sum + bucket[1], 0);
  if (total === 0) return "";
  const points = [];
  let seen = 0;
  for (const [high, times] of buckets) {
    points.push([seen / total, high]);
    seen += times;
    points.push([Math.min(seen / total, 1 - .5 / total), high]);
  }
  const x = nines(total), y = logarithmic(Math.max(buckets[0][0], .1), buckets[buckets.length - 1][0], timeLabel);
  const body = frame(x, y, W) + path(points, x, y, W, A, true);
  const tip = (share) => {
    const wanted = 1 - 10 ** (-share * -Math.log10(1 - x.ticks[x.ticks.length - 1][0]));
    const found = points.find(([at]) => at >= wanted) || points[points.length - 1];
    return `${(wanted * 100).toPrecision(wanted > .9 ? 5 : 3)} %\nwithin ${timeLabel(found[1])}`;
  };
  return chart(title, [], body, W, tip);
}

function distribution(buckets) {
  const total = buckets.reduce((sum, bucket) => sum + bucket[1], 0);
  if (total === 0) return "";
  const least = Math.max(buckets[0][0], .1), x = logarithmic(least, buckets[buckets.length - 1][0], timeLabel);
  const bins = new Array(64).fill(0);
  for (const [high, times] of buckets) bins[Math.min(63, Math.max(0, Math.floor(x.at(high) * 64)))] += times / total * 100;
  const y = linear(Math.max(...bins), (value) => digits(+value.toFixed(2)) + " %", 4);
  let body = frame(x, y, W);
  const step = (W - R - L) / 64;
  bins.forEach((bin, i) => {
    if (bin === 0) return;
    const top = place(y, bin, H - B, T);
    body += `<rect x="${(L + i * step + .5).toFixed(1)}" y="${top.toFixed(1)}" width="${(step - 1).toFixed(1)}" height="${(H - B - top).toFixed(1)}" rx="1" fill="${A}"/>`;
  });
  const tip = (share) => digits(+bins[Math.min(63, Math.floor(share * 64))].toFixed(3)) + " % of messages";
  return chart("Distribution of latency", [], body, W, tip);
}

function series() {
  const all = data.series;
  if (!all || all.length === 0) return "";
  const step = all.length > 1 ? all[1].t_s - all[0].t_s : messages.seconds, end = all[all.length - 1].t_s + step;
  const x = span(end, secondsLabel), middle = (each) => each.t_s + step / 2;
  const most = Math.max(...all.map((each) => each.per_second));
  const y = linear(most, (value) => joined(count(value)), 4);
  const pick = (share) => all[Math.min(all.length - 1, Math.floor(share * end / step))];
  let html = chart("Messages a second", [], frame(x, y, WIDE) +
    path(all.map((each) => [middle(each), each.per_second]), x, y, WIDE, A, true), WIDE,
    (share) => `${secondsLabel(pick(share).t_s)}\n${joined(count(pick(share).per_second))} messages/s\n${joined(rate(pick(share).bytes_per_second))}`);
  const has = (each) => each.per_second > 0, heard = all.filter(has);
  if (heard.length === 0) return html;
  const z = logarithmic(Math.max(.1, Math.min(...heard.map((each) => each.p50_us))), Math.max(...heard.map((each) => each.max_us)), timeLabel);
  const lines = [["p50_us", A], ["p99_us", BB], ["max_us", C]];
  return html + chart("Latency over time", [[A, "50 %"], [BB, "99 %"], [C, "largest"]], frame(x, z, WIDE) +
    lines.map(([name, color]) => stretches(all, (each) => [middle(each), each[name]], has, x, z, WIDE, color)).join(""), WIDE,
    (share) => !has(pick(share)) ? `${secondsLabel(pick(share).t_s)}\nno messages` : `${secondsLabel(pick(share).t_s)}\n50 %  ${timeLabel(pick(share).p50_us)}\n99 %  ${timeLabel(pick(share).p99_us)}\nlargest  ${timeLabel(pick(share).max_us)}`);
}

function cpu() {
  const rows = [["server", data.server_cpu, A], ["client", data.own_cpu, BB]].filter((row) => row[1]);
  const most = Math.max(...rows.map((row) => row[1].us_per_unit));
  if (!(most > 0)) return "";
  const bars = rows.map(([name, each, color]) => `<div><span>${name}</span><i style="width:${each.us_per_unit / most * 100}%;background:${color}"></i>` +
    `<em>${digits(each.us_per_unit)} µs</em></div>`).join("");
  const share = data.server_cpu && data.server_cpu.user_s + data.server_cpu.system_s > 0
    ? `${Math.round(100 * data.server_cpu.user_s / (data.server_cpu.user_s + data.server_cpu.system_s))} % of the server's is its own code, the rest the kernel's. ` : "";
  const limit = data.own_cpu.busy >= .95 ? "The client's threads were at work all the time: they may be what limits the rate." : "";
  return `<section class="card bars${messages ? "" : " wide"}"><h2>CPU time a ${data.cpu_unit}</h2>${bars}<p class="note">${share}${limit}</p></section>`;
}

function table(title, rows) {
  const body = rows.filter((row) => row && row[1] !== undefined).map(([name, value]) => `<tr><th>${name}</th><td>${escape(value)}</td></tr>`).join("");
  return `<section class="card"><h2>${title}</h2><table>${body}</table></section>`;
}

function latencyTable(latency, title) {
  if (latency.count === 0) return "";
  const rows = [["least", latency.min]];
  for (const name of ["50", "75", "90", "95", "99", "99.9", "99.99", "99.999"])
    if (latency.count * (100 - name) >= 99.9999) rows.push([name + " %", latency["p" + name]]);
  rows.push(["largest", latency.max], ["mean", latency.mean]);
  return table(title, rows.map(([name, us]) => [name, timeLabel(us)]));
}

function figures() {
  const list = [];
  const add = (html, label) => list.push(`<div class="card figure">${html}<span>${label}</span></div>`);
  if (messages) {
    add(each(count(messages.per_second), "/s"), "messages");
    if (messages.latency_us.count > 0) add(each(time(messages.latency_us.p50), ""), "median latency");
    if (messages.latency_us.count > 0) add(each(time(messages.latency_us.p99), ""), "latency, 99 %");
    if (messages.latency_us.count >= 1000) add(each(time(messages.latency_us["p99.9"]), ""), "latency, 99.9 %");
  } else {
    add(each([grouped(data.connections.opened), ""], ""), "connections");
    add(each(count(data.connections.per_second), "/s"), "handshakes");
    if (data.connections.opened > 0) add(each(time(data.connections.opening_us.p99), ""), "to open, 99 %");
  }
  if (data.server_cpu) add(each([digits(data.server_cpu.us_per_unit), "µs"], ""), `server CPU a ${data.cpu_unit}`);
  const memory = data.server_memory_per_connection;
  if (memory && !messages) add(each(size(Math.max(0, memory.pss || memory.rss)), ""), "memory a connection");
  return `<div class="figures">${list.join("")}</div>`;
}

function trouble() {
  const reasons = Object.entries(data.connections.failures).sort((a, b) => b[1] - a[1]), shown = 10;
  const list = reasons.slice(0, shown).map(([reason, times]) => `${plural(times, "connection")}: ${reason}`);
  const others = reasons.slice(shown).reduce((sum, [, times]) => sum + times, 0);
  if (others > 0) list.push(`${plural(others, "connection")}, for ${plural(reasons.length - shown, "other reason")}`);
  const names = {wrong: "messages were not what was sent", out_of_order: "messages came out of order or twice",
    unexpected: "messages came that nobody had sent", missing: "messages did not come", refused: "publications were refused"};
  if (messages) for (const [name, text] of Object.entries(names))
    if (messages.faults[name] > 0) list.push(`${grouped(messages.faults[name])} ${text}`);
  if (messages && messages.unsent > 0) list.push(`${grouped(messages.unsent)} messages were due and not sent in time: latencies are too good`);
  if (list.length === 0) return "";
  return `<section class="card trouble"><h2>What went wrong</h2><ul>${list.map((text) => `<li>${escape(text)}</li>`).join("")}</ul></section>`;
}

const open = data.server_memory_open, memory = data.server_memory_per_connection;
const setup = table("The run", [
  ["scenario", options.scenario],
  options.subscribers !== undefined ? ["subscribers", grouped(options.subscribers)] : ["connections", grouped(options.connections)],
  options.publishers !== undefined ? ["publishers", grouped(options.publishers)] : null,
  messages ? ["load", options.rate > 0 ? `open loop, ${grouped(options.rate)} messages/s` : `closed loop, depth ${options.depth}`] : null,
  messages ? ["payload", options.sizes.map((each) => joined(size(each.bytes)) + (options.sizes.length > 1 ? " × " + each.weight : "")).join(", ")] : null,
  ["transport", (options.transport === "sse" ? "event stream" : "WebSocket") + (options.tls ? " over TLS" : "") + (data.connections.compressed > 0 ? ", compressed" : "")],
  ["client", `${options.threads} thread${options.threads === 1 ? "" : "s"}, ${options.io}`],
  data.server ? ["server", data.server] : null,
  messages ? ["measured", messages.seconds === 0 ? "nothing" : `${digits(messages.seconds)} s after ${digits(options.warmup_s)} s`] : null,
]);
const counts = table("Counts", [
  ["opened", `${grouped(data.connections.opened)} in ${timeLabel(data.connections.seconds * 1e6)}`],
  ["handshakes", joined(count(data.connections.per_second)) + " /s"],
  messages ? ["sent", grouped(messages.sent) + " in all"] : null,
  messages ? ["received", grouped(messages.received) + " while measured"] : null,
  messages ? ["payload", joined(rate(messages.seconds > 0 ? messages.payload_bytes / messages.seconds : 0))] : null,
  messages && messages.lag_us.count > 0 ? ["sent late by", `${timeLabel(messages.lag_us.p50)} (50 %), ${timeLabel(messages.lag_us.p99)} (99 %)`] : null,
  open ? ["server memory", joined(size(open.pss || open.rss)) + (open.pss ? " PSS" : " RSS")] : null,
  memory ? ["grown by", `${grouped(Math.max(0, memory.pss || memory.rss))} B a connection`] : null,
]);

document.title = `peal-load ${options.scenario} ${options.url}`;
const verified = messages ? "every message verified" : "every connection stayed";
document.getElementById("page").innerHTML =
  `<header><h1>${options.scenario} <small>${escape(options.url)}</small></h1>` +
  `<span class="badge${data.good ? "" : " bad"}">${data.good ? verified : "failed"}</span></header>` +
  `<p class="lead">${escape(options.description)}</p>` + trouble() + figures() + `<div class="charts">` +
  (messages ? percentiles(messages.latency_buckets_us, "Latency by percentile") + distribution(messages.latency_buckets_us) + series()
    : percentiles(data.connections.opening_buckets_us, "Time to open, by percentile") ) +
  (messages ? latencyTable(messages.latency_us, "Latency") : latencyTable(data.connections.opening_us, "Time to open")) +
  setup + counts + cpu() + `</div>` +
  `<footer><code>${escape(options.command)}</code>${new Date(data.began * 1000).toLocaleString()}, by peal-load</footer>`;

// A line and a word where the pointer is.
const tip = document.getElementById("tip");
for (const card of document.querySelectorAll("[data-tip]")) {
  const drawing = card.querySelector("svg"), width = +drawing.dataset.width;
  drawing.insertAdjacentHTML("beforeend", `<line class="mark" y1="${T}" y2="${H - B}" visibility="hidden"/>`);
  const mark = drawing.lastElementChild;
  drawing.addEventListener("mousemove", (event) => {
    const box = drawing.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * width;
    const share = Math.min(.9999, Math.max(0, (at - L) / (width - R - L)));
    const line = L + share * (width - R - L);
    mark.setAttribute("x1", line);
    mark.setAttribute("x2", line);
    mark.setAttribute("visibility", "visible");
    tip.textContent = tips[+card.dataset.tip](share);
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = event.clientY + 14 + "px";
    tip.style.opacity = 1;
  });
  drawing.addEventListener("mouseleave", () => {
    mark.setAttribute("visibility", "hidden");
    tip.style.opacity = 0;
  });
}
</script>
</body>
</html>
)page";

}  // namespace peal::loadtest
