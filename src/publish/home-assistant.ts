/**
 * Home Assistant's device discovery (home-assistant.io, MQTT, "Device discovery payload"): one retained message that
 * describes the node and what can be read of it.
 */
import type { InfoMessage } from '../wire/messages.js';
import type { Topics } from '../wire/topics.js';

/** The discovery payload of a node, for `<prefix>/device/<node>/config`. */
export function discoveryMessage(topics: Topics, { node, versions, cameras, model }: InfoMessage): object {
  const id = (what: string) => `fastsamd_${node}_${what}`.replaceAll('-', '_');
  const reading = (what: string, name: string, template: string, more: object = {}) => ({
    [id(what)]: { platform: 'sensor', unique_id: id(what), name, state_topic: topics.telemetry, value_template: template, ...more },
  });
  const ofCamera = (camera: string) => ({
    ...reading(`${camera}_fps`, `${camera} frame rate`, `{{ (value_json.cameras | selectattr('id', 'eq', '${camera}') | first).fpsOut }}`, {
      unit_of_measurement: 'fps',
      state_class: 'measurement',
    }),
    [id(`${camera}_connected`)]: {
      platform: 'binary_sensor',
      unique_id: id(`${camera}_connected`),
      name: `${camera} connected`,
      device_class: 'connectivity',
      state_topic: topics.cameraState(camera),
      value_template: "{{ 'ON' if value_json.state == 'streaming' else 'OFF' }}",
    },
    [id(`${camera}_event`)]: {
      platform: 'sensor',
      unique_id: id(`${camera}_event`),
      name: `${camera} last event`,
      state_topic: topics.event(camera),
      value_template: '{{ value_json.type }}',
      json_attributes_topic: topics.event(camera),
    },
  });
  return {
    dev: { ids: [id('node')], name: node, mf: 'fastsamd', mdl: model?.name ?? 'fastsamd', sw: versions.fastsamd },
    o: { name: 'fastsamd', sw: versions.fastsamd },
    availability_topic: topics.availability,
    cmps: {
      [id('state')]: {
        platform: 'sensor',
        unique_id: id('state'),
        name: 'State',
        state_topic: topics.state,
        value_template: '{{ value_json.state }}',
        json_attributes_topic: topics.state,
      },
      ...reading('memory', 'Memory', '{{ value_json.system.rssBytes }}', { device_class: 'data_size', unit_of_measurement: 'B' }),
      ...Object.assign({}, ...cameras.map((camera) => ofCamera(camera.id))),
    },
  };
}
