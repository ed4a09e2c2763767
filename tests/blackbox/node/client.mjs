// SPDX-License-Identifier: Apache-2.0
// npm's `ws` client, with what has arrived kept until a test asks for it.

import {once} from 'node:events';
import WebSocket from 'ws';

/** A client of `daemon` that is open; `options` are those of WebSocket's constructor. */
export async function open(daemon, path, ...options) {
  const client = new WebSocket(`ws://${daemon.host}${path}`, ...options);
  client.inbox = [];
  client.on('message', (data, isBinary) => {
    client.inbox.push(isBinary ? data : data.toString());
    client.emit('arrived');
  });
  await once(client, 'open');
  return client;
}

/** The next message: a string, or a Buffer of a binary one. */
export async function next(client) {
  while (client.inbox.length === 0) await once(client, 'arrived');
  return client.inbox.shift();
}

/** Closes the client and resolves to the code of the daemon's answer. */
export async function close(client, code = 1000, reason = '') {
  const closed = once(client, 'close');
  client.close(code, reason);
  return (await closed)[0];
}
