// SPDX-License-Identifier: Apache-2.0
// The reference client, examples/peal.js, in Node and in Chromium: over each transport, with the
// connection cut and the server killed beneath it.

import assert from 'node:assert/strict';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {gzipSync} from 'node:zlib';
import {chromium} from 'playwright-core';
import {minify} from 'terser';
import WebSocket from 'ws';

import {Peal} from '../../../examples/peal.js';
import {startCutter} from './cutter.mjs';
import {ROOT, startDaemonWith, waitUntil} from './daemon.mjs';

const CONFIG = `
[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.live]
path = "/live"
type = "pubsub"
select = "query"
topics = ["prices/*", "chat/*", "news/**"]
wildcards = true
publish = "anyone"
publish_to = "news"

[route.board]
path = "/board/{room}"
type = "pubsub"
topics = ["chat/{room}", "news"]
transports = ["sse"]

[route.events]
path = "/events/{room}"
type = "pubsub"
topics = ["chat/{room}"]
transports = ["sse"]

[route.choice]
path = "/choice"
type = "pubsub"
select = "query"
topics = ["chat/*"]
transports = ["sse", "poll"]

[route.polls]
path = "/polls/{room}"
type = "pubsub"
topics = ["chat/{room}"]
transports = ["poll"]

[route.client]
path = "/{path...}"
type = "files"
root = "${join(ROOT, 'examples')}"

[topic.chat]
match = "chat/**"
history = { size = 1000 }
`;

let daemon;

before(async () => { daemon = await startDaemonWith(CONFIG); });
after(async () => assert.equal(await daemon.stop(), 0));

/** Ends without a word, and comes back on the same port. */
async function killAndRestart() {
  const {port} = daemon;
  daemon.process.kill('SIGKILL');
  await daemon.exit;
  daemon = await startDaemonWith(CONFIG, port);
}

/** A client and what it has heard. */
function listen(url, options = {}) {
  const peal = new Peal(url, {WebSocket, ...options});
  Object.assign(peal, {heard: [], gaps: [], states: []});
  peal.onmessage = (message) => peal.heard.push(message);
  peal.ongap = (gap) => peal.gaps.push(gap);
  peal.onstate = (state) => peal.states.push(state);
  return peal;
}

async function opened(peal, count = 1) {
  const opens = () => peal.states.filter(({state}) => state === 'open').length;
  await waitUntil(() => opens() >= count, `open for the ${count}. time, after ${JSON.stringify(peal.states)}`, 20_000);
}

async function speaker(room) {
  const socket = new WebSocket(`ws://${daemon.host}/chat/${room}`);
  await once(socket, 'open');
  return socket;
}

function numbers(peal) {
  return peal.heard.map(({data}) => Number(data));
}

function upTo(count) {
  return Array.from({length: count}, (_, i) => i);
}

test('it takes 2 KiB to send it, minified and compressed', async () => {
  const {code} = await minify(readFileSync(join(ROOT, 'examples/peal.js'), 'utf8'), {module: true, toplevel: true});
  const size = gzipSync(code, {level: 9}).length;
  assert.ok(size <= 2048, `${size} octets`);
});

test('messages come with topic and id, text as text and binary as octets', async () => {
  const peal = listen(`ws://${daemon.host}/chat/kinds`);
  const of = [];
  peal.on('chat/kinds', (message) => of.push(message));
  await opened(peal);
  const told = await peal.publish('hé\n"llo"');
  assert.equal(told.subscribers, 1);
  await peal.publish(Uint8Array.of(0, 255, 10));
  await waitUntil(() => peal.heard.length === 2, 'both come back');
  assert.deepEqual(peal.heard[0], {topic: 'chat/kinds', id: told.id, data: 'hé\n"llo"'});
  assert.deepEqual(peal.heard[1].data, Uint8Array.of(0, 255, 10));
  assert.deepEqual(of, peal.heard);
  assert.equal(peal.position, peal.heard[1].id);
  peal.close();
  assert.equal(peal.states.at(-1).state, 'closed');
  await assert.rejects(peal.publish('too late'));
});

