import { describe, expect, it } from 'vitest';
import type { PromptAnswer } from '../../src/domain/answer.js';
import { type Prompt, type PromptInput, parsePrompts } from '../../src/domain/prompt.js';
import type { Segments } from '../../src/domain/segments.js';
import type { Tracks } from '../../src/domain/track.js';
import { FollowBook, type Followed } from '../../src/prompt/follow.js';

const POINT: PromptInput = { type: 'points', id: 'that-one', points: [[50, 50]], follow: true };

interface Scene {
  /** Track ids of the objects. */
  readonly ids?: readonly number[];
  /** The object that the rules of the prompts themselves match. */
  readonly match?: number;
  readonly lost?: readonly number[];
  readonly ended?: readonly { readonly id: number; readonly left: boolean }[];
  readonly reset?: 'scene';
  readonly area?: number;
  readonly restored?: boolean;
  readonly lostBox?: readonly [number, number, number, number];
}

/** A book that sees one frame after the other. */
class Story {
  readonly #book = new FollowBook();
  readonly #prompts: Prompt[];

  constructor(...prompts: PromptInput[]) {
    this.#prompts = parsePrompts(prompts);
  }

  at(timeMs: number, { ids = [], match, lost = [], ended = [], reset, area = 100, restored, lostBox = [40, 40, 60, 60] }: Scene): Followed {
    const segments: Segments = {
      count: ids.length,
      width: 200,
      height: 100,
      boxes: Float32Array.from(ids.flatMap(() => [40, 40, 60, 60])),
      scores: new Float32Array(ids.length).fill(0.5),
      classes: new Int32Array(ids.length),
      areas: new Uint32Array(ids.length).fill(area),
      runs: new Uint32Array(0),
      offsets: new Uint32Array(ids.length + 1),
    };
    const tracks: Tracks = {
      ids: Uint32Array.from(ids),
      parents: new Uint32Array(ids.length),
      agesMs: new Float32Array(ids.length),
      velocities: new Float32Array(2 * ids.length),
      lost: lost.map((id) => ({ id, box: lostBox, unseenMs: 0 })),
      ended: ended.map((track) => ({ ...track, box: [0, 0, 1, 1], ageMs: 0 })),
      stats: { live: 0, born: 0, reacquired: 0, ms: 0 },
      ...(reset ? { reset } : {}),
    };
    const answers = this.#prompts.map(
      ({ id, type }): PromptAnswer =>
        match === undefined ? { id, type, matches: [], bestScore: 0 } : { id, type, matches: [{ index: match, score: 1 }] },
    );
    return this.#book.apply(this.#prompts, answers, {
      segments,
      tracks,
      timeMs,
      ...(restored ? { restored: new Set(this.#prompts) } : {}),
    });
  }

  /** The object of this prompt is known. */
  bind(prompt: number, track: number): this {
    this.#book.bind(this.#prompts[prompt]!, track);
    return this;
  }

  remove(id: string): void {
    this.#prompts.splice(
      this.#prompts.findIndex((prompt) => prompt.id === id),
      1,
    );
  }

  /** Sees object 7 under the point until it is locked, at 400 ms. */
  lock(): this {
    for (let timeMs = 0; timeMs <= 400; timeMs += 100) this.at(timeMs, { ids: [7], match: 0 });
    return this;
  }
}

const stateOf = ({ answers }: Followed) => answers[0]!.follow?.state;
const changes = ({ transitions }: Followed) => transitions.map(({ from, to }) => `${from} → ${to}`);

