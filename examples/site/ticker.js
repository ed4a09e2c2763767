// SPDX-License-Identifier: Apache-2.0
// Ticker: draws each value that arrives and answers it; peal passes the answers to the feeder.

import {showState} from './badge.js';
import {LiveTopic} from './live_topic.js';

const ANSWER = 'Message received.';
const KEPT_VALUES = 90;
const WIDTH = 600;
const HEIGHT = 160;
const MARGIN = 8;

const byId = (id) => document.getElementById(id);
const money = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});

function parse(data) {
  try {
    const {symbol, price} = JSON.parse(data);
    return typeof symbol === 'string' && Number.isFinite(price) ? {symbol, price} : null;
  } catch {
    return null;
  }
}

/** The points of the line, newest at the right edge, scaled to fill the height. */
function points(prices) {
  const low = Math.min(...prices);
  const range = Math.max(...prices) - low || 1;
  const step = WIDTH / (KEPT_VALUES - 1);
  return prices.map((price, i) => {
    const x = WIDTH - (prices.length - 1 - i) * step;
    const y = HEIGHT - MARGIN - ((price - low) / range) * (HEIGHT - 2 * MARGIN);
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
}

function draw(chart, prices) {
  const line = points(prices);
  const left = line[0].split(',')[0];
  chart.querySelector('.line').setAttribute('d', `M${line.join('L')}`);
  chart.querySelector('.area').setAttribute('d', `M${left},${HEIGHT}L${line.join('L')}V${HEIGHT}Z`);
}

function describe(symbol, prices) {
  const low = money.format(Math.min(...prices));
  const high = money.format(Math.max(...prices));
  byId('low').textContent = low;
  byId('high').textContent = high;
  byId('chart').setAttribute('aria-label', `${symbol}, ${prices.length} values from ${low} to ${high}`);
}

function showPrice(symbol, prices) {
  const change = prices.at(-1) / prices[0] - 1;
  byId('symbol').textContent = symbol;
  byId('price').textContent = money.format(prices.at(-1));
  byId('change').textContent = `${change < 0 ? '▼' : '▲'} ${Math.abs(change * 100).toFixed(2)} %`;
}

export function startTicker() {
  const socket = new LiveTopic('ticker', '/ticker');
  const prices = [];
  let answered = 0;
  showState(socket, byId('ticker-state'));
  socket.addEventListener('message', ({detail}) => {
    const value = parse(detail.data);
    if (!value) return;
    prices.push(value.price);
    if (prices.length > KEPT_VALUES) prices.shift();
    showPrice(value.symbol, prices);
    describe(value.symbol, prices);
    draw(byId('chart'), prices);
    if (socket.send(ANSWER)) answered += 1;
    byId('answers').textContent = `Answered “${ANSWER}” ${answered}×`;
  });
  return socket;
}
