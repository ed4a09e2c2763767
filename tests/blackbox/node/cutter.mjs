// SPDX-License-Identifier: Apache-2.0
// A way to the daemon that can be cut.

import {once} from 'node:events';
import net from 'node:net';

/** Passes on what comes to `host`, a port of its own, to `port`. */
export async function startCutter(port) {
  const open = new Set();
  const server = net.createServer((client) => {
    const daemonSide = net.connect(port, '127.0.0.1');
    for (const [socket, other] of [[client, daemonSide], [daemonSide, client]]) {
      open.add(socket);
      socket.pipe(other);
      socket.on('error', () => {}).on('close', () => { open.delete(socket); other.destroy(); });
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    host: `127.0.0.1:${server.address().port}`,
    cut() { for (const socket of open) socket.destroy(); },
    stop() { server.close(); this.cut(); },
  };
}
