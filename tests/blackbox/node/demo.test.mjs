// SPDX-License-Identifier: Apache-2.0
// The demo page in a real browser, as a newcomer uses it: config/peal.toml, the feeder, two windows.
// With PEAL_SCREENSHOT set, writes the pictures in docs/images.

import assert from 'node:assert/strict';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {chromium} from 'playwright-core';

import {DEMO_CONFIG, ROOT, startDaemon, startFeeder, waitUntil} from './daemon.mjs';

const DESKTOP = {width: 1280, height: 960};
const PHONE = {width: 390, height: 844};
const SOCKETS = ['chat', 'ticker', 'echo'];

let browser;
let daemon;
let feeder;

before(async () => {
  daemon = await startDaemon(DEMO_CONFIG);
  feeder = startFeeder(daemon, '100ms');
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await feeder?.stop(), 0);
  assert.equal(await daemon?.stop(), 0);
});

/** A window of its own, with all its connections open. `faults` gathers what the page complains of. */
async function openPage({name = 'Ada', room = '', viewport = DESKTOP, colorScheme = 'light'} = {}) {
  const context = await browser.newContext({viewport, colorScheme, deviceScaleFactor: viewport === PHONE ? 2 : 1});
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.faults.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).host !== daemon.host) page.faults.push(`leaves for ${request.url()}`);
  });
  await page.goto(`http://${daemon.host}/${room && `#${room}`}`);
  await allOpen(page);
  await page.fill('#name', name);
  return page;
}

async function allOpen(page) {
  for (const name of SOCKETS) await page.waitForSelector(`#${name}-state[data-state=open]`);
}

async function say(page, text) {
  await page.fill('#text', text);
  await page.click('#send');
}

async function hears(page, author, text) {
  await page.locator('.bubble', {hasText: text}).filter({hasText: author}).waitFor();
}

function events(page, socket, kind) {
  return page.locator(`#log li[data-socket=${socket}][data-kind=${kind}]`);
}

async function close(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.faults, []);
    await page.context().close();
  }
}

test('two windows exchange chat messages', async () => {
  const [ada, grace] = [await openPage({name: 'Ada'}), await openPage({name: 'Grace'})];
  await say(ada, 'Hello from the first window.');
  await hears(ada, 'Ada', 'Hello from the first window.');
  await hears(grace, 'Ada', 'Hello from the first window.');
  await say(grace, 'And hello back.');
  await hears(ada, 'Grace', 'And hello back.');
  assert.equal(await ada.locator('.bubble.mine').count(), 1);
  await close(ada, grace);
});

test('rooms are apart, and a window can move to another', async () => {
  const [lobby, garden] = [await openPage({name: 'Ada'}), await openPage({name: 'Grace', room: 'garden%20caf%C3%A9'})];
  assert.equal(await garden.inputValue('#room'), 'garden café');
  await say(garden, 'only for the garden');
  await hears(garden, 'Grace', 'only for the garden');

  await lobby.fill('#room', 'garden café');
  await lobby.click('#room-form button');
  await lobby.locator('.note', {hasText: 'You are in garden café.'}).waitFor();
  await allOpen(lobby);
  await say(garden, 'welcome');
  await hears(lobby, 'Grace', 'welcome');
  assert.equal(await lobby.locator('.bubble').count(), 1);
  await events(lobby, 'chat', 'close').filter({hasText: '1000'}).waitFor();
  await close(lobby, garden);
});

test('a room name that is a path is refused on the spot', async () => {
  const page = await openPage();
  await page.fill('#room', 'a/b');
  await page.click('#room-form button');
  assert.equal(await page.textContent('#chat-path'), '/chat/lobby');
  await close(page);
});

test('what people type is shown, never run', async () => {
  const [page, other] = [await openPage({name: '<i>Eve</i>'}), await openPage({name: 'Ada'})];
  const attack = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';
  await say(page, attack);
  await hears(other, '<i>Eve</i>', attack);
  assert.equal(await other.locator('#messages img, #messages script, #messages i').count(), 0);
  assert.equal(await other.title(), 'peal demo');
  await close(page, other);
});

