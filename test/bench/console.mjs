/**
 * `make bench-console`: what the console costs and how soon it shows things, with a real browser where one is needed.
 * ONLY=page|slow|cost|rate runs one part. MINUTES of the slow line (10), ROUNDS of cost and rate (5), RENDERER of the page (2d, webgl2).
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';
import { slowLine } from './slow-line.mjs';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const MINUTES = Number(process.env.MINUTES || 10);
const ROUNDS = Number(process.env.ROUNDS || 5);
const ROUND_MS = 8000;
const SETTLE_MS = 2000;
const CLICKS = 20;
const RENDERER = process.env.RENDERER || '2d';
/** Drawing the conveyor takes one of two cores, which the browser needs; masks are those of the conveyor all the same. */
const CHEAP_SCENE = 'test:shapes?width=1280&height=720&fps=15';
const say = (line) => process.stdout.write(`${line}\n`);

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))];
const median = (values) => quantile(values, 0.5);
const show = (name, values, limit, unit = 'ms') =>
  say(`${name}: p50 ${median(values).toFixed(1)} ${unit}, p95 ${quantile(values, 0.95).toFixed(1)} (${values.length}); limit ${limit}`);

/** The daemon in a process of its own. */
async function startNode(env = {}) {
  const child = fork(fileURLToPath(new URL('console-node.mjs', import.meta.url)), { env: { ...process.env, ...env } });
  const next = () => new Promise((resolve) => child.once('message', resolve));
  const { port, encodeMs } = await next();
  const ask = (question) => {
    const answer = next();
    child.send(question);
    return answer;
  };
  return {
    port,
    encodeMs,
    figures: () => ask('figures'),
    sent: async () => new Map(await ask('sent')),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await ended;
    },
  };
}

/** A page without a browser, which acknowledges and does nothing else; resolves once it gets frames. */
async function openViewer(port, level = 1) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/live`, 'fastsam.console.v1', {
    headers: { origin: `http://127.0.0.1:${port}` },
  });
  await new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.on('open', () => socket.send(JSON.stringify({ t: 'watch', camera: 'belt', level })));
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return;
      const ack = Buffer.alloc(12);
      ack[0] = 2;
      data.copy(ack, 4, 4, 12);
      socket.send(ack);
      resolve();
    });
  });
  return socket;
}

async function openPage(browser, port, node) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`http://127.0.0.1:${port}/?renderer=${RENDERER}#live/belt`);
  await page.waitForFunction(() => window.fastsamStage?.drawn > 2, undefined, { timeout: 60_000 });
  await page.evaluate(() => {
    const stage = window.fastsamStage;
    const { onFrame } = stage;
    window.drawnAt = [];
    stage.onFrame = (shown) => {
      onFrame(shown);
      window.drawnAt.push([shown.seq, performance.timeOrigin + performance.now(), shown.promptRevision]);
    };
  });
  await node.sent();
  return page;
}

/** From the frame's way into the socket to the canvas, ms. */
async function sendToDrawn(page, node) {
  const drawn = await page.evaluate(() => window.drawnAt.splice(0));
  const sent = await node.sent();
  return drawn.flatMap(([seq, at]) => (sent.has(seq) ? [{ ms: at - sent.get(seq), at }] : []));
}

