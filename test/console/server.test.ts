/** The console as a page sees it, without a browser: frames, credits, verbs. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outline } from '../../src/contract/console.js';
import { FLAG_WITHHELD } from '../../src/contract/view-message.js';
import { type ConsoleNode, consoleNode, Page, SCENE } from './console-node.js';

let node: ConsoleNode;
beforeAll(async () => {
  node = await consoleNode();
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

describe('console server', { timeout: 60_000 }, () => {
  it('tells a page who it is, what there is, and what is retained', async () => {
    using page = await Page.open(node);
    const hello = await page.message('hello');
    expect(hello).toMatchObject({
      user: { name: 'local', role: 'operator' },
      node: 'line-3',
      cameras: [{ id: 'belt', pictures: true }, { id: 'gate' }],
    });
    const { payload } = await page.message('topic', ({ topic }) => topic === 'cameras/belt/prompts');
    expect(payload).toMatchObject({ revision: 1, prompts: [] });
    await page.message('tick');
  });

  it('sends frames with their own masks, two at most until they are drawn', async () => {
    using page = await Page.open(node);
    page.acknowledges = false;
    page.say({ t: 'watch', camera: 'belt' });
    const channel = await page.message('channel');
    expect(channel).toMatchObject({ camera: 'belt', level: 1 });
    await page.until(({ views }) => views[1]);
    const from = page.messages.filter(({ t }) => t === 'tick').length;
    await page.until(({ messages }) => messages.filter(({ t }) => t === 'tick').length > from || undefined);
    expect(page.views).toHaveLength(2);
    const [view] = page.views;
    expect(view).toMatchObject({ frame: { width: 320, height: 320 }, channel: channel.channel, objects: { count: 3 }, promptRevision: 1 });
    expect(await sharp(view!.picture!.jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 320, height: 320 });
    // Each object covers about as much of the map as of the frame.
    for (let object = 0; object < 3; object += 1) {
      const cells = view!.map.cells.filter((region) => view!.regions[region]!.includes(object)).length;
      const share = cells / view!.map.cells.length;
      expect(Math.abs(share - view!.objects.areas[object]! / 320 ** 2)).toBeLessThan(0.02);
    }
  });

  it('encodes nothing while no page watches, and once for all that do', async () => {
    const { encoded } = node.daemon.console!;
    {
      using first = await Page.open(node);
      using second = await Page.open(node);
      for (const page of [first, second]) page.say({ t: 'watch', camera: 'gate', level: 2 });
      await Promise.all([first, second].map((page) => page.until(({ views }) => views[9])));
      const both = first.views.filter(({ seq }) => second.views.some((view) => view.seq === seq)).length;
      expect(both).toBeGreaterThan(5);
      expect(node.daemon.console!.encoded - encoded).toBeLessThanOrEqual(
        new Set([...first.views, ...second.views].map(({ seq }) => seq)).size + 2,
      );
      for (const page of [first, second]) page.say({ t: 'unwatch', camera: 'gate' });
      await first.ask('read/ping', {});
      await second.ask('read/ping', {});
    }
    using idle = await Page.open(node);
    const after = node.daemon.console!.encoded;
    const ticks = () => idle.messages.filter(({ t }) => t === 'tick').length;
    await idle.until(() => ticks() > 0 || undefined);
    expect(node.daemon.console!.encoded).toBeLessThanOrEqual(after + 1);
  });

  it('goes on with another level, and with a part of the frame in full detail', async () => {
    using page = await Page.open(node);
    page.say({ t: 'watch', camera: 'belt' });
    await page.until(({ views }) => views[1]);
    page.say({ t: 'watch', camera: 'belt', level: 0 });
    const sharp0 = await page.message('channel', ({ level }) => level === 0);
    const whole = await page.until(({ views }) => views.find(({ channel }) => channel === sharp0.channel));
    expect(whole.part).toEqual({ x: 0, y: 0, width: 320, height: 320 });
    page.say({ t: 'watch', camera: 'belt', level: 0, roi: [0, 0, 4, 3] });
    const near = await page.until(({ views }) => views.find(({ part }) => part.width < 320));
    expect(near).toMatchObject({ part: { x: 0, y: 0, width: 160, height: 120 }, picture: { width: 160, height: 120 } });
    // Every object is told in pixels of the frame; the map shows those of the part, cell for pixel: the first one lies at 40…120.
    expect(near.objects.count).toBe(3);
    const { map, regions } = near;
    const objectsAt = (x: number, y: number) => [...regions[map.cells[y * map.width + x]!]!];
    expect([map.width, map.height]).toEqual([160, 120]);
    expect([objectsAt(80, 80), objectsAt(20, 80), objectsAt(140, 20)]).toEqual([[0], [], []]);
    // Frames go on, of this part alone.
    const seen = page.views.length;
    await page.until(({ views }) => views[seen + 3]);
    expect(page.views.slice(seen + 1).every(({ part }) => part.width === 160)).toBe(true);
  });

  it('closes the socket of a page that acknowledges what it was not sent', async () => {
    using page = await Page.open(node);
    page.socket.send(Buffer.from([2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0]));
    expect((await page.closed).code).toBe(4400);
  });

  it('tries prompts on the frame that was seen, then commits them, and refuses an outdated revision', async () => {
    using page = await Page.open(node);
    page.say({ t: 'watch', camera: 'belt' });
    const view = await page.until(({ views }) => views[0]);
    page.say({ t: 'hold', camera: 'belt', seq: view.seq });
    const [x1, y1, x2, y2] = view.objects.boxes.subarray(0, 4);
    const prompt = { id: 'part', type: 'box', box: [x1, y1, x2, y2] };
    await page.until(({ views }) => views[25]);
    const tried = await page.ask('prompt/try', { camera: 'belt', seq: view.seq, prompts: [prompt] });
    expect(tried).toMatchObject({
      status: 'ok',
      data: { seq: view.seq, answers: [{ id: 'part', status: 'matched', objects: [{ id: 0 }] }] },
    });
    const added = await page.ask('prompt/add', { camera: 'belt', ifRevision: 1, prompts: [prompt] });
    expect(added.status).toBe('ok');
    const late = await page.ask('prompt/add', { camera: 'belt', ifRevision: 1, prompts: [prompt] });
    expect(late).toMatchObject({ status: 'error', code: 'REVISION_CONFLICT' });
    const shown = await page.until(({ views }) => views.find(({ promptRevision }) => promptRevision === added.revision));
    expect(shown.meta.answers).toMatchObject([{ id: 'part', type: 'box', status: 'matched' }]);
    expect(shown.objects.prompts[0]! & 1).toBe(1);
    const { event } = await page.message('event', (message) => message.event.type === 'prompts-changed');
    expect(event).toMatchObject({ camera: 'belt', by: 'local', revision: added.revision });
    const gone = await page.ask('prompt/try', { camera: 'belt', seq: 999_999, prompts: [prompt] });
    expect(gone).toMatchObject({ code: 'REQUEST_INVALID', error: 'frame 999999 of camera "belt" is kept no more' });
  });

  it('outlines objects of the frame that was seen, and says what is gone', async () => {
    using page = await Page.open(node);
    page.say({ t: 'watch', camera: 'belt' });
    const { seq, objects } = await page.until(({ views }) => views[0]);
    page.say({ t: 'hold', camera: 'belt', seq });
    const answered = async (id: string) =>
      (await page.message('response', ({ response }) => (response as { id: string }).id === id)).response;
    const outline = (id: string, changes: object = {}) => page.say({ t: 'outline', id, camera: 'belt', seq, object: 0, ...changes });
    await page.until(({ views }) => views[20]);
    outline('first');
    const [x1, y1, x2, y2] = objects.boxes.subarray(0, 4);
    const { data } = (await answered('first')) as { data: Outline };
    expect(data.tolerance).toBe(0);
    const corners = data.rings.flat();
    expect([Math.min(...corners.map(([x]) => x)), Math.min(...corners.map(([, y]) => y))]).toEqual([x1, y1]);
    expect([Math.max(...corners.map(([x]) => x)), Math.max(...corners.map(([, y]) => y))]).toEqual([x2, y2]);
    outline('none', { object: 3 });
    expect(await answered('none')).toMatchObject({
      code: 'REQUEST_INVALID',
      error: `object: expected one of the 3 of frame ${seq}, got 3`,
    });
    outline('gone', { seq: 999_999 });
    expect(await answered('gone')).toMatchObject({ code: 'REQUEST_INVALID', error: 'frame 999999 of camera "belt" is kept no more' });
  });

  it('refuses what is no message, and goes on', async () => {
    using page = await Page.open(node);
    for (const text of ['', '{', '[]', '{"t":"nothing"}', '{"t":"watch"}', '{"t":"watch","camera":"no-such-camera"}'])
      page.socket.send(text);
    await page.until(({ messages }) => messages.filter(({ t }) => t === 'error').length === 6 || undefined);
    expect((await page.ask('read/ping', {})).status).toBe('ok');
    expect((await page.ask('admin/camera-pause', { camera: 'belt' })).code).toBe('REQUEST_FORBIDDEN');
  });

  it('answers every request, those that are too many too', async () => {
    using page = await Page.open(node);
    const asked = Array.from({ length: 60 }, () => page.ask('read/ping', {}));
    // What is too large to be looked at then, and what waits for no answer, is refused all the same.
    page.socket.send(JSON.stringify({ t: 'request', verb: 'read/ping', id: 'large', payload: { text: 'x'.repeat(5000) } }));
    page.say({ t: 'hold', camera: 'belt', seq: 1 });
    const codes = new Set((await Promise.all(asked)).map(({ status, code }) => code ?? status));
    expect([...codes].sort()).toEqual(['RATE_LIMITED', 'ok']);
    await page.until(({ messages }) => messages.filter((message) => message.t === 'error').length === 2 || undefined);
  });

  it('withholds pictures of a camera on every way, and shows its masks', async () => {
    const cameras = ['belt', 'gate'].map((id) => ({ id, source: SCENE, console: { pictures: id === 'belt' } }));
    await using discreet = await consoleNode({ cameras });
    using page = await Page.open(discreet);
    expect((await page.message('hello')).cameras).toEqual([
      { id: 'belt', pictures: true },
      { id: 'gate', pictures: false },
    ]);
    const seen = async (camera: string, roi?: [number, number, number, number]) => {
      page.say({ t: 'watch', camera, ...(roi ? { roi } : {}) });
      const from = page.messages.length;
      const { channel } = (await page.until(({ messages }) =>
        messages.slice(from).find((message) => message.t === 'channel' && message.camera === camera),
      )) as { channel: number };
      return page.until(({ views }) => views.find((view) => view.channel === channel));
    };
    expect((await seen('belt')).picture).toBeDefined();
    for (const view of [await seen('gate'), await seen('gate', [0, 0, 4, 4])]) {
      expect(view.picture).toBeUndefined();
      expect(view).toMatchObject({ flags: FLAG_WITHHELD, frame: { width: 320, height: 320 } });
      expect(view.objects.count).toBe(3);
    }
    const status = async (path: string, method = 'GET') =>
      (await fetch(discreet.url + path, { method, headers: { origin: discreet.url } })).status;
    expect(await status('/api/cameras/belt/snapshot.jpg')).toBe(200);
    expect(await status('/api/cameras/gate/snapshot.jpg')).toBe(403);
    expect(await status('/api/cameras/gate/picture', 'POST')).toBe(403);
    // An event of the one has a picture; of the other it has none.
    for (const camera of ['gate', 'belt']) await page.ask('prompt/set', { camera, prompts: [{ type: 'everything', id: 'all' }] });
    const { event } = await page.message('event', (message) => message.event.camera === 'belt' && message.event.picture === true);
    expect(await status(`/api/events/${event.number}`)).toBe(200);
    const other = await page.message('event', (message) => message.event.camera === 'gate');
    expect(await status(`/api/events/${other.event.number}`)).toBe(404);
  });

  it('answers the probes as the metrics server does', async () => {
    const [metrics, ready] = await Promise.all(['/metrics', '/readyz'].map((path) => fetch(node.url + path)));
    expect(metrics!.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await metrics!.text()).toContain('fastsamd_');
    expect(await ready!.json()).toMatchObject({ ok: true });
  });
});
