// SPDX-License-Identifier: Apache-2.0
// permessage-deflate with npm's `ws`, Chromium and, where it is installed, Firefox; with context
// takeover and without.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {chromium} from 'playwright-core';

import {close, next, open} from './client.mjs';
import {startDaemonWith} from './daemon.mjs';

const FIREFOX = '/usr/bin/firefox-esr';
const SITE = mkdtempSync(join(tmpdir(), 'peal-site-'));
const ALONE = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const config = (takeover) => `
[compression]
context_takeover = ${takeover}

[route.echo]
path = "/echo"
type = "echo"
origins = ["*"]

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.site]
path = "/{path...}"
type = "files"
root = "${SITE}"
`;

// A page that sends texts to /echo of each host named in its query, and says on /chat/report what came of it.
const PAGE = `<!doctype html><meta charset="utf-8"><title>echo</title><script type="module">
const texts = ['', 'x', 'é€😀'.repeat(50), 'to and fro '.repeat(2000), 'y'.repeat(200000)];
async function open(url) {
  const socket = new WebSocket(url);
  await new Promise((done, failed) => { socket.onopen = done; socket.onerror = failed; });
  return socket;
}
async function talk(host) {
  const echo = await open('ws://' + host + '/echo');
  for (const text of [...texts, ...texts]) {
    echo.send(text);
    const {data} = await new Promise((come) => { echo.onmessage = come; });
    if (data !== text) return 'another text came back';
  }
  return echo.extensions;
}
const report = await open('ws://' + location.host + '/chat/report');
for (const host of location.search.slice(1).split(',')) report.send(await talk(host));
</script>`;

const daemons = {};

before(async () => {
  writeFileSync(join(SITE, 'echo.html'), PAGE);
  for (const takeover of [false, true]) daemons[takeover] = await startDaemonWith(config(takeover));
});
after(async () => {
  for (const daemon of Object.values(daemons)) assert.equal(await daemon.stop(), 0);
  rmSync(SITE, {recursive: true});
});

for (const takeover of [false, true]) {
  const way = takeover ? 'with context takeover' : 'without context takeover';

  test(`npm ws, ${way}: echoes of every size, for every offer`, async () => {
    const bits = [8, 9, 11, 15];
    const offers = [
      true, {serverNoContextTakeover: true}, {clientNoContextTakeover: true}, {threshold: 0},
      ...bits.map((serverMaxWindowBits) => ({serverMaxWindowBits, threshold: 0})),
      ...bits.slice(1).map((clientMaxWindowBits) => ({clientMaxWindowBits, threshold: 0})),
    ];
    for (const offer of offers) {
      const client = await open(daemons[takeover], '/echo', {perMessageDeflate: offer});
      assert.match(client.extensions, /^permessage-deflate/);
      for (const size of [0, 1, 100, 300, 5000, 100_000]) {
        const bytes = randomBytes(size);
        client.send(bytes);
        assert.ok(bytes.equals(await next(client)), `${size} bytes, ${JSON.stringify(offer)}`);
        const text = 'to and fro, é; '.repeat(size / 10);
        client.send(text);
        assert.equal(await next(client), text);
        client.send(text.slice(0, size / 2), {fin: false});
        client.send(text.slice(size / 2), {fin: true});
        assert.equal(await next(client), text);
      }
      assert.equal(await close(client), 1000);
    }
  });

  test(`npm ws, ${way}: a room where some compress and some do not`, async () => {
    const offers = [false, true, {serverMaxWindowBits: 9}, {serverNoContextTakeover: true}, true, false];
    const clients = await Promise.all(offers.map(
        (perMessageDeflate) => open(daemons[takeover], '/chat/mixed', {perMessageDeflate})));
    for (let i = 0; i < 200; i++) {
      const text = `${i} ${'hear, hear; '.repeat(i)}`;
      clients[i % clients.length].send(text);
      for (const client of clients) assert.equal(await next(client), text);
    }
    for (const client of clients) assert.equal(await close(client), 1000);
  });
}

/** What the page reports, opened by `browse(url)`. */
async function report(browse) {
  const listener = await open(daemons[false], '/chat/report');
  const [alone, shared] = [daemons[false].host, daemons[true].host];
  await browse(`http://${alone}/echo.html?${alone},${shared}`);
  const answers = [await next(listener), await next(listener)];
  assert.equal(await close(listener), 1000);
  return answers;
}

test('Chromium', async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage();
    assert.deepEqual(await report((url) => page.goto(url)), [ALONE, 'permessage-deflate']);
  } finally {
    await browser.close();
  }
});

test('Firefox', {skip: !existsSync(FIREFOX) && 'firefox-esr is not installed'}, async () => {
  const profile = mkdtempSync(join(tmpdir(), 'peal-firefox-'));
  let firefox;
  try {
    const answers = await report((url) => {
      firefox = spawn(FIREFOX, ['--headless', '--no-remote', '--profile', profile, url], {stdio: 'ignore'});
    });
    assert.deepEqual(answers, ['permessage-deflate', 'permessage-deflate']);  // it leaves out parameters
  } finally {
    firefox.kill();
    await once(firefox, 'exit');
    rmSync(profile, {recursive: true, force: true, maxRetries: 20, retryDelay: 100});
  }
});
