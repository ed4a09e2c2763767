// SPDX-License-Identifier: Apache-2.0
// Starts peald, and the feeder, for the tests in this folder.

import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const DEMO_CONFIG = join(ROOT, 'config/peal.toml');
const PEALD = process.env.PEALD ?? join(ROOT, 'build/server/peald');
const IO = process.env.PEAL_IO ?? 'io_uring';

/** Waits for a true value of `condition`, which may be asynchronous; fails when none comes in time. */
export async function waitUntil(condition, what, timeout = 10_000) {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${timeout} ms in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** A program and what it has printed so far. */
class Program {
  output = '';

  constructor(command, ...options) {
    this.process = spawn(command, options, {stdio: ['ignore', 'pipe', 'pipe']});
    this.exit = once(this.process, 'exit').then(([code]) => code);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { this.output += text; });
    }
  }

  async waitFor(pattern) {
    const ended = () => this.process.exitCode !== null && !pattern.test(this.output);
    const found = await waitUntil(() => this.output.match(pattern) ?? ended(), `${pattern} in: ${this.output}`);
    if (found === true) throw new Error(`ended without ${pattern}: ${this.output}`);
    return found;
  }

  /** Sends SIGTERM, a second one after two seconds, and resolves to the exit code. */
  async stop() {
    this.process.kill('SIGTERM');
    const again = setTimeout(() => this.process.kill('SIGTERM'), 2_000);
    const code = await this.exit;
    clearTimeout(again);
    return code;
  }
}

/** A peald that listens; `port` 0 means a free one. */
export async function startDaemon(configFile, port = 0) {
  const daemon = new Program(
      PEALD, '-c', configFile, '--set', `server.io=${IO}`, '--set', 'server.threads=2', '--set', 'drain.over=0s',
      '--set', `listen.public.address=127.0.0.1:${port}`);
  const [, host, number] = await daemon.waitFor(/listening on (\S+):(\d+)/);
  daemon.port = Number(number);
  daemon.host = `${host}:${number}`;
  return daemon;
}

/** The same with the text of a configuration. */
export async function startDaemonWith(config, port = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'peal-'));
  const file = join(folder, 'peal.toml');
  writeFileSync(file, config);
  const daemon = await startDaemon(file, port);
  daemon.exit.then(() => rmSync(folder, {recursive: true}));
  return daemon;
}

export function startFeeder(daemon, every) {
  return new Program(join(ROOT, 'examples/feeder'), '--url', `ws://${daemon.host}/feed`, '--every', every);
}
