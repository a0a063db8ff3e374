import { describe, expect, it } from 'vitest';
import { ConsoleEvents } from '../../src/console/events.js';

const OPERATOR = { name: 'anna', role: 'operator' } as const;

describe('events of the console', () => {
  it('keep who changed a prompt, however many objects pass', () => {
    const events = new ConsoleEvents({ picture: async () => undefined, showsPictures: () => true });
    events.add({ type: 'prompts-changed', camera: 'belt', text: 'point-1 (points)', by: 'anna' });
    for (let track = 1; track <= 2000; track += 1)
      events.cameraEvent('belt', { type: 'object-entered', track, bbox: [0, 0, 1, 1], edge: 'left' });
    const list = events.list(OPERATOR);
    expect(list).toHaveLength(101);
    expect(list[0]).toMatchObject({ type: 'prompts-changed', by: 'anna' });
    expect(list.at(-1)).toMatchObject({ text: 'track 2000 at the left' });
    for (let type = 0; type < 2000; type += 1) events.add({ type: `type-${type % 20}`, text: '' });
    expect(events.list(OPERATOR)).toHaveLength(500);
  });

  it('of a camera that a user may not see are not listed', () => {
    const events = new ConsoleEvents({ picture: async () => undefined, showsPictures: () => true });
    events.cameraEvent('gate', { type: 'zone-entered', zone: 'dock', track: 3, inside: 2 });
    events.add({ type: 'login', text: 'anna' });
    expect(events.list({ ...OPERATOR, cameras: ['belt'] })).toEqual([]);
    expect(events.list(OPERATOR).map(({ text }) => text)).toEqual(['dock: track 3, 2 inside', 'anna']);
  });

  it('have a picture for those who may see the camera, until its pictures are withheld', async () => {
    let shows = true;
    const events = new ConsoleEvents({ picture: async () => Uint8Array.of(1), showsPictures: () => shows });
    const kept = new Promise<number>((resolve) => events.subscribe(({ picture, number }) => picture && resolve(number)));
    events.add({ type: 'prompts-changed', camera: 'gate', text: 'point-1 (points)' });
    const number = await kept;
    expect(events.picture(number, OPERATOR)).toEqual(Uint8Array.of(1));
    expect(events.picture(number, { ...OPERATOR, cameras: ['belt'] })).toBeUndefined();
    expect(events.picture(number + 1, OPERATOR)).toBeUndefined();
    shows = false;
    expect(events.picture(number, OPERATOR)).toBeUndefined();
  });
});
