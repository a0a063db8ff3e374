/**
 * Takes the pictures of docs/console/ from the drawn conveyor belt, on a desktop and on a phone, with a daemon of its own.
 * node scripts/console-pictures.mjs [NAME…]: only these, for example `live phone`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { chromium } from 'playwright-core';

const root = new URL('..', import.meta.url);
process.chdir(fileURLToPath(root));
const { EmbeddedBroker } = await import('../dist/broker/embedded-broker.js');
const { configSchema } = await import('../dist/config/schema.js');
const { Users } = await import('../dist/console/users.js');
const { Daemon } = await import('../dist/daemon/daemon.js');
const { stateDirectoryOf, stateFilesIn } = await import('../dist/daemon/state-directory.js');

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const OUT = 'docs/console';
// Relative to the project: the page of the configuration is in the documentation too.
const STATE = 'build/console-pictures';
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 1, colorScheme: 'light' };
const DESKTOP = { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' };

const log = pino({ level: 'error' });
const broker = new EmbeddedBroker({ config: { embedded: { host: '127.0.0.1', port: 0 }, tls: { insecure: false } }, log });
await broker.start();
await rm(STATE, { recursive: true, force: true });
await mkdir(STATE, { recursive: true });
const belt = {
  source: 'test:conveyor?width=960&height=540&fps=6',
  prompts: [
    { id: 'station', type: 'box', box: [0.41, 0.34, 0.57, 0.66], space: 'normalized', minIou: 0.15 },
    { id: 'pick', type: 'points', points: [[0.8, 0.5]], space: 'normalized' },
  ],
  tracking: { enabled: true },
  lines: [{ id: 'gate', from: [0.66, 0], to: [0.66, 1], space: 'normalized' }],
  zones: [
    {
      id: 'reject',
      polygon: [
        [0.03, 0.12],
        [0.22, 0.12],
        [0.22, 0.88],
        [0.03, 0.88],
      ],
      space: 'normalized',
    },
  ],
};
const plates = {
  id: 'plates',
  source: 'test:conveyor?width=640&height=640&product=plate&fps=2',
  tracking: { enabled: true },
  inspection: { recipe: `${STATE}/plate.yaml` },
};
// Plates are judged when they are asked about: on a busy machine a plate may cross the line between two frames.
const recipe = await readFile('config/recipes/plate.yaml', 'utf8');
await writeFile(`${STATE}/plate.yaml`, recipe.replace(/^trigger: .*$/m, 'trigger: { type: mqtt, timeoutMs: 30000, queue: 2 }'));
const wanted = process.argv.slice(2);
// Two cameras share the model: the pictures of one are taken without the other.
const needsPlates = wanted.length === 0 || wanted.some((name) => ['inspect', 'phone-inspect', 'cameras', 'health'].includes(name));
const needsPlatesAlone = wanted.length > 0 && wanted.every((name) => name === 'inspect' || name === 'phone-inspect');
const daemon = new Daemon({
  config: configSchema.parse({
    node: 'line-3',
    model: { path: 'models/demo.onnx' },
    segmentation: { conf: 0.4, iou: 0.7 },
    cameras: [...(needsPlatesAlone ? [] : [{ id: 'belt', ...belt }]), ...(needsPlates ? [plates] : [])],
    mqtt: { url: broker.url, protocol: 4 },
    telemetry: { intervalMs: 2000 },
    stateDir: STATE,
    console: { enabled: true, port: 0 },
  }),
  log,
});
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP line-4.local 127.0.0.1'],
});
// Pictures of the login need no camera at work.
const needsBelt = wanted.length === 0 || wanted.some((name) => !['login', 'phone-login', 'invite'].includes(name));
if (needsBelt) await daemon.start();
const url = needsBelt ? `http://127.0.0.1:${daemon.console.port}/?renderer=2d` : '';

/** A node that asks for a login; started for the pictures that show one. */
let guardedDaemon;
async function guardedUrl() {
  if (!guardedDaemon) {
    const config = configSchema.parse({
      node: 'line-4',
      model: { path: 'models/demo.onnx' },
      cameras: [{ id: 'belt', source: 'test:conveyor?width=320&height=180&fps=1' }],
      mqtt: { url: broker.url, protocol: 4 },
      stateDir: STATE,
      console: { enabled: true, port: 0, host: '0.0.0.0', insecure: true, allowedHosts: ['line-4.local'] },
    });
    const folder = stateDirectoryOf(config);
    await mkdir(folder, { recursive: true });
    await new Users(stateFilesIn(folder).users).add({ name: 'anna', role: 'admin' }, 'correct horse battery');
    guardedDaemon = new Daemon({ config, log });
    await guardedDaemon.start();
  }
  // Under the name of the machine, as a phone would reach it.
  return `http://line-4.local:${guardedDaemon.console.port}/?renderer=2d`;
}

