/** Lessons of a camera, without one: what ends them, and what they refuse. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LessonData } from '../../src/contract/messages.js';
import { type Subject, Teaching } from '../../src/daemon/inspection/teaching.js';
import type { Frame } from '../../src/domain/frame.js';
import { recipeSchema } from '../../src/domain/recipe.js';
import type { FrameResult } from '../../src/domain/result.js';
import type { ResultSink } from '../../src/pipeline/sinks.js';

const SUBJECT: Subject = {
  camera: 'belt',
  recipe: recipeSchema.parse({
    recipe: 'plate',
    objects: { part: {} },
    checks: [{ id: 'size', measure: 'area', of: 'part', min: 1 }],
  }),
  identity: { id: 'plate', revision: 1, sha256: '0'.repeat(64) },
  newest: 1,
  sigma: 4,
  judging: {},
};

let sink: ResultSink | undefined;
let lesson: LessonData | undefined;
let state: { degraded: boolean; streaming: boolean };
const warned: string[] = [];
let teaching: Teaching;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  sink = undefined;
  lesson = undefined;
  state = { degraded: false, streaming: true };
  warned.length = 0;
  teaching = new Teaching({
    addSink: (_camera, added) => {
      sink = added;
      return async () => {
        sink = undefined;
        await added.close?.();
      };
    },
    openNetwork: async () => Promise.reject(new Error('no surfaces here')),
    degraded: () => state.degraded,
    streaming: () => state.streaming,
    onLesson: (_camera, told) => {
      lesson = told;
    },
    log: pino({ level: 'warn' }, { write: (line) => void warned.push(JSON.parse(line).msg) }),
  });
});
afterEach(() => vi.useRealTimers());

describe('Teaching', () => {
  it('measures nothing of the small model', async () => {
    await teaching.start(SUBJECT);
    state.degraded = true;
    await expect(teaching.add('belt')).rejects.toMatchObject({ code: 'TAUGHT_STALE', message: expect.stringContaining('small model') });
    state.degraded = false;
    const part = teaching.add('belt');
    await expect(teaching.add('belt')).rejects.toMatchObject({ code: 'TEACH_RUNNING' });
    await expect(teaching.abort('belt')).rejects.toMatchObject({ code: 'TEACH_RUNNING' });
    await teaching.stop();
    await expect(part).rejects.toMatchObject({ code: 'TEACH_NOT_RUNNING' });
    expect({ sink, lesson }).toEqual({ sink: undefined, lesson: undefined });
  });

  it('says whether the camera is away, or slow', async () => {
    await teaching.start(SUBJECT);
    const slow = teaching.add('belt');
    // A frame from before the request shows another part.
    await sink!.take({ captured: { wallMs: 0, monotonicNs: 0n } } as FrameResult, {} as Frame);
    vi.advanceTimersByTime(5000);
    await expect(slow).rejects.toMatchObject({ code: 'SOURCE_TIMEOUT' });
    state.streaming = false;
    const away = teaching.add('belt');
    vi.advanceTimersByTime(5000);
    await expect(away).rejects.toMatchObject({ code: 'SOURCE_LOST' });
    await teaching.stop();
  });

  it('ends a lesson that nobody goes on with, and says so', async () => {
    await teaching.start(SUBJECT);
    vi.advanceTimersByTime(1_799_000);
    expect(lesson).toMatchObject({ parts: 0, recipe: { revision: 1 } });
    await expect(teaching.commit('belt', async () => undefined)).rejects.toMatchObject({ code: 'TEACH_INCOMPLETE' });
    vi.advanceTimersByTime(1_799_000);
    expect(lesson).toBeDefined();
    vi.advanceTimersByTime(1000);
    await expect(teaching.abort('belt')).rejects.toMatchObject({ code: 'TEACH_NOT_RUNNING' });
    expect({ sink, lesson }).toEqual({ sink: undefined, lesson: undefined });
    expect(warned).toEqual(['camera belt: the lesson of recipe plate is lost, 0 good parts: nothing was asked for half an hour']);
  });
});