/** On loopback: send → drawn, hover, click. */
async function pagePart(browser) {
  const node = await startNode({ SCENE: CHEAP_SCENE });
  const page = await openPage(browser, node.port, node);
  await delay(20_000);
  show(
    `send → drawn on loopback (${RENDERER})`,
    (await sendToDrawn(page, node)).map(({ ms }) => ms),
    'p50 ≤ 15, p95 ≤ 40',
  );

  const box = await page.locator('.stage canvas').boundingBox();
  for (let k = 0; k < 300; k += 1)
    await page.mouse.move(box.x + box.width * (0.1 + 0.8 * ((k * 0.137) % 1)), box.y + box.height * (0.15 + 0.7 * ((k * 0.311) % 1)));
  const hovers = await page.evaluate(() => performance.getEntriesByName('fastsam-hover').map(({ duration }) => duration));
  show('hover → painted', hovers, 'p50 ≤ 8');

  await page.evaluate(() => {
    addEventListener(
      'pointerup',
      ({ timeStamp }) => {
        window.clickedAt = timeStamp;
      },
      true,
    );
    addEventListener(
      'keydown',
      ({ timeStamp }) => {
        window.pressedAt = timeStamp;
      },
      true,
    );
  });
  const first = [];
  const tried = [];
  const committed = [];
  for (let k = 0; k < CLICKS; k += 1) {
    await page.keyboard.press('p');
    await page.keyboard.press(' ');
    await page.locator('.ice').waitFor();
    const at = await page.evaluate((k) => {
      const { shown } = window.fastsamStage;
      const { width, height, cells } = shown.map;
      const filled = [...cells.keys()].filter((cell) => shown.regions[cells[cell]].length > 0);
      const cell = filled[Math.floor(filled.length * ((k * 0.37) % 1))];
      performance.clearMarks();
      return [((cell % width) + 0.5) / width, (Math.floor(cell / width) + 0.5) / height];
    }, k);
    const rect = await page.locator('.stage canvas').boundingBox();
    await page.mouse.click(rect.x + at[0] * rect.width, rect.y + at[1] * rect.height);
    await page.waitForFunction(() => performance.getEntriesByName('fastsam-tried').length > 0);
    const marks = await page.evaluate(() =>
      ['fastsam-guess', 'fastsam-tried'].map((name) => performance.getEntriesByName(name)[0]?.startTime - window.clickedAt),
    );
    if (Number.isFinite(marks[0])) first.push(marks[0]);
    tried.push(marks[1]);
    await page.evaluate(() => window.drawnAt.splice(0));
    const before = await page.evaluate(() => window.fastsamStage.shown.promptRevision);
    // Until the picture that is live again shows the new revision.
    await page.keyboard.press('Enter');
    await page.waitForFunction((revision) => window.drawnAt.some(([, , shown]) => shown > revision), before);
    committed.push(
      await page.evaluate(
        (revision) => window.drawnAt.find(([, , shown]) => shown > revision)[1] - performance.timeOrigin - window.pressedAt,
        before,
      ),
    );
    await page.keyboard.press('z');
    await page.locator('.prompts li').waitFor({ state: 'detached' });
    // A page may send ten messages a second, and a click takes four or five.
    await delay(500);
  }
  show('click → first answer', first, '≤ 33');
  show("click → the server's answer on the frozen frame", tried, '≤ 60');
  show('Enter → drawn with the new revision (a frame is 67 ms)', committed, '≤ 67 + 40');
  await page.close();
  await node.stop();
}

/** 3 Mbit/s and 40 ms each way. */
async function slowPart(browser) {
  const node = await startNode();
  const line = await slowLine(node.port, { bytesPerSecond: 3e6 / 8, delayMs: 20 });
  const page = await openPage(browser, line.port, node);
  // The first seconds find the level.
  await delay(20_000);
  await sendToDrawn(page, node);
  const thirds = [];
  for (let k = 0; k < 3; k += 1) {
    await delay((MINUTES * 60_000) / 3);
    const frames = await sendToDrawn(page, node);
    thirds.push(frames.map(({ ms }) => ms));
    const seconds = (frames.at(-1).at - frames[0].at) / 1000;
    show(
      `3 Mbit/s, 40 ms both ways together, third ${k + 1} of ${MINUTES} min: ${(frames.length / seconds).toFixed(1)} fps, send → drawn`,
      thirds[k],
      '≥ 6 fps, p95 ≤ 300',
    );
  }
  say(`flat: p95 of the last third ${(quantile(thirds[2], 0.95) / quantile(thirds[0], 0.95)).toFixed(2)} × the first`);
  await page.close();
  line.stop();
  await node.stop();
}

/** Processor time of the daemon over a round, % of a core; and what else changed. */
async function round(node) {
  await delay(SETTLE_MS);
  const before = await node.figures();
  await delay(ROUND_MS);
  const after = await node.figures();
  const ms = after.at - before.at;
  return {
    percent: (100 * (after.cpuMs - before.cpuMs)) / ms,
    encoded: after.encoded - before.encoded,
    fps: (1000 * (after.results - before.results)) / ms,
  };
}

