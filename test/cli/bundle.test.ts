/** Most commands are tested in this process, from dist: here is that each of them also loads from the bundle. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const bundle = fileURLToPath(new URL('../../dist/bundle/', import.meta.url));
/** Begin to work as soon as they are loaded. */
const STARTED = /^(?:main|child|build-process|[a-z]+-worker)\.cjs$/;

it('every file of the bundle loads, without a warning', async () => {
  const files = readdirSync(bundle).filter((name) => name.endsWith('.cjs') && !STARTED.test(name));
  expect(files.length).toBeGreaterThan(50);
  const script = `for (const name of ${JSON.stringify(files)}) require(${JSON.stringify(bundle)} + name); process.exit()`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['-e', script]);
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});
