import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: a script, without types
import { listed } from '../../scripts/list-contract.mjs';
import { VERBS } from '../../src/contract/messages.js';

describe('docs/mqtt.md', async () => {
  const page = await readFile(new URL('../../docs/mqtt.md', import.meta.url), 'utf8');

  it('lists states and events as the schemas have them (make generate)', () => {
    expect(page).toContain('| `governor-step` | `direction`, `level`, `setting`, `reason` |');
    expect(listed(page)).toBe(page);
  });

  it.each(VERBS)('says what %s does', (verb) => {
    expect(page).toMatch(new RegExp(`^\\|.*\`${verb}\`.*\\|.*\\|.*\\|$`, 'm'));
  });
});