test('the ticker ticks, and the feeder hears the answers', async () => {
  const page = await openPage();
  await page.waitForFunction(() => document.querySelector('#chart .line').getAttribute('d')?.split('L').length > 5);
  assert.match(await page.textContent('#price'), /^\d+\.\d\d$/);
  assert.match(await page.textContent('#answers'), /Answered “Message received\.” \d+×/);
  await events(page, 'ticker', 'message').first().waitFor();
  await feeder.waitFor(/answer 5: Message received\./);
  await close(page);
});

test('the round-trip meter measures, and pauses', async () => {
  const page = await openPage();
  await page.waitForFunction(() => /^\d+ round trips/.test(document.getElementById('histogram').ariaLabel));
  for (const id of ['echo-last', 'echo-median', 'echo-p95']) assert.match(await page.textContent(`#${id}`), /^\d/);
  await page.click('#echo-toggle');
  assert.equal(await page.textContent('#echo-toggle'), 'Resume');
  await close(page);
});

test('events can be filtered', async () => {
  const page = await openPage();
  await events(page, 'ticker', 'message').first().waitFor();
  await page.uncheck('#filters [value=message]');
  assert.equal(await page.locator('#log li[data-kind=message]:visible').count(), 0);
  await events(page, 'chat', 'open').waitFor();
  assert.equal(await events(page, 'echo', 'open').isVisible(), false);
  await page.check('#filters [value=echo]');
  assert.equal(await events(page, 'echo', 'open').isVisible(), true);
  await close(page);
});

test('the page and the feeder come back after a restart of the daemon', async () => {
  const page = await openPage();
  const {port} = daemon;
  assert.equal(await daemon.stop(), 0);
  await page.waitForSelector('#chat-state:not([data-state=open])');
  await events(page, 'chat', 'close').filter({hasText: '1001'}).waitFor();

  daemon = await startDaemon(DEMO_CONFIG, port);
  await allOpen(page);
  await say(page, 'back again');
  await hears(page, 'Ada', 'back again');
  const values = await events(page, 'ticker', 'message').count();
  await waitUntil(async () => await events(page, 'ticker', 'message').count() > values, 'the ticker goes on');
  await page.context().close();  // the browser reports attempts that failed meanwhile
});

async function ticks(page, count) {
  const counted = async () => Number((await page.getAttribute('#chart', 'aria-label')).match(/(\d+) values/)?.[1] ?? 0);
  await waitUntil(async () => await counted() >= count, `${count} values in the chart`, 30_000);
}

async function fits(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `content of ${content} px in a window of ${window}`);
}

test('it fits a desktop and a phone, in light and dark', async () => {
  const picture = async (page, file) => {
    if (!process.env.PEAL_SCREENSHOT) return;
    await ticks(page, 90);  // a chart to look at
    await page.mouse.move(0, 0);
    await page.screenshot({path: join(ROOT, 'docs/images', file), fullPage: true});
  };
  const ada = await openPage({name: 'Ada', room: 'belfry'});
  const grace = await openPage({name: 'Grace', room: 'belfry', viewport: PHONE, colorScheme: 'dark'});
  await say(ada, 'Hello from the first window.');
  await hears(grace, 'Ada', 'Hello from the first window.');
  await say(grace, 'And hello back, from a phone.');
  await hears(ada, 'Grace', 'And hello back, from a phone.');
  await say(ada, 'Both of us talk through one daemon on this machine.');
  await hears(grace, 'Ada', 'Both of us');
  for (const page of [ada, grace]) {
    await ticks(page, 5);
    await fits(page);
  }
  await picture(grace, 'demo-phone.png');
  await close(grace);
  await picture(ada, 'demo.png');
  await close(ada);
});
