import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: a script, without types
import { brokenIncludes } from '../../scripts/check-native-layers.mjs';
// @ts-expect-error: a script, without types
import { drawn } from '../../scripts/draw-floors.mjs';

describe('the floors', () => {
  it('are drawn in docs/architecture.md as the imports are (make generate)', async () => {
    const page = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    expect(page).toMatch(/^\d+ {2}main +→ cli /m);
    expect(drawn(page)).toBe(page);
  });
});

describe('docs/architecture.md', () => {
  it.each(['src', 'native'])('says what each folder of %s/ is', async (root) => {
    const page = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
    const entries = await readdir(new URL(`../../${root}`, import.meta.url), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => `${root}/${name}/`);
    const rows = page.split('\n').filter((line) => line.startsWith('| '));
    expect(folders.filter((folder) => !rows.some((row) => row.split('|')[1]!.includes(`\`${folder}\``)))).toEqual([]);
  });
});

describe('the layers of native/', () => {
  it.each([
    ['core/a.cc', '#include "capture/capture.h"', 'native/core/a.cc:1: core may not include capture'],
    ['capture/a.cc', '\n#include <napi.h>', "native/capture/a.cc:2: only binding may include Node's headers"],
    ['measure/a.h', '#include "eval/thin.h"', 'native/measure/a.h:1: measure may not include eval'],
    ['new/a.h', '', 'native/new/a.h: no rule for the folder new; add it to scripts/check-native-layers.mjs'],
  ])('refuse what %s includes', (path, text, message) => {
    expect(brokenIncludes([[path, text]])).toEqual([message]);
  });

  it('allow includes that point downward', () => {
    expect(brokenIncludes([['binding/a.cc', '#include <napi.h>\n#include "core/a.h"\n#include "binding/b.h"']])).toEqual([]);
  });
});
