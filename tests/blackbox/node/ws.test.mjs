// SPDX-License-Identifier: Apache-2.0
// The daemon as npm's `ws` client sees it.

import assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {after, before, test} from 'node:test';
import WebSocket from 'ws';

import {close, next, open} from './client.mjs';
import {startDaemonWith} from './daemon.mjs';

const CONFIG = `
[route.echo]
path = "/echo"
type = "echo"
subprotocols = ["b", "a"]

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
`;

let daemon;

before(async () => { daemon = await startDaemonWith(CONFIG); });
after(async () => assert.equal(await daemon.stop(), 0));

test('echo returns text and binary of every size', async () => {
  const client = await open(daemon, '/echo');
  for (const size of [0, 1, 125, 126, 65535, 65536, 1 << 20]) {
    const bytes = randomBytes(size);
    client.send(bytes);
    assert.ok(bytes.equals(await next(client)), `${size} bytes of binary`);
    const text = 'é'.repeat(size / 2);
    client.send(text);
    assert.equal(await next(client), text);
  }
  assert.equal(await close(client), 1000);
});

test('fragments come back as one message', async () => {
  const client = await open(daemon, '/echo');
  client.send('in ', {fin: false});
  client.send('two', {fin: true});
  assert.equal(await next(client), 'in two');
  await close(client);
});

test('a ping is answered with its payload', async () => {
  const client = await open(daemon, '/echo');
  const answered = once(client, 'pong');
  client.ping('payload');
  assert.equal((await answered)[0].toString(), 'payload');
  await close(client);
});

test('ten thousand messages in flight come back in order', async () => {
  const client = await open(daemon, '/echo');
  for (let i = 0; i < 10_000; i++) client.send(String(i));
  for (let i = 0; i < 10_000; i++) assert.equal(await next(client), String(i));
  await close(client);
});

test('the close code and reason are echoed', async () => {
  assert.equal(await close(await open(daemon, '/echo'), 4000, 'done'), 4000);
});

test('a sub-protocol is chosen by the server', async () => {
  const client = await open(daemon, '/echo', ['a', 'b']);
  assert.equal(client.protocol, 'b');
  await close(client);
});

test('clients in one room hear each other', async () => {
  const clients = await Promise.all(Array.from({length: 10}, () => open(daemon, '/chat/npm')));
  clients[0].send('to all');
  for (const client of clients) assert.equal(await next(client), 'to all');
  await Promise.all(clients.map((client) => close(client)));
});

test('a refused upgrade tells its status', async () => {
  for (const [path, options, status] of [
    ['/nowhere', {}, 404],
    ['/echo', {origin: 'http://evil.example'}, 403],
    ['/echo', {protocolVersion: 8}, 426],
  ]) {
    const client = new WebSocket(`ws://${daemon.host}${path}`, options);
    const [, response] = await once(client, 'unexpected-response');
    assert.equal(response.statusCode, status);
    response.resume();
    client.on('error', () => {});
    client.terminate();
  }
});