test('what is published may be large, and is refused where it is no text', async () => {
  const peal = listen(`ws://${daemon.host}/chat/large`);
  await opened(peal);
  const octets = Uint8Array.from({length: 300_000}, (_, i) => i);
  await peal.publish(octets);
  await waitUntil(() => peal.heard.length === 1, 'it comes back');
  assert.deepEqual(peal.heard[0].data, octets);
  for (const cut of upTo(4)) await assert.rejects(peal.publish(`${cut} \ud83d`), {code: 'bad_command'});
  await peal.publish('whole \u{1f600}');
  assert.deepEqual(peal.states.map(({state}) => state), ['connecting', 'open']);
  peal.close();
});

test('a topic that is named twice is one', async () => {
  const cutter = await startCutter(daemon.port);
  const peal = listen(`ws://${cutter.host}/live`, {topics: ['chat/twice', 'chat/twice', 'chat/once']});
  const socket = await speaker('twice');
  await opened(peal);
  for (const i of upTo(2)) {
    socket.send(String(i));
    await waitUntil(() => peal.heard.length === i + 1, 'it is heard');
    cutter.cut();
    await opened(peal, i + 2);
  }
  assert.deepEqual(numbers(peal), upTo(2));
  peal.close();
  socket.close();
  cutter.stop();
});

test('topics come and go, and errors have a code', async () => {
  const peal = listen(`http://${daemon.host}/live`, {topics: ['prices/eur']});
  await opened(peal);
  await peal.subscribe('news/**');
  await peal.publish('extra');
  await waitUntil(() => peal.heard.length === 1, 'the pattern has it');
  assert.equal(peal.heard[0].topic, 'news');
  await peal.unsubscribe('news/**');
  await assert.rejects(peal.subscribe('secrets'), {code: 'forbidden'});
  await assert.rejects(peal.publish('x', 'prices/eur'), {code: 'forbidden'});
  assert.match(peal.position, /^[0-9a-f]{16}-\d+$/);
  peal.close();
});

test('a connection that is cut again and again loses nothing', async () => {
  const cutter = await startCutter(daemon.port);
  const peal = listen(`ws://${cutter.host}/live`, {topics: ['chat/cut', 'chat/quiet']});
  const socket = await speaker('cut');
  await opened(peal);
  for (const i of upTo(300)) {
    socket.send(String(i));
    if (i % 75 === 50) {
      cutter.cut();
      await new Promise((done) => setTimeout(done, 20));
    }
  }
  await waitUntil(() => peal.heard.length >= 300, 'all are heard', 20_000);
  assert.deepEqual(numbers(peal), upTo(300));
  assert.ok(peal.states.filter(({state}) => state === 'open').length > 1, 'it was cut');
  assert.deepEqual(peal.gaps, []);
  peal.close();
  socket.close();
  cutter.stop();
});

test('where there is no way for WebSocket it polls, and loses nothing', async () => {
  const cutter = await startCutter(daemon.port);
  const peal = listen(`http://${cutter.host}/polls/node`);
  await opened(peal);
  assert.equal(peal.transport, 'poll');
  const socket = await speaker('node');
  for (const i of upTo(200)) {
    socket.send(String(i));
    if (i === 100) cutter.cut();
    if (i % 20 === 0) await new Promise((done) => setTimeout(done, 5));
  }
  await waitUntil(() => peal.heard.length >= 200, 'all are heard', 20_000);
  assert.deepEqual(numbers(peal), upTo(200));
  assert.deepEqual(peal.gaps, []);
  peal.close();
  socket.close();
  cutter.stop();
});

