import { describe, expect, it } from 'vitest';
import { eventSchema } from '../../src/contract/event.js';
import type { InfoMessage } from '../../src/contract/messages.js';
import { requestSchemas } from '../../src/contract/request.js';
import type { Verb } from '../../src/contract/verbs.js';
import { discoveryMessage } from '../../src/mqtt/home-assistant.js';
import { topicsOf } from '../../src/mqtt/topics.js';

type Entity = Record<string, unknown> & { platform: string; unique_id: string };

const info = {
  node: 'line-3',
  versions: { fastsamd: '1.2.3' },
  model: { name: 'FastSAM-s' },
  cameras: [{ id: 'belt', source: 'test:shapes' }],
} as unknown as InfoMessage;
const topics = topicsOf('fastsam/v1', 'line-3');

function entities(prompts: string[], admin: boolean, tracking: { followed?: string[]; lines?: string[]; zones?: string[] } = {}) {
  const ofCamera = () => ({ prompts, followed: [], lines: [], zones: [], ...tracking });
  const message = discoveryMessage(topics, { info, ofCamera, admin }) as { cmps: Record<string, Entity> };
  for (const [key, { unique_id }] of Object.entries(message.cmps)) expect(unique_id).toBe(key);
  return new Map(Object.entries(message.cmps));
}

describe('Home Assistant entities', () => {
  it('there are two for each prompt in force', () => {
    expect([...entities(['station', 'pick'], false).keys()].filter((key) => /station|pick_/.test(key))).toEqual([
      'fastsamd_line_3_belt_station_matched',
      'fastsamd_line_3_belt_station_count',
      'fastsamd_line_3_belt_pick_matched',
      'fastsamd_line_3_belt_pick_count',
    ]);
  });

  it('a followed prompt has one more, a line two and a zone two', () => {
    const all = entities(['that-one'], false, { followed: ['that-one'], lines: ['gate'], zones: ['station'] });
    const counts = topics.counts('belt');
    expect(all.get('fastsamd_line_3_belt_gate_in')).toMatchObject({ state_topic: counts, state_class: 'total_increasing' });
    expect(all.get('fastsamd_line_3_belt_gate_out')).toMatchObject({ state_topic: counts, state_class: 'total_increasing' });
    expect(all.get('fastsamd_line_3_belt_station_inside')).toMatchObject({ state_topic: counts, state_class: 'measurement' });
    expect(all.get('fastsamd_line_3_belt_station_occupied')).toMatchObject({ platform: 'binary_sensor', device_class: 'occupancy' });
    expect(all.get('fastsamd_line_3_belt_that_one_follows')).toMatchObject({
      platform: 'binary_sensor',
      state_topic: topics.follow('belt'),
      json_attributes_topic: topics.follow('belt'),
    });
  });

  it('events name every type that a camera has', () => {
    const event = entities([], false).get('fastsamd_line_3_belt_event')!;
    const types = eventSchema.options.map(({ shape }) => shape.type.value);
    expect(event).toMatchObject({ platform: 'event', event_types: types });
  });

  it("the picture is the camera's snapshot, and buttons and switches send requests that the node takes", () => {
    const all = entities([], true);
    expect(all.get('fastsamd_line_3_belt_picture')).toMatchObject({ platform: 'camera', topic: topics.snapshot('belt') });
    const commands = [...all.values()].filter(({ command_topic }) => command_topic !== undefined);
    expect(commands.map(({ platform }) => platform).sort()).toEqual(['button', 'switch']);
    for (const { command_topic, ...entity } of commands) {
      const schema = requestSchemas[topics.verbOf(String(command_topic)) as Verb];
      for (const key of ['payload_press', 'payload_on', 'payload_off']) {
        if (typeof entity[key] === 'string') expect(schema.safeParse(JSON.parse(entity[key])).success).toBe(true);
      }
    }
    // Without administrators\' requests a switch would do nothing.
    expect([...entities([], false).values()].some(({ platform }) => platform === 'switch')).toBe(false);
  });

  it('what tells of the node rather than of what it sees is in the category diagnostic', () => {
    const categories = [...entities(['station'], true)].flatMap(([key, { entity_category }]) =>
      entity_category ? [[key, entity_category]] : [],
    );
    expect(Object.fromEntries(categories)).toEqual({
      fastsamd_line_3_state: 'diagnostic',
      fastsamd_line_3_memory: 'diagnostic',
      fastsamd_line_3_belt_fps: 'diagnostic',
      fastsamd_line_3_belt_connected: 'diagnostic',
      fastsamd_line_3_belt_paused: 'config',
    });
  });
});
