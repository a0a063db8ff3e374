/** How the addon was compiled and linked: what a fault in a decoder must not be able to use. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const addon = fileURLToPath(new URL('../../build/Release/fastsamd.node', import.meta.url));

function readelf(...options: string[]): string {
  return execFileSync('readelf', ['--wide', ...options, addon], { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 });
}

function hasReadelf(): boolean {
  try {
    execFileSync('readelf', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasReadelf())('the addon (needs readelf)', () => {
  it('binds its symbols at load, and makes their table and its stack safe', () => {
    const segments = readelf('--program-headers');
    expect(readelf('--dynamic')).toMatch(/\(FLAGS\).*BIND_NOW|\(BIND_NOW\)|\(FLAGS_1\).*NOW/);
    expect(segments).toMatch(/GNU_RELRO/);
    expect(/GNU_STACK.*/.exec(segments)?.[0]).toMatch(/ RW +0x/);
  });

  it('was compiled with stack protectors', () => {
    expect(readelf('--dyn-syms')).toContain('__stack_chk_fail');
  });
});