/** Rounds without a viewer, with one, with eleven, in turn. */
async function costPart() {
  const node = await startNode({ SCENE: CHEAP_SCENE });
  const rounds = [];
  for (let k = 0; k < ROUNDS; k += 1) {
    const none = await round(node);
    const viewers = [await openViewer(node.port)];
    const one = await round(node);
    for (let v = 0; v < 10; v += 1) viewers.push(await openViewer(node.port));
    const eleven = await round(node);
    for (const viewer of viewers) viewer.terminate();
    rounds.push({ none, one, eleven });
  }
  const list = (values) => values.map((value) => value.toFixed(2)).join(', ');
  const firsts = rounds.map(({ none, one }) => one.percent - none.percent);
  const others = rounds.map(({ one, eleven }) => (eleven.percent - one.percent) / 10);
  const fps = median(rounds.map(({ one }) => one.encoded)) / (ROUND_MS / 1000);
  say(`nobody watches: ${rounds.reduce((sum, { none }) => sum + none.encoded, 0)} frames encoded; limit 0`);
  say(
    `one frame for viewers, conveyor of 1280×720 to 640×360 with its masks: ${node.encodeMs.toFixed(2)} ms of processor time, at 15 fps ${(1.5 * node.encodeMs).toFixed(1)} % of a core; limit 4`,
  );
  say(`daemon without viewers, drawing 1280×720 at 15 fps: ${median(rounds.map(({ none }) => none.percent)).toFixed(1)} % of a core`);
  say(`first viewer, 640×360 at ${fps.toFixed(1)} fps: ${median(firsts).toFixed(2)} % of a core (${list(firsts)}); limit 4`);
  say(`each further viewer: ${median(others).toFixed(2)} % (${list(others)}); limit 0.2`);
  say(`results with 11 viewers / without: ${median(rounds.map(({ none, eleven }) => eleven.fps / none.fps)).toFixed(3)}; limit 0.99`);
  say(`frames encoded with 11 viewers / with one: ${median(rounds.map(({ one, eleven }) => eleven.encoded / one.encoded)).toFixed(2)}`);
  await node.stop();
}

/**
 * The model in the box as fast as it goes, on all cores, without viewers and with ten in turn: what the console takes from the network.
 * The first seconds of viewers, in which they get every frame, are left out.
 */
async function ratePart() {
  const node = await startNode({ ENGINE: 'model', SCENE: 'test:conveyor?width=640&height=640&realtime=false' });
  const ratios = [];
  const rates = [(await round(node)).fps];
  const views = [];
  for (let k = 0; k < ROUNDS; k += 1) {
    const viewers = [];
    for (let v = 0; v < 10; v += 1) viewers.push(await openViewer(node.port));
    await delay(SETTLE_MS);
    const with10 = await round(node);
    for (const viewer of viewers) viewer.terminate();
    rates.push((await round(node)).fps);
    ratios.push((2 * with10.fps) / (rates.at(-1) + rates.at(-2)));
    views.push((1000 * with10.encoded) / ROUND_MS);
  }
  const list = (values) => values.map((value) => value.toFixed(3)).join(', ');
  say(
    `all cores busy with the network, ten viewers: ${median(ratios).toFixed(3)} × the rate before and after (${list(ratios)}); limit 0.99`,
  );
  say(`without viewers ${median(rates).toFixed(1)} fps (${list(rates)}); viewers get ${median(views).toFixed(1)} frames a second`);
  await node.stop();
}

const parts = { cost: costPart, rate: ratePart, page: pagePart, slow: slowPart };
const only = process.env.ONLY;
if (only && !(only in parts)) throw new Error(`ONLY: expected one of ${Object.keys(parts).join(', ')}`);
const browser =
  !only || only === 'page' || only === 'slow'
    ? await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
    : undefined;
for (const [name, part] of Object.entries(parts)) if (!only || only === name) await part(browser);
await browser?.close();
