import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PromptsMessage } from '../../src/contract/messages.js';
import { parsePrompts } from '../../src/domain/prompt.js';
import { PromptRegister } from '../../src/prompt/register.js';
import type { SavedPrompts } from '../../src/prompt/store.js';

function register(...cameras: string[]) {
  const announced: PromptsMessage[] = [];
  const prompts = new PromptRegister({
    cameras: new Map(cameras.map((camera) => [camera, []])),
    onApplied: (message) => void announced.push(message),
  });
  return { prompts, announced };
}

const everything = [{ type: 'everything' as const }];

describe('prompt register', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('puts a change in force at the frame boundary and not before', async () => {
    const { prompts, announced } = register('belt');
    prompts.start();
    const done = prompts.set({ camera: 'belt', prompts: everything });
    expect(prompts.get({ camera: 'belt' })).toMatchObject([{ revision: 1, prompts: [] }]);
    expect(prompts.take('belt', 640, 480)).toMatchObject({ revision: 2, prompts: [{ type: 'everything', id: 'p1' }] });
    expect(await done).toEqual({ revision: 2, saved: true });
    expect(announced.map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it('acknowledges a change of all cameras when the last one has it', async () => {
    const { prompts } = register('belt', 'gate');
    let revision = 0;
    const done = prompts.set({ prompts: everything }).then((applied) => {
      revision = applied.revision;
    });
    prompts.take('belt', 640, 480);
    await vi.advanceTimersByTimeAsync(999);
    expect(revision).toBe(0);
    prompts.take('gate', 640, 480);
    await done;
    expect(revision).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('acknowledges after a second when a camera has no frames, and its next frame has the prompts', async () => {
    const { prompts } = register('belt');
    const done = prompts.set({ prompts: everything });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await done).toEqual({ revision: 2, saved: true });
    expect(prompts.take('belt', 640, 480).revision).toBe(2);
  });

  it('settles a change that another one overtook before a frame came', async () => {
    const { prompts, announced } = register('belt');
    const first = prompts.set({ prompts: everything });
    const second = prompts.clear({ ifRevision: 2 });
    expect(prompts.take('belt', 640, 480)).toMatchObject({ revision: 3, prompts: [] });
    expect((await Promise.all([first, second])).map(({ revision }) => revision)).toEqual([2, 3]);
    expect(announced.map(({ revision }) => revision)).toEqual([3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('changes no camera when the prompts do not fit one of them', async () => {
    const { prompts } = register('belt', 'gate');
    prompts.take('belt', 1920, 1080);
    prompts.take('gate', 320, 240);
    const box = { type: 'box' as const, box: [400, 300, 500, 400] as [number, number, number, number], space: 'pixel' as const, minIou: 0 };
    await expect(prompts.set({ prompts: [box] })).rejects.toMatchObject({
      code: 'PROMPT_INVALID',
      message: expect.stringContaining('320x240'),
    });
    expect(prompts.take('belt', 1920, 1080).revision).toBe(1);
    await expect(prompts.set({ camera: 'roof', prompts: [] })).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('takes what a configuration names as a whole: new cameras, changed prompts; a refusal changes nothing, also at the next start', async () => {
    const saved: SavedPrompts[] = [];
    const announced: PromptsMessage[] = [];
    const deps = {
      cameras: new Map([
        ['belt', parsePrompts([{ type: 'everything', id: 'old' }])],
        ['gate', parsePrompts([{ type: 'everything', id: 'kept' }])],
      ]),
      onApplied: (message: PromptsMessage) => void announced.push(message),
      save: async (state: SavedPrompts) => saved.push(state) > 0,
    };
    const prompts = new PromptRegister(deps);
    prompts.take('belt', 320, 240);
    prompts.take('gate', 320, 240);
    const outside = { type: 'box' as const, box: [400, 300, 500, 400] as [number, number, number, number] };
    const refused = prompts.reconfigure(
      new Map([
        ['belt', parsePrompts([{ type: 'everything', id: 'new' }])],
        ['gate', parsePrompts([outside])],
        ['roof', []],
      ]),
    );
    await expect(refused).rejects.toMatchObject({ code: 'PROMPT_INVALID', message: expect.stringContaining('camera "gate"') });
    expect(prompts.get({}).map(({ camera }) => camera)).toEqual(['belt', 'gate']);
    expect(prompts.take('belt', 320, 240)).toMatchObject({ revision: 1, prompts: [{ id: 'old' }] });
    // A later change is saved with the configuration that holds, so that the next start does not take the refused one for known.
    const set = prompts.set({ camera: 'gate', prompts: everything });
    prompts.take('gate', 320, 240);
    await set;
    expect(saved.at(-1)!.cameras.gate!.configured).toMatchObject([{ id: 'kept' }]);

    const done = prompts.reconfigure(
      new Map([
        ['belt', parsePrompts([{ type: 'everything', id: 'new' }])],
        ['gate', parsePrompts([{ type: 'everything', id: 'kept' }])],
        ['roof', []],
      ]),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(prompts.take('belt', 320, 240)).toMatchObject({ revision: 3, prompts: [{ id: 'new' }] });
    expect(prompts.take('gate', 320, 240)).toMatchObject({ revision: 2, prompts: [{ id: 'p1' }] });
    expect(prompts.take('roof', 320, 240)).toMatchObject({ revision: 3, prompts: [] });
    expect(await done).toEqual({ revision: 3, saved: true });
    expect(announced.at(-1)).toMatchObject({ camera: 'belt', revision: 3 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('forgets a camera, and changes no longer wait for it', async () => {
    const { prompts } = register('belt', 'gate');
    const done = prompts.set({ prompts: everything });
    await vi.advanceTimersByTimeAsync(0);
    prompts.take('belt', 640, 480);
    prompts.forget('gate');
    expect(await done).toMatchObject({ revision: 2 });
    expect(prompts.get({}).map(({ camera }) => camera)).toEqual(['belt']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