describe('a prompt that follows', () => {
  it('arms, binds to what matched most, and locks', () => {
    const story = new Story(POINT);
    expect(stateOf(story.at(0, {}))).toBe('arming');
    expect(changes(story.at(100, { ids: [3, 7], match: 0 }))).toEqual(['arming → binding']);
    // In one frame the mask under the point was another object's.
    for (const timeMs of [200, 300]) expect(stateOf(story.at(timeMs, { ids: [3, 7], match: 1 }))).toBe('binding');
    const locked = story.at(400, { ids: [3, 7], match: 1 });
    expect(changes(locked)).toEqual(['binding → locked']);
    expect(locked.answers[0]).toMatchObject({ matches: [{ index: 1, score: 0.5 }], follow: { state: 'locked', track: 7, fit: 'exact' } });
    expect(locked.tracks).toEqual([7]);
  });

  it('arms again when nothing matched in half of the frames, and locks onto nothing without an id', () => {
    const story = new Story(POINT);
    for (const [k, id] of [1, 2, 3].entries()) story.at(100 * k, { ids: [id], match: 0 });
    expect(stateOf(story.at(300, { ids: [4], match: 0 }))).toBe('arming');
    const nameless = new Story(POINT);
    for (let k = 0; k < 9; k += 1) expect(stateOf(nameless.at(100 * k, { ids: [0], match: 0 }))).not.toBe('locked');
  });

  it('asks for a track where it matches an object without one, until it is locked', () => {
    const story = new Story(POINT);
    expect(story.at(0, { ids: [0, 5], match: 0 }).asked).toEqual([[40, 40, 60, 60]]);
    expect(story.at(100, { ids: [7, 5], match: 0 }).asked).toEqual([]);
    expect(new Story(POINT).lock().at(500, { ids: [0, 7], match: 0 }).asked).toEqual([]);
  });

  it('stays on its object when another stands at the point', () => {
    const story = new Story(POINT).lock();
    expect(story.at(500, { ids: [9, 7], match: 0 }).answers[0]!.matches).toEqual([{ index: 1, score: 0.5 }]);
  });

  it('coasts through a gap without saying so, and is lost after lostAfterMs', () => {
    const story = new Story(POINT).lock();
    const gap = story.at(500, { ids: [9], match: 0, lost: [7] });
    expect(gap.answers[0]).toMatchObject({ matches: [], follow: { state: 'coasting', unseenMs: 100, predicted: [40, 40, 60, 60] } });
    expect(stateOf(story.at(600, { ids: [7] }))).toBe('locked');
    story.at(700, { lost: [7] });
    const lost = story.at(1600, { lost: [7] });
    expect(lost.transitions).toMatchObject([{ to: 'lost', reason: 'occluded', track: 7 }]);
    const back = story.at(2600, { ids: [7] });
    expect(back.transitions).toMatchObject([{ from: 'lost', to: 'locked', awayMs: 2000 }]);
  });

  it('says that its object left the frame', () => {
    const story = new Story(POINT).lock();
    expect(story.at(500, { lost: [7], lostBox: [205, 40, 240, 60] }).transitions.at(-1)).toMatchObject({ to: 'lost', reason: 'left' });
  });

  it('is gone when its track ended, and no other object takes its place', () => {
    const story = new Story(POINT).lock();
    const gone = story.at(9000, { ids: [8], match: 0, ended: [{ id: 7, left: false }] });
    expect(changes(gone)).toEqual(['locked → coasting', 'coasting → lost', 'lost → gone']);
    expect(gone.tracks).toEqual([]);
    expect(stateOf(story.at(9100, { ids: [7, 8], match: 1 }))).toBe('gone');
  });

  it('gives up after forgetAfterMs', () => {
    const story = new Story({ ...POINT, forgetAfterMs: 3000 }).lock();
    story.at(500, { lost: [7] });
    expect(stateOf(story.at(3300, { lost: [7] }))).toBe('lost');
    expect(stateOf(story.at(3500, { lost: [7] }))).toBe('gone');
  });

  it('says when it sees only a part', () => {
    const story = new Story(POINT).lock();
    expect(story.at(500, { ids: [7], area: 40 }).answers[0]!.follow).toMatchObject({ fit: 'part' });
    expect(story.at(600, { ids: [7], area: 300 }).answers[0]!.follow).toMatchObject({ fit: 'merged' });
    expect(story.at(700, { ids: [7], area: 90 }).answers[0]!.follow).toMatchObject({ fit: 'exact' });
  });

  it('never arms a point again after a restart', () => {
    const story = new Story(POINT);
    for (let k = 0; k < 9; k += 1) {
      const { answers } = story.at(100 * k, { ids: [4], match: 0, restored: true });
      expect(answers[0]).toMatchObject({ matches: [], follow: { state: 'lost', reason: 'restart' } });
    }
    const text = new Story({ type: 'text', text: 'a red part', select: 'best', follow: true });
    expect(stateOf(text.at(0, { ids: [4], match: 0, restored: true }))).toBe('binding');
  });

  it('follows a track by its id', () => {
    const story = new Story({ type: 'track', track: 7 });
    expect(story.at(0, { ids: [6, 7] }).answers[0]).toMatchObject({ matches: [{ index: 1 }], follow: { state: 'locked', track: 7 } });
  });

  describe('beside another prompt that follows', () => {
    /** The object is at 40…60 of both axes, so that POINT is in its middle. */
    const EDGE: PromptInput = { type: 'points', id: 'hidden-one', points: [[58, 50]], follow: true };
    const followed = ({ answers }: Followed) => answers.map(({ follow }) => [follow?.state, follow?.reason]);

    it('two points lock onto two objects: the one that is nearer to the middle gets the object, the other waits', () => {
      for (const prompts of [
        [POINT, EDGE],
        [EDGE, POINT],
      ]) {
        const story = new Story(...prompts).lock();
        const byId = new Map(story.at(500, { ids: [7], match: 0 }).answers.map(({ id, follow }) => [id, follow]));
        expect(byId.get('that-one')).toMatchObject({ state: 'locked', track: 7 });
        expect(byId.get('hidden-one')).toEqual({ state: 'arming', reason: 'taken', sinceMs: expect.any(Number) as number });
      }
    });

    it('the other takes an object of its own, and the same one when that is free', () => {
      const story = new Story(POINT, EDGE).lock();
      for (let timeMs = 500; timeMs <= 900; timeMs += 100) story.at(timeMs, { ids: [7, 8], match: 1 });
      expect(followed(story.at(1000, { ids: [7, 8], match: 1 }))).toEqual([
        ['locked', undefined],
        ['locked', undefined],
      ]);
      const freed = new Story(POINT, EDGE).lock();
      freed.remove('that-one');
      for (let timeMs = 500; timeMs <= 900; timeMs += 100) freed.at(timeMs, { ids: [7], match: 0 });
      expect(followed(freed.at(1000, { ids: [7], match: 0 }))).toEqual([['locked', undefined]]);
    });

    it('waits while the other has lost its object out of sight, not when the other has given up', () => {
      const story = new Story({ ...POINT, forgetAfterMs: 3000 }, EDGE).lock();
      story.at(500, { lost: [7] });
      story.at(2000, { lost: [7] });
      expect(followed(story.at(2500, { ids: [7], match: 0 }))).toEqual([
        ['locked', undefined],
        ['arming', 'taken'],
      ]);
      for (const timeMs of [2600, 6000]) story.at(timeMs, { lost: [7] });
      for (let timeMs = 6100; timeMs <= 6500; timeMs += 100) story.at(timeMs, { ids: [7], match: 0 });
      expect(followed(story.at(6600, { ids: [7], match: 0 }))).toEqual([
        ['gone', 'occluded'],
        ['locked', undefined],
      ]);
    });

    it('two clicks on pictures, a text and a track share an object', () => {
      const at = { seq: 1, bootId: '5c1f0e0a-7e5a-4a4c-9b7e-2f3a1b4c5d6e' };
      const story = new Story(
        { ...POINT, at },
        { ...EDGE, at },
        { type: 'text', id: 'text', text: 'a red part', select: 'best', follow: true },
        { type: 'track', id: 'track', track: 7 },
      );
      story.bind(0, 7).bind(1, 7).lock();
      expect(followed(story.at(500, { ids: [7], match: 0 }))).toEqual(Array(4).fill(['locked', undefined]));
    });
  });

  it('selects one object', () => {
    expect(() => parsePrompts([{ ...POINT, select: 'merge' }])).toThrow(/selection of one object/);
    expect(() => parsePrompts([{ type: 'text', text: 'x', follow: true }])).toThrow(/selection of one object/);
  });
});
