import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Tokenizer } from '../../src/engine/clip/tokenizer.js';
import { hasSharedClip, SHARED_CLIP, sharedFile } from '../helpers/shared-clip.js';

describe.skipIf(!hasSharedClip)('the CLIP tokenizer (../shared)', () => {
  it('gives the ids of the original on every text', { timeout: 120_000 }, async () => {
    const golden = JSON.parse(readFileSync(sharedFile('golden/clip-tokens.json'), 'utf8')) as { text: string; ids: number[] }[];
    const tokenizer = await Tokenizer.load(`${SHARED_CLIP}/tokenizer.json`);
    expect(golden.length).toBeGreaterThan(20);
    for (const { text, ids } of golden) expect({ text, ids: tokenizer.encode(text, 77, 0).ids }).toEqual({ text, ids });

    // What is too long keeps its end, and says how long it was.
    const long = tokenizer.encode('red '.repeat(100), 77, 0);
    expect(long.count).toBe(102);
    expect(long.ids).toEqual([49406, ...new Array(75).fill(736), 49407]);
  });
});

it('says so when there is no tokenizer, or none that can be read', async () => {
  await expect(Tokenizer.load('/nowhere/tokenizer.json')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  await expect(Tokenizer.load(new URL('../../package.json', import.meta.url).pathname)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
});
