/** Pages for those who keep a node running: charts of a day, cameras that are paused and restarted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History } from '../../src/console/history.js';
import { ConsoleServer } from '../../src/console/server.js';
import type { HistoryPoint } from '../../src/contract/console.js';
import type { TelemetryMessage } from '../../src/contract/messages.js';
import { type ConsoleNode, consoleNode, SLOW_SCENE } from './console-node.js';
import { canBrowse, drawn, Pages } from './pages.js';

/** The page's side of `evaluate`. */
interface Context {
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
}
declare const document: {
  querySelector(selector: string): { readonly width: number; readonly height: number; getContext(kind: '2d'): Context } | null;
};

const ADA = { name: 'ada', role: 'admin', password: 'ada-password' } as const;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 24 * 60;

/** As telemetry has it, `minutes` later, with so many results a second. */
function later(message: TelemetryMessage, minutes: number, fpsOut: number): TelemetryMessage {
  const ts = new Date(Date.parse(message.ts) + minutes * MINUTE_MS).toISOString();
  return { ...message, ts, cameras: message.cameras.map((camera) => ({ ...camera, fpsOut })) };
}

describe('pages of an admin', { timeout: 120_000 }, () => {
  let node: ConsoleNode;
  let pages: Pages | undefined;
  let telemetry: TelemetryMessage;
  beforeAll(async () => {
    const { prototype } = ConsoleServer;
    const { telemetry: take } = prototype;
    const first = new Promise<TelemetryMessage>((resolve) => {
      prototype.telemetry = function noted(message) {
        resolve(message);
        take.call(this, message);
      };
    });
    const cameras = [{ id: 'belt', source: SLOW_SCENE }];
    node = await consoleNode({ cameras, console: { host: '0.0.0.0', insecure: true } }, [ADA]);
    telemetry = await first;
    prototype.telemetry = take;
    if (canBrowse) pages = await Pages.start();
  }, 120_000);
  afterAll(async () => {
    await pages?.[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    expect(pages?.complaints ?? []).toEqual([]);
  }, 60_000);

  const openAs = async (path: string) => {
    const page = await pages!.open(node.url, { path });
    await page.getByLabel('Name').fill(ADA.name);
    await page.getByLabel('Password').fill(ADA.password);
    await page.getByRole('button', { name: 'Log in' }).click();
    return page;
  };

  it('have a day from the daemon in steps of a minute, and an hour in steps of five seconds', () => {
    const history = new History();
    const user = { name: ADA.name, role: ADA.role };
    for (let seconds = 0; seconds < 25 * 3600; seconds += 5) history.add(later(telemetry, seconds / 60, seconds));
    const ends = (points: readonly HistoryPoint[]) => [points[0]!, points.at(-1)!].map(({ cameras }) => cameras.belt!.fpsOut);
    const [hour, day] = [history.list('1h', user), history.list('24h', user)];
    expect([hour.length, day.length]).toEqual([720, DAY_MINUTES]);
    expect(ends(hour)).toEqual([24 * 3600, 25 * 3600 - 5]);
    expect(ends(day)).toEqual([3600, 25 * 3600 - 60]);
    const steps = new Set(day.slice(1).map(({ at }, k) => at - day[k]!.at));
    expect([...steps]).toEqual([MINUTE_MS]);
  });

  it.skipIf(!canBrowse)('draw the whole day, to its last minute', async () => {
    // A day that follows: what comes meanwhile is older, and is left out.
    const server = node.daemon.console as unknown as ConsoleServer;
    for (let minute = 1; minute <= DAY_MINUTES; minute += 1) server.telemetry(later(telemetry, minute, minute < DAY_MINUTES ? 10 : 12.5));
    const page = await openAs('#charts');
    const chart = page.locator('figure', { has: page.getByText('Frames a second') });
    await chart.getByText('12.5').or(chart.getByText('13')).first().waitFor();
    /** Shares of the chart's width between which the line of the results is drawn. */
    const extent = () =>
      page.evaluate(() => {
        const canvas = document.querySelector('figure canvas')!;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        const columns: number[] = [];
        for (let pixel = 0; pixel < data.length / 4; pixel += 1) {
          const [red, green, blue] = data.subarray(4 * pixel, 4 * pixel + 3);
          // #e08a2e, the second line.
          if (Math.abs(red! - 224) + Math.abs(green! - 138) + Math.abs(blue! - 46) < 40)
            columns.push((pixel % canvas.width) / canvas.width);
        }
        return [columns.reduce((a, b) => Math.min(a, b), 1), columns.reduce((a, b) => Math.max(a, b), 0)];
      });
    const answer = page.waitForResponse(/history\?span=24h/);
    await page.getByRole('button', { name: '24 hours' }).click();
    const day = (await (await answer).json()) as HistoryPoint[];
    expect(day).toHaveLength(DAY_MINUTES);
    expect(day.at(-1)!.at - day[0]!.at).toBe((DAY_MINUTES - 1) * MINUTE_MS);
    await expect.poll(async () => (await extent())[0]).toBeLessThan(0.2);
    expect((await extent())[1]).toBeGreaterThan(0.95);
    expect(await page.getByRole('button', { name: '24 hours' }).getAttribute('aria-pressed')).toBe('true');
    await page.close();
  });

  it.skipIf(!canBrowse)('pause a camera for everybody, resume and restart it, and ask first', async () => {
    const page = await openAs('#health');
    const row = page.getByRole('row', { name: /belt/ });
    await row.getByText('streaming').waitFor();
    const questions: string[] = [];
    let agrees = false;
    page.on('dialog', (dialog) => {
      questions.push(dialog.message());
      void (agrees ? dialog.accept() : dialog.dismiss());
    });
    await row.getByRole('button', { name: 'Pause' }).click();
    expect(questions).toEqual(['Pause belt? It stops for everybody.']);
    agrees = true;
    const other = await pages!.browser.newPage({ storageState: await page.context().storageState() });
    await other.goto(`${node.url}/?renderer=2d#live/belt`);
    await drawn(other, 2);
    await row.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('belt: pause done').waitFor();
    await row.getByText('paused', { exact: true }).waitFor();
    // Nobody takes a picture of then for one of now.
    await other.getByText(/last picture .* old/).waitFor();
    await other.locator('.topline .state.paused').waitFor();
    await row.getByRole('button', { name: 'Resume' }).click();
    await row.getByText('streaming').waitFor();
    await other.locator('.stage:not(.old):not(.stale)').waitFor();
    await row.getByRole('button', { name: 'Restart' }).click();
    await page.getByText('belt: restart done').waitFor();
    await row.getByText('streaming').waitFor();
    expect(questions.slice(1)).toEqual(['Pause belt? It stops for everybody.', 'Restart belt? It stops for everybody for a moment.']);
    await Promise.all([page.close(), other.close()]);
  });
});
