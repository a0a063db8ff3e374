/** Clips that users bring: sent in pieces, segmented in order, handed back as files, ended when their tab goes. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/addon/addon.js';
import type { PictureSegmenter } from '../../src/console/asking.js';
import { type ClipProgress, Clips } from '../../src/console/clips.js';
import type { ResultMessage } from '../../src/contract/messages.js';
import { encodeRle } from '../../src/encode/mask-encodings.js';
import { VideoOutput } from '../../src/encode/video-output.js';
import { openEngine } from '../../src/engine/open.js';
import { mp4FrameCount } from '../../src/source/mp4-frames.js';
import { openSource } from '../../src/source/open.js';
import { type ConsoleNode, consoleNode, login, SCENE } from './console-node.js';

const FRAMES = 12;
const USERS = [
  { name: 'vera', role: 'viewer', password: 'vera-password' },
  { name: 'otto', role: 'operator', password: 'otto-password' },
  { name: 'olga', role: 'operator', password: 'olga-password' },
] as const;
const ask = { prompts: [], conf: 0.4 };

/** The drawn scene as an MP4 file. */
async function writeClip(path: string, frames: number): Promise<void> {
  const source = await openSource(`${SCENE}&realtime=false&frames=${frames}`);
  const video = new VideoOutput(path);
  for await (const frame of source) {
    using held = frame;
    const rgb = await native().toRgb(held.pixels as never);
    await video.write(rgb, held.width, held.height, BigInt(held.sequence) * 50_000_000n);
  }
  await source.stop();
  await video.finish();
}

