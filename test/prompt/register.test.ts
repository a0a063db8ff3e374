import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PromptRegister } from '../../src/prompt/register.js';
import type { PromptsMessage } from '../../src/wire/messages.js';

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
});
