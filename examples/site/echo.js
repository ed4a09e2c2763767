// SPDX-License-Identifier: Apache-2.0
// Round trip: one time-stamped message at a time goes to /echo and is timed on its way back.

import {showState} from './badge.js';
import {LiveSocket} from './socket.js';

const PERIOD_MS = 250;
const LOST_AFTER_MS = 5_000;
const KEPT_SAMPLES = 240;
const WARM_UP = 4;  // round trips while the page is still being laid out
const BUCKETS_MS = [0.25, 0.5, 1, 2, 4, 8, 16, Infinity];

const byId = (id) => document.getElementById(id);

/** The value below which `share` of the sorted samples lie (nearest rank). */
export function quantile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

function digits(ms) {
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}

function makeBars(list) {
  return BUCKETS_MS.map((limit, i) => {
    const item = document.createElement('li');
    const bar = document.createElement('span');
    const label = document.createElement('small');
    label.textContent = limit === Infinity ? `${BUCKETS_MS[i - 1]}+` : String(limit);
    item.append(bar, label);
    list.append(item);
    return bar;
  });
}

class Meter {
  #samples = [];
  #bars = makeBars(byId('histogram'));

  add(ms) {
    this.#samples.push(ms);
    if (this.#samples.length > KEPT_SAMPLES) this.#samples.shift();
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const median = digits(quantile(sorted, 0.5));
    const p95 = digits(quantile(sorted, 0.95));
    byId('echo-last').textContent = digits(ms);
    byId('echo-median').textContent = median;
    byId('echo-p95').textContent = p95;
    byId('histogram').setAttribute(
        'aria-label', `${sorted.length} round trips, half within ${median} ms, 95 % within ${p95} ms`);
    this.#drawBars();
  }

  #drawBars() {
    const counts = BUCKETS_MS.map(() => 0);
    for (const ms of this.#samples) counts[BUCKETS_MS.findIndex((limit) => ms <= limit)] += 1;
    const most = Math.max(...counts);
    this.#bars.forEach((bar, i) => { bar.style.height = `${(counts[i] / most) * 100}%`; });
  }
}

export function startEcho() {
  const socket = new LiveSocket('echo', '/echo');
  const meter = new Meter();
  const toggle = byId('echo-toggle');
  let pending = null;
  let sequence = 0;
  let paused = false;
  showState(socket, byId('echo-state'));

  const tick = () => {
    const now = performance.now();
    if (paused || (pending && now - pending.sent < LOST_AFTER_MS)) return;
    pending = {sequence: sequence++, sent: now};
    if (!socket.send(JSON.stringify(pending))) pending = null;
  };

  socket.addEventListener('open', () => { pending = null; });
  socket.addEventListener('message', ({detail}) => {
    const now = performance.now();
    if (!pending || detail.data !== JSON.stringify(pending)) return;
    if (pending.sequence >= WARM_UP) meter.add(now - pending.sent);
    pending = null;
  });
  toggle.addEventListener('click', () => {
    paused = !paused;
    toggle.textContent = paused ? 'Resume' : 'Pause';
  });
  setInterval(tick, PERIOD_MS);
  return socket;
}
