import fc from 'fast-check';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { responseMessageSchema, VERBS } from '../../src/contract/messages.js';
import { Control } from '../../src/control/control.js';
import { FastsamError } from '../../src/errors.js';
import type { Publication } from '../../src/mqtt/publication.js';
import { Requests } from '../../src/mqtt/requests.js';
import { topicsOf } from '../../src/mqtt/topics.js';
import { PromptRegister } from '../../src/prompt/register.js';
import { ZoneRegister } from '../../src/zone/register.js';
import { NO_INSPECTION } from '../helpers/inspection.js';

/** 200,000 in the long version (make soak-mqtt). */
const RUNS = Number(process.env.MQTT_FUZZ ?? 5000);

const topics = topicsOf('fastsam/v1', 'line-3');

const unreachable = async () => {
  throw new FastsamError('REQUEST_INVALID', 'no camera');
};

function requestsWithRegister() {
  const responses: Publication[] = [];
  const register = new PromptRegister({ cameras: new Map([['belt', []]]), onApplied: () => undefined });
  register.take('belt', 640, 480);
  const zones = new ZoneRegister({
    cameras: new Map([['belt', { lines: [], zones: [], tracking: true }]]),
    onApplied: () => undefined,
    onCounts: () => undefined,
    onReset: () => undefined,
  });
  let now = 0;
  const control = new Control({
    node: 'line-3',
    maxRequestBytes: 65_536,
    prompts: register,
    zones,
    ping: () => ({ v: 1, bootId: '00000000-0000-4000-8000-000000000000', ts: '2026-01-01T00:00:00.000Z', state: 'ready' }),
    info: () => undefined,
    health: () => ({ health: null, alerts: {} }),
    cameras: { snapshot: unreachable, pause: unreachable, resume: unreachable, restart: unreachable, tracks: () => [] },
    frames: { try: unreachable },
    admin: { reloadConfig: unreachable, setLogLevel: () => undefined },
    inspection: NO_INSPECTION,
    publishSnapshot: () => '',
    publishEvidence: () => '',
    log: pino({ level: 'silent' }),
    // One request a second: never limited.
    now: () => (now += 1000),
  });
  const requests = new Requests({
    control,
    role: 'operator',
    topics,
    responsePrefix: 'fastsam/v1/clients/',
    respond: (publication) => void responses.push(publication),
    log: pino({ level: 'silent' }),
  });
  return { requests, register, responses };
}

/** Almost valid requests: the interesting errors lie close to what is right. */
const almost = fc.record(
  {
    id: fc.oneof(fc.stringMatching(/^[a-z0-9-]{1,64}$/), fc.anything()),
    camera: fc.oneof(fc.constant('belt'), fc.string(), fc.anything()),
    ifRevision: fc.oneof(fc.integer(), fc.double()),
    // Valid ones outlast the test: a revert would look like a change that nobody asked for.
    ttlS: fc.oneof(fc.integer({ min: 10_000 }), fc.double({ max: 0 })),
    ids: fc.oneof(fc.array(fc.constantFrom('p1', 'p2', 'none')), fc.anything()),
    prompts: fc.oneof(
      fc.anything(),
      fc.array(
        fc.oneof(
          fc.record({
            type: fc.constantFrom('box', 'points', 'everything', 'text'),
            box: fc.array(fc.double()),
            points: fc.array(fc.array(fc.integer())),
          }),
          fc.record({
            type: fc.constant('box'),
            box: fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()),
            space: fc.constantFrom('pixel', 'normalized', 'x'),
          }),
          fc.anything(),
        ),
        { maxLength: 5 },
      ),
    ),
  },
  { requiredKeys: [] },
);

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  almost.map((value) => Buffer.from(JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part)) ?? '')),
  fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', ':', ',', '\\', '1', 'e') }).map((text) => Buffer.from(text)),
);

const topic = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VERBS).map((verb) => topics.request(verb)) },
  // What may change prompts.
  { weight: 2, arbitrary: fc.constantFrom(...VERBS.filter((verb) => verb.startsWith('prompt/'))).map((verb) => topics.request(verb)) },
  fc.string().map((verb) => topics.request(verb)),
  fc.string(),
);

/** Most requests are not retained. */
const retained = fc.nat(9).map((k) => k === 0);

describe('request fuzz', () => {
  it(
    'answers or counts every request once, with a valid response, and lets no invalid one change prompts',
    async () => {
      const { requests, register, responses } = requestsWithRegister();
      let handled = 0;
      await fc.assert(
        fc.asyncProperty(topic, payload, retained, async (name, bytes, retain) => {
          const before = register.get({})[0]!;
          responses.length = 0;
          const done = requests.handle({ topic: name, payload: bytes, retain });
          // The frame boundary that an accepted change waits for.
          await new Promise(setImmediate);
          register.take('belt', 640, 480);
          await done;
          handled += 1;

          const { answered, failed, ignored } = requests.counts;
          expect(answered + failed + ignored).toBe(handled);
          expect(responses.length).toBeLessThanOrEqual(1);
          const [response] = responses;
          if (response) responseMessageSchema.parse(JSON.parse(String(response.payload)));
          const status = response && JSON.parse(String(response.payload)).status;
          if (status !== 'ok') expect(register.get({})[0]).toEqual(before);
        }),
        { numRuns: RUNS, seed: 20_260_101 },
      );
      expect(requests.counts.answered).toBeGreaterThan(50);
      expect(requests.counts.failed).toBeGreaterThan(1000);
    },
    60_000 + RUNS * 20,
  );
});