test('a server that is killed and started again is found, and the gap is told', async () => {
  const peals = [listen(`ws://${daemon.host}/chat/killed`), listen(`ws://${daemon.host}/live`, {topics: ['chat/killed', 'chat/other']}),
                 listen(`http://${daemon.host}/polls/killed`, {WebSocket: null})];
  for (const peal of peals) await opened(peal);
  const socket = await speaker('killed');
  socket.on('error', () => {});
  socket.send('before');
  for (const peal of peals) await waitUntil(() => peal.heard.length === 1, 'all hear it');
  await killAndRestart();
  for (const peal of peals) {
    await opened(peal, 2);
    await waitUntil(() => peal.gaps.length > 0, 'the gap is told');
  }
  (await speaker('killed')).send('after');
  for (const peal of peals) {
    await waitUntil(() => peal.heard.length === 2, 'all hear it');
    assert.equal(peal.heard[1].data, 'after');
    peal.close();
  }
});

test('in Chromium', async (context) => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'],
  });
  context.after(() => browser.close());

  async function openPage(path, options = {}) {
    const page = await browser.newPage();
    await page.goto(`http://${daemon.host}/README.md`);
    await page.evaluate(async ([url, more]) => {
      const {Peal} = await import('/peal.js');
      const peal = window.peal = new Peal(url, more);
      Object.assign(window, {heard: [], gaps: [], opens: []});
      peal.onmessage = ({data}) => heard.push(data);
      peal.ongap = (gap) => gaps.push(gap);
      peal.onstate = ({state, transport}) => { if (state === 'open') opens.push(transport); };
    }, [path, options]);
    page.count = (what) => page.evaluate((name) => window[name].length, what);
    return page;
  }

  async function playThrough(page, room, transport) {
    await waitUntil(() => page.count('opens'), `open, by ${transport}`, 20_000);
    assert.equal(await page.evaluate(() => opens[0]), transport);
    const socket = await speaker(room);
    for (const i of upTo(100)) socket.send(String(i));
    await waitUntil(async () => await page.count('heard') >= 100, 'all are heard');
    socket.on('error', () => {});
    await killAndRestart();
    await waitUntil(() => page.count('gaps'), 'the gap is told', 20_000);
    const again = await speaker(room);
    for (const i of upTo(100)) again.send(String(100 + i));
    await waitUntil(async () => await page.count('heard') >= 200, 'all are heard');
    assert.deepEqual(await page.evaluate(() => heard.map(Number)), upTo(200));
    again.close();
    await page.close();
  }

  await context.test('what a handler throws takes nothing from those after it', async () => {
    const since = (await fetch(`http://${daemon.host}/polls/thrown?wait=0s`)).headers.get('Peal-Next');
    const socket = await speaker('thrown');
    for (const i of upTo(3)) socket.send(String(i));
    await Promise.all(upTo(3).map(() => once(socket, 'message')));
    const page = await openPage('/chat/idle');
    await page.evaluate(async (from) => {
      const {Peal} = await import('/peal.js');
      window.said = [];
      new Peal('/polls/thrown', {since: from}).onmessage = ({data}) => { said.push(data); throw new Error('of a handler'); };
    }, since);
    await waitUntil(() => page.count('said'), 'the first are heard', 20_000);
    socket.send('3');
    await waitUntil(() => page.evaluate(() => said.includes('3')), 'the last is heard', 20_000);
    assert.deepEqual(await page.evaluate(() => said.map(Number)), upTo(4));
    socket.close();
    await page.close();
  });
  await context.test('by WebSocket', async () => playThrough(await openPage('/chat/web'), 'web', 'websocket'));
  await context.test('by server-sent events where there is nothing else', async () =>
    playThrough(await openPage('/events/sse'), 'sse', 'sse'));
  await context.test('by server-sent events of topics that the route names', async () =>
    playThrough(await openPage('/board/board'), 'board', 'sse'));
  await context.test('by server-sent events of topics by choice', async () =>
    playThrough(await openPage('/choice', {topics: ['chat/quiet', 'chat/choice']}), 'choice', 'sse'));
  await context.test('by long polls where there is nothing else', async () =>
    playThrough(await openPage('/polls/poll'), 'poll', 'poll'));
});
