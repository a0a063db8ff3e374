/** The example flow for Node-RED says what this version of the contract takes and sends. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { VERDICTS } from '../../src/contract/inspection.js';
import { requestSchemas } from '../../src/contract/request.js';
import { topicsOf } from '../../src/mqtt/topics.js';

interface Node {
  readonly id: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

const flow = JSON.parse(readFileSync(new URL('../../docs/examples/node-red-inspection.json', import.meta.url), 'utf8')) as Node[];
const node = (id: string) => flow.find((each) => each.id === id)!;

it('triggers by a request that is taken, at its topic, and listens to the events of the camera', () => {
  const topics = topicsOf('fastsam/v1', 'line-3');
  expect(node('fsd-trigger').topic).toBe(topics.request('inspect/trigger'));
  expect(node('fsd-events').topic).toBe(topics.event('station-2'));
  const request = requestSchemas['inspect/trigger'].safeParse(JSON.parse(node('fsd-part').payload as string));
  expect(request.error).toBeUndefined();
});

it('is wired whole, and sorts by the verdicts there are', () => {
  const ids = new Set(flow.map(({ id }) => id));
  expect(ids.size).toBe(flow.length);
  for (const { wires = [], broker, type } of flow) {
    for (const target of (wires as string[][]).flat()) expect(ids).toContain(target);
    if (type.startsWith('mqtt ')) expect(ids).toContain(broker);
  }
  const rules = node('fsd-by-verdict').rules as { v?: string }[];
  for (const { v } of rules) if (v !== undefined) expect(VERDICTS).toContain(v);
  expect(rules).toHaveLength(VERDICTS.length);
});
