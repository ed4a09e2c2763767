// SPDX-License-Identifier: Apache-2.0
// EventSource in a real browser: it connects again by itself, and hears what it has missed, or that
// nobody knows any more what that was.

import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {chromium} from 'playwright-core';
import {WebSocket} from 'ws';

import {startCutter} from './cutter.mjs';
import {startDaemon, waitUntil} from './daemon.mjs';

const CONFIG = `
[listen.public]
address = "127.0.0.1:0"

[route.room]
path = "/room/{name}"
type = "pubsub"
topics = ["room/{name}"]
publish = "anyone"

[route.site]
path = "/{path...}"
type = "files"
root = "site"

[topic.room]
match = "room/**"
history = { size = 100 }
`;

let browser;
let config;
let daemon;
let folder;
let page;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'peal-'));
  config = join(folder, 'peal.toml');
  writeFileSync(config, CONFIG);
  mkdirSync(join(folder, 'site'));
  writeFileSync(join(folder, 'site/index.html'), '<!doctype html><title>events</title>');
  daemon = await startDaemon(config);
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
  page = await browser.newPage();
  await page.goto(`http://${daemon.host}/`);
});

after(async () => {
  await browser?.close();
  assert.equal(await daemon?.stop(), 0);
  rmSync(folder, {recursive: true});
});

function listen(name, host = '') {
  return page.evaluate((path) => {
    window.heard = [];
    window.source?.close();
    window.source = new EventSource(path);
    for (const kind of ['open', 'error', 'message', 'binary', 'gap']) {
      window.source.addEventListener(kind, (event) => window.heard.push([kind, event.data, event.lastEventId]));
    }
  }, `${host && 'http://'}${host}/room/${name}`);
}

/** What the page has heard of these kinds. */
function heard(...kinds) {
  return page.evaluate((wanted) => window.heard.filter(([kind]) => wanted.includes(kind)), kinds);
}

async function hears(count, ...kinds) {
  return await waitUntil(async () => {
    const all = await heard(...kinds);
    return all.length >= count && all;
  }, `${count} times ${kinds}`, 20_000);
}

async function enter(name, host = daemon.host) {
  const socket = new WebSocket(`ws://${host}/room/${name}`);
  await new Promise((done, failed) => socket.once('open', done).once('error', failed));
  return socket;
}

async function publish(name, ...texts) {
  const socket = await enter(name);
  for (const text of texts) {
    const back = new Promise((done) => { socket.once('message', done); });
    socket.send(text);
    await back;
  }
  socket.close();
}

test('events arrive, text and binary', async () => {
  await listen('kinds');
  await hears(1, 'open');
  await publish('kinds', 'text with\ntwo lines', Buffer.from([0, 255]));
  const [[, text, id], [kind, data]] = await hears(2, 'message', 'binary');
  assert.equal(text, 'text with\ntwo lines');
  assert.match(id, /^[0-9a-f]{16}-\d+$/);
  assert.deepEqual([kind, data], ['binary', 'AP8=']);
});

test('a server that is killed and started again is found, and the gap is told', async () => {
  await listen('killed');
  await hears(1, 'open');
  await publish('killed', 'before');
  await hears(1, 'message');
  daemon.process.kill('SIGKILL');
  await hears(1, 'error');
  await daemon.exit;
  daemon = await startDaemon(config, daemon.port);
  await publish('killed', 'while it was away');
  const [[kind, data, id]] = await hears(1, 'gap');
  const {topic, next} = JSON.parse(data);
  assert.deepEqual([kind, topic, id], ['gap', 'room/killed', next]);
  const [, missed] = await hears(2, 'message');
  assert.equal(missed[1], 'while it was away');
  await publish('killed', 'after');
  await hears(3, 'message');
  assert.deepEqual((await heard('gap', 'message')).map(([, text]) => text),
                   ['before', data, 'while it was away', 'after']);
});

test('a server that is full is asked again, from the same place', async (context) => {
  const file = join(folder, 'full.toml');
  writeFileSync(file, CONFIG.replace('[route.room]', `
[limits]
connections = 2

[route.room]
origins = ["*"]`));
  const full = await startDaemon(file);
  const cutter = await startCutter(full.port);
  context.after(async () => {
    cutter.stop();
    assert.equal(await full.stop(), 0);
  });
  const publisher = await enter('full', full.host);
  await listen('full', cutter.host);
  await hears(1, 'open');
  publisher.send('before');
  await hears(1, 'message');
  cutter.cut();
  const other = await waitUntil(() => enter('other', full.host).catch(() => null), 'the place is taken');
  await hears(2, 'open');  // and ends at once
  await hears(2, 'error');
  publisher.send('meanwhile');
  assert.equal(await page.evaluate(() => window.source.readyState), 0);  // CONNECTING
  other.close();
  const messages = await hears(2, 'message');
  assert.deepEqual(messages.map(([, text]) => text), ['before', 'meanwhile']);
  assert.deepEqual(await heard('gap'), []);
  publisher.close();
});
