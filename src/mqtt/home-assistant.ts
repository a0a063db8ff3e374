/**
 * Home Assistant's device discovery (home-assistant.io, MQTT, "Device discovery payload"): one retained message that
 * describes the node and what can be read of it.
 */
import { eventSchema } from '../contract/event.js';
import type { InfoMessage } from '../contract/messages.js';
import type { Topics } from './topics.js';

/** What the entities of a node depend on, beside its topics. */
export interface Announced {
  readonly info: InfoMessage;
  /** Ids of what is in force on a camera; `followed`: the prompts that follow an object. */
  readonly ofCamera: (camera: string) => {
    readonly prompts: readonly string[];
    readonly followed: readonly string[];
    readonly lines: readonly string[];
    readonly zones: readonly string[];
  };
  /** Requests of administrators are on: cameras can be paused. */
  readonly admin: boolean;
}

const EVENT_TYPES = eventSchema.options.map(({ shape }) => shape.type.value);
const DIAGNOSTIC = { entity_category: 'diagnostic' };

/**
 * The discovery payload of a node, for `<prefix>/device/<node>/config`: per camera its rate, connection, events, last picture,
 * a button that takes one and a switch that pauses; per prompt whether it matches and how many objects do, and whether a followed one
 * sees its object; per line how many went in and out; per zone how many are inside.
 */
export function discoveryMessage(topics: Topics, { info, ofCamera: inForceOf, admin }: Announced): object {
  const { node, versions, cameras, model } = info;
  const id = (what: string) => `fastsamd_${node}_${what}`.replaceAll('-', '_');
  const entity = (platform: string, what: string, name: string, more: object) => ({
    [id(what)]: { platform, unique_id: id(what), name, ...more },
  });
  const reading = (what: string, name: string, template: string, more: object = {}) =>
    entity('sensor', what, name, { state_topic: topics.telemetry, value_template: template, ...more });
  const ofPrompt = (camera: string, prompt: string) => {
    const found = `(value_json.cameras | selectattr('id', 'eq', '${camera}') | first).prompts | selectattr('id', 'eq', '${prompt}') | first | default({})`;
    return {
      ...entity('binary_sensor', `${camera}_${prompt}_matched`, `${camera} ${prompt}`, {
        state_topic: topics.telemetry,
        value_template: `{% set p = ${found} %}{{ 'ON' if p.matched else 'OFF' if p.matched is false else 'None' }}`,
      }),
      ...reading(`${camera}_${prompt}_count`, `${camera} ${prompt} count`, `{% set p = ${found} %}{{ p.objects | default(0) }}`, {
        state_class: 'measurement',
      }),
    };
  };
  const ofFollowed = (camera: string, prompt: string) => {
    const found = `value_json.prompts | selectattr('id', 'eq', '${prompt}') | first | default({})`;
    return entity('binary_sensor', `${camera}_${prompt}_follows`, `${camera} ${prompt} in sight`, {
      state_topic: topics.follow(camera),
      value_template: `{% set p = ${found} %}{{ 'ON' if p.state == 'locked' else 'OFF' }}`,
      json_attributes_topic: topics.follow(camera),
      json_attributes_template: `{{ ${found} | to_json }}`,
    });
  };
  const ofLine = (camera: string, line: string) =>
    Object.assign(
      {},
      ...(['in', 'out'] as const).map((way) =>
        entity('sensor', `${camera}_${line}_${way}`, `${camera} ${line} ${way}`, {
          state_topic: topics.counts(camera),
          value_template: `{{ value_json.lines['${line}']['${way}'] | default(0) }}`,
          state_class: 'total_increasing',
        }),
      ),
    );
  const ofZone = (camera: string, zone: string) => {
    const inside = `value_json.zones['${zone}'].inside | default(0)`;
    return {
      ...entity('sensor', `${camera}_${zone}_inside`, `${camera} ${zone} inside`, {
        state_topic: topics.counts(camera),
        value_template: `{{ ${inside} }}`,
        state_class: 'measurement',
      }),
      ...entity('binary_sensor', `${camera}_${zone}_occupied`, `${camera} ${zone} occupied`, {
        device_class: 'occupancy',
        state_topic: topics.counts(camera),
        value_template: `{{ 'ON' if ${inside} > 0 else 'OFF' }}`,
      }),
    };
  };
  const ofCamera = (camera: string) => ({
    ...reading(`${camera}_fps`, `${camera} frame rate`, `{{ (value_json.cameras | selectattr('id', 'eq', '${camera}') | first).fpsOut }}`, {
      unit_of_measurement: 'fps',
      state_class: 'measurement',
      ...DIAGNOSTIC,
    }),
    ...entity('binary_sensor', `${camera}_connected`, `${camera} connected`, {
      device_class: 'connectivity',
      state_topic: topics.cameraState(camera),
      value_template: "{{ 'ON' if value_json.state == 'streaming' else 'OFF' }}",
      ...DIAGNOSTIC,
    }),
    ...entity('event', `${camera}_event`, `${camera} event`, {
      state_topic: topics.event(camera),
      event_types: EVENT_TYPES,
      value_template: '{{ dict(value_json, event_type=value_json.type) | to_json }}',
    }),
    ...entity('camera', `${camera}_picture`, `${camera} last picture`, { topic: topics.snapshot(camera) }),
    ...entity('button', `${camera}_take_picture`, `${camera} take a picture`, {
      command_topic: topics.request('read/snapshot'),
      payload_press: JSON.stringify({ camera }),
    }),
    ...(admin &&
      entity('switch', `${camera}_paused`, `${camera} paused`, {
        command_topic: topics.request('admin/camera-paused'),
        payload_on: JSON.stringify({ camera, paused: true }),
        payload_off: JSON.stringify({ camera, paused: false }),
        state_topic: topics.cameraState(camera),
        value_template: "{{ 'ON' if value_json.state == 'paused' else 'OFF' }}",
        state_on: 'ON',
        state_off: 'OFF',
        entity_category: 'config',
      })),
    ...Object.assign(
      {},
      ...inForceOf(camera).prompts.map((prompt) => ofPrompt(camera, prompt)),
      ...inForceOf(camera).followed.map((prompt) => ofFollowed(camera, prompt)),
      ...inForceOf(camera).lines.map((line) => ofLine(camera, line)),
      ...inForceOf(camera).zones.map((zone) => ofZone(camera, zone)),
    ),
  });
  return {
    dev: { ids: [id('node')], name: node, mf: 'fastsamd', mdl: model?.name ?? 'fastsamd', sw: versions.fastsamd },
    o: { name: 'fastsamd', sw: versions.fastsamd },
    availability_topic: topics.availability,
    cmps: {
      ...entity('sensor', 'state', 'State', {
        state_topic: topics.state,
        value_template: '{{ value_json.state }}',
        json_attributes_topic: topics.state,
        ...DIAGNOSTIC,
      }),
      ...reading('memory', 'Memory', '{{ value_json.system.rssBytes }}', {
        device_class: 'data_size',
        unit_of_measurement: 'B',
        ...DIAGNOSTIC,
      }),
      ...Object.assign({}, ...cameras.map((camera) => ofCamera(camera.id))),
    },
  };
}
