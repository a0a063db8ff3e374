import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VERBS } from '../../src/contract/messages.js';
import { topicsOf } from '../../src/mqtt/topics.js';

const topics = topicsOf('fastsam/v1', 'line-3');

describe('topics', () => {
  it('are those of the contract', () => {
    expect(topics.state).toBe('fastsam/v1/line-3/state');
    expect(topics.result('belt')).toBe('fastsam/v1/line-3/cameras/belt/result');
    expect(topics.requests).toEqual(['fastsam/v1/line-3/request/#']);
    expect(topics.response('prompt/set')).toBe('fastsam/v1/line-3/response/prompt/set');
    expect(topics.relative(topics.result('belt'))).toBe('cameras/belt/result');
    expect(topics.relative('elsewhere/x')).toBe('elsewhere/x');
  });

  it.each(VERBS)('finds the verb %s in its request topic', (verb) => {
    expect(topics.verbOf(topics.request(verb))).toBe(verb);
  });

  it.each(['', '/', 'a//b', 'A', 'a/b/c/d/e', 'x'.repeat(33), 'prompt/set/', '../state', 'a b', '+', '#'])(
    'takes %j for no verb',
    (verb) => {
      expect(topics.verbOf(topics.request(verb))).toBeUndefined();
    },
  );

  it('finds a verb only below the own request topic, and only one that may be answered on the mirrored topic', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z0-9/+#-]{0,40}$/)), fc.boolean(), (text, below) => {
        const topic = below ? topics.request(text) : text;
        const verb = topics.verbOf(topic);
        if (verb === undefined) return;
        expect(topics.request(verb)).toBe(topic);
        expect(topics.response(verb)).toMatch(/^fastsam\/v1\/line-3\/response\/[a-z0-9-]+(\/[a-z0-9-]+)*$/);
      }),
    );
  });
});
