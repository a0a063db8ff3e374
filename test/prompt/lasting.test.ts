/** Prompts that revert by themselves, and prompts over a restart. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Prompt, parsePrompts } from '../../src/domain/prompt.js';
import { applyChange, type HeldPrompts, inForce, type PromptChange } from '../../src/prompt/changes.js';
import { PromptRegister } from '../../src/prompt/register.js';
import { PromptStore, type SavedPrompts } from '../../src/prompt/store.js';

const named = (...ids: string[]) => parsePrompts(ids.map((id) => ({ type: 'everything', id })));
const idsOf = (prompts: readonly { readonly id: string }[]) => prompts.map(({ id }) => id);

describe('prompts with a time to live', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function belt(configured = named('base')) {
    const revisions: [number, string[]][] = [];
    const register = new PromptRegister({
      cameras: new Map([['belt', configured]]),
      onApplied: ({ revision, prompts }) => void revisions.push([revision, idsOf(prompts)]),
    });
    const frame = () => register.take('belt', 640, 480);
    return { register, revisions, frame };
  }

  it('go back to the permanent ones with a revision of their own, at a frame boundary', async () => {
    const { register, frame } = belt();
    const done = register.set({ prompts: named('guest'), ttlS: 10 });
    expect(idsOf(frame().prompts)).toEqual(['guest']);
    await done;
    await vi.advanceTimersByTimeAsync(9999);
    expect(frame()).toMatchObject({ revision: 2, prompts: [{ id: 'guest' }] });
    await vi.advanceTimersByTimeAsync(1);
    expect(frame()).toMatchObject({ revision: 3, prompts: [{ id: 'base' }] });
  });

  it('are ended by a permanent set, and the clock of the last one counts', async () => {
    const { register, frame } = belt();
    void register.set({ prompts: named('guest'), ttlS: 10 });
    frame();
    void register.add({ prompts: named('more'), ttlS: 100 });
    expect(idsOf(frame().prompts)).toEqual(['guest', 'more']);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(idsOf(frame().prompts)).toEqual(['guest', 'more']);
    void register.set({ prompts: named('new') });
    frame();
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(frame()).toMatchObject({ revision: 4, prompts: [{ id: 'new' }] });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('revert although no frame comes', async () => {
    const { register, revisions } = belt();
    const done = register.set({ prompts: named('guest'), ttlS: 10 });
    await vi.advanceTimersByTimeAsync(12_000);
    await done;
    expect(revisions).toEqual([
      [2, ['guest']],
      [3, ['base']],
    ]);
  });

  it('never touch the permanent ones, whatever is asked in whatever order', () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd');
    const change = fc.oneof(
      fc.record({ kind: fc.constantFrom('set' as const, 'add' as const), prompts: fc.uniqueArray(id).map((ids) => named(...ids)) }),
      fc.record({ kind: fc.constant('remove' as const), ids: fc.uniqueArray(id) }),
    );
    fc.assert(
      fc.property(fc.array(fc.record({ change, temporary: fc.boolean() })), (steps) => {
        let held: HeldPrompts = { base: named('a') };
        for (const { change: asked, temporary } of steps as { change: PromptChange; temporary: boolean }[]) {
          const next = applyChange(held, asked, temporary ? 1000 : undefined);
          if (temporary) expect(next.base).toBe(held.base);
          else if (asked.kind === 'set') expect(next.temporary).toBeUndefined();
          for (const prompts of [next.base, inForce(next)]) expect(new Set(idsOf(prompts)).size).toBe(prompts.length);
          if (asked.kind === 'remove') expect(idsOf(inForce(next)).some((each) => asked.ids.includes(each))).toBe(false);
          else expect(idsOf(inForce(next))).toEqual(expect.arrayContaining(idsOf(asked.prompts as readonly Prompt[])));
          held = next;
        }
      }),
    );
  });
});

describe('prompts over a restart', () => {
  let folder = '';
  const log = pino({ level: 'silent' });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-prompts-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function boot(configured = named('base')) {
    const store = new PromptStore(join(folder, 'deep/prompts.json'), log);
    const register = new PromptRegister({
      cameras: new Map([
        ['belt', configured],
        ['gate', []],
      ]),
      onApplied: () => undefined,
      save: (state) => store.save(state),
    });
    register.start(await store.load());
    const frame = () => register.take('belt', 640, 480);
    return { register, frame, file: join(folder, 'deep/prompts.json') };
  }

  it('are those that were acknowledged, with their revision', async () => {
    const first = await boot();
    const box = {
      type: 'box' as const,
      box: [0.1, 0.2, 0.3, 0.4] as [number, number, number, number],
      space: 'normalized' as const,
      minIou: 0.5,
      id: 'b',
      publish: 'status' as const,
    };
    const done = first.register.set({ camera: 'belt', prompts: [box] });
    first.frame();
    expect(await done).toEqual({ revision: 2, saved: true });
    const second = await boot();
    expect(second.frame()).toMatchObject({ revision: 2, prompts: [box] });
    expect(second.register.get({ camera: 'gate' })).toMatchObject([{ revision: 1, prompts: [] }]);
    // Revisions go on where they were.
    const next = second.register.clear({ camera: 'gate' });
    second.register.take('gate', 64, 48);
    expect(await next).toMatchObject({ revision: 3 });
  });

  it('are the configured ones when the configuration has changed since, as a new revision', async () => {
    const first = await boot();
    const done = first.register.set({ camera: 'belt', prompts: named('asked') });
    first.frame();
    await done;
    const second = await boot(named('edited'));
    expect(second.frame()).toMatchObject({ revision: 3, prompts: [{ id: 'edited' }] });
  });

  it('are the permanent ones when the time of the others has run out meanwhile, else the rest of it counts', async () => {
    const first = await boot();
    const soon = first.register.set({ camera: 'belt', prompts: named('guest'), ttlS: 0.05 });
    first.frame();
    await soon;
    first.register.stop();
    await vi.waitFor(async () => expect((await boot()).frame()).toMatchObject({ revision: 3, prompts: [{ id: 'base' }] }), 20_000);

    const again = await boot();
    const late = again.register.set({ camera: 'belt', prompts: named('guest'), ttlS: 1000 });
    again.frame();
    await late;
    const second = await boot();
    expect(second.register.get({ camera: 'belt' })).toMatchObject([{ prompts: [{ id: 'guest' }], expiresAt: expect.any(String) }]);
    again.register.stop();
    second.register.stop();
  });

  it.each(['', '{"v":1', '{"v":2}', '{"v":1,"revision":3,"cameras":{"belt":{"held":{"base":[{"type":"box"}]}}}}'])(
    'are the configured ones when the file is %j, which is put aside',
    async (text) => {
      const { register, frame, file } = await boot();
      const done = register.set({ camera: 'belt', prompts: named('asked') });
      frame();
      await done;
      await writeFile(file, text);
      expect((await boot()).frame()).toMatchObject({ revision: 1, prompts: [{ id: 'base' }] });
      expect(await readdir(join(folder, 'deep'))).toEqual(['prompts.json.unreadable']);
    },
  );

  it('are whole at any moment while they are saved over and over', async () => {
    const store = new PromptStore(join(folder, 'prompts.json'), log);
    const state = (revision: number): SavedPrompts => ({
      v: 1,
      revision,
      cameras: {
        belt: {
          configured: [],
          held: { base: named(...Array.from({ length: 100 }, (_, k) => `p${revision}-${k}`)) },
          revision,
          sinceMs: 0,
        },
      },
    });
    await store.save(state(1));
    let writing = true;
    const writes = (async () => {
      for (let revision = 2; revision < 60; revision += 1) await store.save(state(revision));
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      const text = await readFile(join(folder, 'prompts.json'), 'utf8');
      const { revision, cameras } = JSON.parse(text) as SavedPrompts;
      expect(cameras.belt!.held.base).toHaveLength(100);
      expect(cameras.belt!.held.base[99]!.id).toBe(`p${revision}-99`);
      reads += 1;
    }
    await writes;
    expect(reads).toBeGreaterThan(5);
    expect(await store.load()).toEqual(state(59));
  });

  it('are applied and acknowledged as unsaved when the disk does not take them', async () => {
    await writeFile(join(folder, 'file'), '');
    const store = new PromptStore(join(folder, 'file/prompts.json'), log);
    const register = new PromptRegister({
      cameras: new Map([['belt', []]]),
      onApplied: () => undefined,
      save: (state) => store.save(state),
    });
    const done = register.set({ prompts: named('asked') });
    expect(register.take('belt', 640, 480).prompts).toMatchObject([{ id: 'asked' }]);
    expect(await done).toEqual({ revision: 2, saved: false });
  });
});