async function open(options, hash) {
  const page = await browser.newPage(options);
  await page.goto(hash === 'guarded' ? await guardedUrl() : `${url}#${hash}`);
  return page;
}
const drawn = (page, count) => page.waitForFunction((least) => window.fastsamStage?.drawn >= least, count, { timeout: 120_000 });

/** On the page: the place nearest to (x, y) of the picture, 0…1, where an object is for certain, not the hole of a washer. */
async function objectNear(page, [x, y]) {
  const box = await page.locator('.stage canvas').boundingBox();
  const [u, v] = await page.evaluate(
    ([x, y]) => {
      const stage = window.fastsamStage;
      const { map, regions } = stage.shown;
      // An object below the least score is not drawn: a click on it matches nothing.
      const isDrawn = (region) => regions[region].some((index) => stage.isShown(index));
      const isInside = (column, row) =>
        column >= 0 && row >= 0 && column < map.width && row < map.height && isDrawn(map.cells[row * map.width + column]);
      const places = [...map.cells.keys()]
        .map((cell) => [cell % map.width, Math.floor(cell / map.width)])
        .filter(([column, row]) => [-3, 0, 3].every((dx) => [-3, 0, 3].every((dy) => isInside(column + dx, row + dy))))
        .map(([column, row]) => [(column + 0.5) / map.width, (row + 0.5) / map.height]);
      return places.sort((a, b) => Math.hypot(a[0] - x, a[1] - y) - Math.hypot(b[0] - x, b[1] - y))[0];
    },
    [x, y],
  );
  return { x: box.x + u * box.width, y: box.y + v * box.height };
}

/** Live means a young picture: waits for one on a machine that is busy. */
const young = (page) => page.locator('.stage:not(.old):not(.stale)').waitFor();

async function live(page) {
  await drawn(page, 1);
  await page.getByRole('combobox', { name: 'Picture' }).selectOption('0');
  await drawn(page, 12);
  await page.locator('.prompts li.matched').first().waitFor();
  await young(page);
}

/** Asks until a whole plate was in the picture. */
async function verdict(page) {
  await page.locator('.verdict .state.ready').waitFor({ timeout: 60_000 });
  for (let part = 1; part <= 20; part += 1) {
    const request = { camera: 'plates', part: `SN-${1000 + part}`, wait: true };
    await daemon.control.handle('inspect/trigger', Buffer.from(JSON.stringify(request)), { via: 'local', role: 'admin' });
    await page.locator('.verdict .result', { hasText: request.part }).waitFor({ timeout: 60_000 });
    if ((await page.locator('.verdict .result.ok').count()) > 0) break;
  }
  await page.locator('.verdict tbody tr').first().waitFor();
}

