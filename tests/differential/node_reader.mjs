// SPDX-License-Identifier: Apache-2.0
// What node:http makes of request heads. Standard input: for each the length of the text, the offset at
// which another reader saw the head end (0: it saw none), both in four octets, big endian, and the text.
// Standard output: for each a line of JSON whose characters are octets (Latin-1).
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { Duplex } from 'node:stream';

const TAIL = Buffer.from(process.argv[2], 'latin1');
const server = http.createServer({ insecureHTTPParser: false });
const turn = () => new Promise((resolve) => setImmediate(resolve));

class Wire extends Duplex {
  answered = '';
  _read() {}
  _write(chunk, encoding, done) {
    this.answered += chunk.toString('latin1');
    done();
  }
}

let current;
server.on('request', (request) => {
  const reading = current;
  if (reading.outcome !== 'incomplete') return; // a second one, behind the first
  const raw = request.rawHeaders;
  Object.assign(reading, {
    outcome: 'accepted',
    method: request.method,
    target: request.url,
    version: request.httpVersion,
    fields: Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i], raw[2 * i + 1]]),
    chunk: reading.sent,
    body: '',
    ended: false,
  });
  request.on('data', (data) => { reading.body += data.toString('latin1'); });
  request.on('end', () => { reading.ended = true; });
});
server.on('clientError', (error) => {
  if (current.outcome === 'incomplete') Object.assign(current, { outcome: 'refused', reason: error.code ?? '' });
});

async function read(text, end) {
  const wire = new Wire();
  const reading = { outcome: 'incomplete', sent: 0 };
  current = reading;
  wire.on('error', () => {});
  server.emit('connection', wire);
  // When the head ends where the other reader saw it end, the request comes with the second chunk.
  const chunks = end ? [text.subarray(0, end - 1), text.subarray(end - 1, end), TAIL] : [text];
  for (const chunk of chunks) {
    ++reading.sent;
    wire.push(chunk);
    await turn();
    if (reading.outcome === 'refused') break;
  }
  const status = /^HTTP\/1\.1 (4\d\d)/.exec(wire.answered);
  if (reading.outcome !== 'accepted' && status) Object.assign(reading, { outcome: 'refused', reason: status[1] });
  wire.destroy();
  await turn();
  return reading;
}

const input = readFileSync(0);
const lines = [];
for (let at = 0; at < input.length;) {
  const size = input.readUInt32BE(at);
  const end = input.readUInt32BE(at + 4);
  at += 8;
  lines.push(JSON.stringify(await read(input.subarray(at, at + size), end)));
  at += size;
}
process.stdout.write(lines.join('\n') + '\n', () => process.exit(0));