describe.skipIf(!native().features.gstreamer)('clips (needs GStreamer)', { timeout: 120_000 }, () => {
  let folder: string;
  let path: string;
  let node: ConsoleNode;
  const cookies = new Map<string, string>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-clips-'));
    path = join(folder, 'belt.mp4');
    await writeClip(path, FRAMES);
    node = await consoleNode({ console: { host: '0.0.0.0', insecure: true } }, USERS);
    for (const { name, password } of USERS) cookies.set(name, await login(node, name, password));
  }, 120_000);
  afterAll(async () => {
    await node[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** A connection for each request: one that is kept may be closed by the server just when it is used again. */
  const call = (user: string, method: string, route: string, body?: object | Uint8Array<ArrayBuffer>) =>
    new Promise<Response>((resolve, reject) => {
      const headers = {
        cookie: cookies.get(user) ?? '',
        origin: node.url,
        ...(body ? { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' } : {}),
      };
      const sent = request(`${node.url}/api/${route}`, { method, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () =>
          resolve(
            new Response(new Uint8Array(Buffer.concat(chunks)), {
              status: answer.statusCode!,
              headers: answer.headers as Record<string, string>,
            }),
          ),
        );
      });
      sent.on('error', reject);
      sent.end(body instanceof Uint8Array ? body : body && JSON.stringify(body));
    });
  const begin = async (user: string, bytes: number, name = 'belt.mp4') =>
    (await (await call(user, 'POST', 'clips', { name, bytes })).json()) as { id: string; pieceBytes: number };
  const sendAll = async (user: string) => {
    const bytes = new Uint8Array(await readFile(path));
    const { id } = await begin(user, bytes.length);
    const half = Math.ceil(bytes.length / 2);
    for (const at of [0, half]) {
      const answer = await call(user, 'PUT', `clips/${id}?at=${at}`, bytes.slice(at, at + half));
      expect(answer.status).toBe(200);
    }
    return id;
  };

  it('gives back every frame in order, with the masks that segmenting it gives', async () => {
    const id = await sendAll('otto');
    const picture = (await (await call('otto', 'POST', `clips/${id}/picture`, {})).json()) as { id: string };
    expect((await call('otto', 'GET', `pictures/${picture.id}/view`)).status).toBe(200);
    expect((await call('otto', 'GET', `clips/${id}/video`)).status).toBe(400);

    const said = await (await call('otto', 'POST', `clips/${id}/segment`, ask)).text();
    const steps = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ClipProgress);
    // Before the first frame the connection is kept alive by a line that says so.
    expect(steps.find(({ frames }) => frames > 0)).toMatchObject({ frames: 1, of: FRAMES, objects: 3 });
    expect(steps.at(-1)).toMatchObject({ done: true, frames: FRAMES, isCut: false });

    const lines = await call('otto', 'GET', `clips/${id}/lines`);
    expect(lines.headers.get('content-disposition')).toBe('attachment; filename="belt.jsonl"');
    const results = (await lines.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ResultMessage);
    const engine = await openEngine({ model: `${node.folder}/three.onnx` });
    const source = await openSource(`file:${path}`);
    let k = 0;
    for await (const frame of source) {
      using held = frame;
      const { segments } = await engine.segment(held, { conf: 0.4, iou: 0.7, maxDet: 300, snapToBorder: 'auto' });
      const expected = await encodeRle(
        segments,
        Uint32Array.from({ length: segments.count }, (_, index) => index),
      );
      expect(results[k]!.frame).toMatchObject({ source: 'belt.mp4', mediaTimeMs: k * 50 });
      expect(results[k]!.objects.map(({ mask }) => (mask as { counts: string }).counts)).toEqual(expected);
      k += 1;
    }
    await source.stop();
    await engine.stop();
    expect(results).toHaveLength(k);

    const video = join(folder, 'annotated.mp4');
    await writeFile(video, new Uint8Array(await (await call('otto', 'GET', `clips/${id}/video`)).arrayBuffer()));
    expect(await mp4FrameCount(video)).toBe(FRAMES);
    expect((await call('otto', 'DELETE', `clips/${id}`)).status).toBe(200);
    expect((await call('otto', 'GET', `clips/${id}/video`)).status).toBe(400);
    expect(await readdir(join(node.folder, 'line-3/console-clips'))).toEqual([]);
  });

  it('refuses viewers, foreign clips, files that are no video, pieces out of order, and more bytes than were said', async () => {
    const bytes = new Uint8Array(await readFile(path));
    expect((await call('vera', 'POST', 'clips', { bytes: 10 })).status).toBe(403);
    expect((await call('otto', 'POST', 'clips', { bytes: 200_000_001 })).status).toBe(400);
    const { id, pieceBytes } = await begin('otto', bytes.length);
    expect((await call('olga', 'PUT', `clips/${id}?at=0`, bytes)).status).toBe(400);
    expect(await (await call('olga', 'POST', `clips/${id}/segment`, ask)).text()).toContain('not kept any more');
    expect((await call('otto', 'PUT', `clips/${id}?at=5`, bytes)).status).toBe(400);
    expect((await call('otto', 'PUT', `clips/${id}?at=0`, new TextEncoder().encode('<svg xmlns=""/>'))).status).toBe(400);
    expect((await call('otto', 'PUT', `clips/${id}?at=0`, new Uint8Array(pieceBytes + 1))).status).toBe(413);
    expect((await call('otto', 'PUT', `clips/${id}?at=0`, new Uint8Array([...bytes, 0]))).status).toBe(400);
    const early = await (await call('otto', 'POST', `clips/${id}/segment`, ask)).text();
    expect(JSON.parse(early)).toMatchObject({ code: 'REQUEST_INVALID' });
    expect((await call('nobody', 'GET', `clips/${id}/video`)).status).toBe(401);
    // A name cannot lead out of the folder.
    await begin('otto', 10, '../../../etc/cron.d/x.mp4');
    const [only] = await readdir(join(node.folder, 'line-3/console-clips'));
    expect(await readdir(join(node.folder, 'line-3/console-clips', only!))).toEqual(['source']);
  });

  it('says what is wrong with a clip that cannot be decoded', async () => {
    const bytes = new Uint8Array(await readFile(path)).slice(0, 2000);
    const { id } = await begin('olga', bytes.length, 'broken.mp4');
    expect((await call('olga', 'PUT', `clips/${id}?at=0`, bytes)).status).toBe(200);
    const answer = await call('olga', 'POST', `clips/${id}/picture`, {});
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 400,
      body: { code: expect.stringMatching(/^SOURCE_/) as string },
    });
  });

  it('ends with its tab: no frame is segmented after the connection is gone, and nothing is left when the clip goes', async () => {
    const engine = await openEngine({ model: `${node.folder}/three.onnx` });
    const gone = new AbortController();
    let segmented = 0;
    const segmenter: PictureSegmenter = {
      segment: async (frame, options) => {
        segmented += 1;
        if (segmented === 3) gone.abort();
        const { segments, geometry, timings } = await engine.segment(frame, { ...options, maxDet: 300, snapToBorder: 'auto' });
        const { sequence, captured, origin } = frame;
        return {
          ...{ sequence, captured, origin, geometry, segments, timings: { ...timings, wait: 0, prompt: 0 } },
          ...{ model: engine.model, promptRevision: 0, answers: [], dropped: {} },
        };
      },
      text: { prepare: async () => undefined, scorer: () => ({ score: () => Promise.reject(new Error('no texts here')) }) },
      identity: { node: 'line-3', bootId: 'b' },
    };
    const clips = new Clips({ folder: join(folder, 'clips'), segmenter });
    const user = { name: 'otto', role: 'operator' } as const;
    const bytes = await readFile(path);
    const { id } = await clips.begin({ name: 'belt.mp4', bytes: bytes.length }, user);
    await clips.add(id, user, 0, bytes);
    const steps: ClipProgress[] = [];
    await clips.segment(id, user, ask, { signal: gone.signal, onProgress: (step) => steps.push(step) });
    expect(segmented).toBe(3);
    expect(steps.some((step) => 'done' in step)).toBe(false);
    expect(() => clips.file(id, user, 'video')).toThrow('not segmented yet');
    // The next clip of the user takes its place.
    await clips.begin({ name: 'next.mp4', bytes: 10 }, user);
    await expect(stat(join(folder, 'clips', id))).rejects.toThrow('ENOENT');
    // A run that is killed leaves its clips; the next one deletes them.
    await new Clips({ folder: join(folder, 'clips'), segmenter }).start();
    await expect(stat(join(folder, 'clips'))).rejects.toThrow('ENOENT');
    await clips.clear();
    await engine.stop();
  });
});