const shots = {
  live: () => [DESKTOP, 'live/belt', live],
  cameras: () => [
    DESKTOP,
    'live',
    async (page) => {
      await page
        .locator('.tile .caption', { hasText: /[1-9]\d* objects/ })
        .nth(1)
        .waitFor();
      await delay(2000);
    },
  ],
  prompt: () => [
    DESKTOP,
    'live/belt',
    async (page) => {
      await live(page);
      await page.keyboard.press('p');
      await page.keyboard.press(' ');
      const at = await objectNear(page, [0.4, 0.3]);
      await page.mouse.click(at.x, at.y);
      await page.getByText(/object \d+ on this frame/).waitFor();
    },
  ],
  inspect: () => [
    DESKTOP,
    'live/plates',
    async (page) => {
      await drawn(page, 5);
      await page.getByRole('combobox', { name: 'Picture' }).selectOption('0');
      await verdict(page);
      await drawn(page, 15);
      await young(page);
    },
  ],
  zoom: () => [
    DESKTOP,
    'live/belt',
    async (page) => {
      await drawn(page, 3);
      const at = await objectNear(page, [0.4, 0.5]);
      await page.mouse.move(at.x, at.y);
      for (let k = 0; k < 5; k += 1) await page.mouse.wheel(0, -100);
      await page.waitForFunction(() => window.fastsamStage.shown.part.width < 0.7 * window.fastsamStage.shown.frame.width);
      await page.mouse.move(at.x + 2, at.y + 2);
      await young(page);
    },
  ],
  clip: () => [
    DESKTOP,
    'photo',
    async (page) => {
      await page.locator('input[type=file]').setInputFiles(await conveyorClip());
      await page.waitForFunction(() => window.fastsamStage?.drawn > 0, undefined, { timeout: 60_000 });
      const at = await objectNear(page, [0.5, 0.5]);
      await page.mouse.click(at.x, at.y);
      await page.locator('.prompts li').first().waitFor();
      await page.getByRole('button', { name: 'Segment the clip' }).click();
      await page.getByText(/[2-9] of \d+ frames/).waitFor({ timeout: 120_000 });
    },
  ],
  login: () => [DESKTOP, 'guarded', (page) => page.getByLabel('Password').waitFor()],
  'phone-login': () => [PHONE, 'guarded', (page) => page.getByLabel('Password').waitFor()],
  invite: () => [
    DESKTOP,
    'guarded',
    async (page) => {
      await page.getByLabel('Name').fill('anna');
      await page.getByLabel('Password').fill('correct horse battery');
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByRole('link', { name: 'Events' }).click();
      await page.getByRole('button', { name: 'Open on a phone' }).click();
      await page.getByRole('button', { name: 'Make a link' }).click();
      await page.getByRole('img', { name: /QR code/ }).waitFor();
    },
  ],
  phone: () => [PHONE, 'live/belt', live],
  'phone-inspect': () => [
    PHONE,
    'live/plates',
    async (page) => {
      await verdict(page);
      await page.locator('.verdict').scrollIntoViewIfNeeded();
    },
  ],
  'phone-prompt': () => [
    PHONE,
    'live/belt',
    async (page) => {
      await live(page);
      await page.getByRole('button', { name: 'Point' }).tap();
      const at = await objectNear(page, [0.5, 0.5]);
      await page.touchscreen.tap(at.x, at.y);
      await page.getByText(/object \d+ on this frame/).waitFor();
    },
  ],
  photo: () => [DESKTOP, 'photo', photo],
  'phone-photo': () => [PHONE, 'photo', photo],
  ...Object.fromEntries(
    ['events', 'health', 'charts', 'config'].flatMap((name) => [
      [name, () => [DESKTOP, name, () => delay(3000)]],
      [`phone-${name}`, () => [PHONE, name, () => delay(3000)]],
    ]),
  ),
};

/** Two seconds of the conveyor as a video file. */
async function conveyorClip() {
  const { openSource } = await import('../dist/source/open.js');
  const { VideoOutput } = await import('../dist/encode/video-output.js');
  const { native } = await import('../dist/addon/addon.js');
  const path = `${STATE}/conveyor.mp4`;
  const source = await openSource('test:conveyor?width=960&height=540&fps=10&frames=20&realtime=false');
  const video = new VideoOutput(path);
  for await (const frame of source) {
    await video.write(await native().toRgb(frame.pixels), frame.width, frame.height, BigInt(frame.sequence) * 100_000_000n);
    frame[Symbol.dispose]();
  }
  await source.stop();
  await video.finish();
  return path;
}

async function photo(page) {
  await page.getByLabel('Take a picture from a camera').selectOption('belt');
  await page.waitForFunction(() => window.fastsamStage?.drawn > 0, undefined, { timeout: 60_000 });
  const at = await objectNear(page, [0.5, 0.5]);
  await page.mouse.click(at.x, at.y);
  await page.locator('.prompts li').first().waitFor();
}

try {
  for (const [name, shot] of Object.entries(shots)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const [options, hash, prepare] = shot();
    const page = await open(options, hash);
    await prepare(page);
    await page.screenshot({ path: `${OUT}/${name}.png` });
    await page.close();
    process.stdout.write(`${OUT}/${name}.png\n`);
  }
} finally {
  // Also when a picture cannot be taken: threads of the model that still work when Node leaves would abort it.
  await browser.close();
  if (needsBelt) await daemon.stop('pictures are taken');
  await guardedDaemon?.stop('pictures are taken');
  await broker.stop();
  await rm(STATE, { recursive: true, force: true });
}
