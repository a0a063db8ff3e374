import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/mqtt/outbox.js';
import type { Publication } from '../../src/mqtt/publication.js';

const message = (topic: string, payload = ''): Publication => ({ topic, payload, qos: 1, retain: false });
const outbox = () => new Outbox({ lastTopic: 'state', nameOf: (topic) => topic });

function drain(take: () => Publication | undefined): string[] {
  const taken: string[] = [];
  for (let next = take(); next; next = take()) taken.push(`${next.topic}=${next.payload}`);
  return taken;
}

describe('outbox', () => {
  it('sends the newest state of each topic, the last topic last, and all of it again on every connection', () => {
    const box = outbox();
    box.putState(message('state', 'init'));
    box.putState(message('info', '1'));
    box.putState(message('state', 'ready'));
    expect(drain(() => box.takeReliable())).toEqual(['info=1', 'state=ready']);
    expect(drain(() => box.takeReliable())).toEqual([]);
    box.goOffline();
    box.putState(message('state', 'degraded'));
    box.goOnline();
    expect(drain(() => box.takeReliable())).toEqual(['info=1', 'state=degraded']);
    expect(box.dropped).toEqual({});
  });

  it('keeps the newest sample per topic and counts the others', () => {
    const box = outbox();
    box.putSample(message('result', 'offline'));
    box.goOnline();
    for (const payload of ['1', '2', '3']) box.putSample(message('result', payload));
    box.putSample(message('telemetry', 't'));
    expect(drain(() => box.takeSample())).toEqual(['result=3', 'telemetry=t']);
    expect(box.dropped).toEqual({ result: 3 });
  });

  it('drops and counts samples and responses with the connection', () => {
    const box = outbox();
    box.goOnline();
    box.putSample(message('result'));
    box.putResponse(message('response/a'));
    box.goOffline();
    box.putResponse(message('response/a'));
    expect(box.queued).toBe(0);
    expect(box.dropped).toEqual({ result: 1, 'response/a': 2 });
  });

  it('accounts for every message and keeps its bounds, in any order of events', () => {
    const event = fc.oneof(
      fc.record({ do: fc.constantFrom('sample', 'response'), topic: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ do: fc.constantFrom('online', 'offline', 'take'), topic: fc.constant('') }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 1000 }), (events) => {
        const box = outbox();
        let put = 0;
        let taken = 0;
        for (const { do: what, topic } of events) {
          if (what === 'online') box.goOnline();
          if (what === 'offline') box.goOffline();
          if (what === 'take') taken += [box.takeReliable(), box.takeSample()].filter((next) => next !== undefined).length;
          if (what === 'sample') box.putSample(message(topic));
          if (what === 'response') box.putResponse(message(topic));
          if (topic !== '') put += 1;
          const dropped = Object.values(box.dropped).reduce((sum, count) => sum + count, 0);
          expect(taken + dropped + box.queued).toBe(put);
          expect(box.queued).toBeLessThanOrEqual(3 + 256);
        }
      }),
    );
  });
});
