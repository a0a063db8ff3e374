/** The Debian package in a root of its own; `make check-deb`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { writeTestModel } from '../helpers/onnx-model.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

it.skipIf(!process.env.CHECK_DEB)('installs, runs and removes (make check-deb)', { timeout: 1_800_000 }, async () => {
  execFileSync('scripts/deb.sh', { cwd: root, stdio: 'inherit' });
  const [file] = readdirSync(join(root, 'build')).filter((name) => name.endsWith('.deb'));
  const folder = mkdtempSync(join(tmpdir(), 'fastsamd-deb-'));
  try {
    const model = await writeTestModel(join(folder, 'small.onnx'), { width: 64, height: 64 });
    const output = execFileSync('scripts/check-deb.sh', [join('build', file!), model], { cwd: root, encoding: 'utf8' });
    process.stdout.write(output);
    expect(output).toMatch(/installed, ran, removed and purged/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
