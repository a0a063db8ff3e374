import { expect, it } from 'vitest';
import { diffConfig } from '../../src/config/diff.js';
import { parseConfig } from '../../src/config/load.js';

function config(rest: string, cameras = '[{ id: a, source: x }, { id: b, source: y }]') {
  return parseConfig(`model: { path: m }\nnode: n\ncameras: ${cameras}\n${rest}`, 'c.yaml');
}

it.each([
  ['nothing', config('segmentation: { conf: 0.4 }'), [], []],
  ['segmentation', config('segmentation: { conf: 0.5, snapToBorder: 8 }'), ['segmentation.conf', 'segmentation.snapToBorder'], []],
  ['log and telemetry', config('log: { level: debug }\ntelemetry: { intervalMs: 1000 }'), ['telemetry.intervalMs', 'log.level'], []],
  ['prompts', config('', '[{ id: a, source: x }, { id: b, source: y, prompts: [{ type: everything }] }]'), ['cameras[b].prompts'], []],
  [
    'publish',
    config('', '[{ id: a, source: x, publish: { maskEncoding: png } }, { id: b, source: y }]'),
    ['cameras[a].publish.maskEncoding'],
    [],
  ],
  ['a source', config('', '[{ id: a, source: z }, { id: b, source: y }]'), ['cameras[a].source'], []],
  ['a new optional key', config('', '[{ id: a, source: x, fps: 5 }, { id: b, source: y }]'), ['cameras[a].fps'], []],
  ['a camera more', config('', '[{ id: a, source: x }, { id: b, source: y }, { id: c, source: z }]'), ['cameras[c]'], []],
  ['the order of cameras', config('', '[{ id: b, source: y }, { id: a, source: x }]'), [], []],
  ['another camera', config('', '[{ id: a, source: x }, { id: c, source: y }]'), ['cameras[b]', 'cameras[c]'], []],
  ['the broker', config('mqtt: { url: "mqtt://h", tls: { caFile: c } }'), [], ['mqtt.url', 'mqtt.tls.caFile']],
  ['both kinds', config('mqtt: { prefix: p }\nlog: { level: warn }'), ['log.level'], ['mqtt.prefix']],
])('%s changed', (_, after, live, restart) => {
  expect(diffConfig(config(''), after)).toEqual({ live, restart });
});
