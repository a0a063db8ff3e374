import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERDICTS, type Verdict } from '../../src/contract/inspection.js';
import { EvidenceRing, evidenceName, evidencePath, readEvidence } from '../../src/record/evidence-ring.js';

const AT = Date.parse('2027-01-15T08:00:00.000Z');
const PLENTY = () => 1e12;
const DAY_MS = 86_400_000;

let directory = '';
let folders = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'fastsamd-evidence-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function ringOf(maxBytes: number, free = PLENTY) {
  folders += 1;
  const folder = join(directory, String(folders));
  const open = () => {
    const ring = new EvidenceRing({ folder, maxBytes, maxAgeS: 10 * 86_400 }, free);
    ring.open();
    return ring;
  };
  return { folder, open, ring: open() };
}

let ids = 0;
function evidence(verdict: Verdict, bytes: number, atMs = AT, camera = 'belt') {
  ids += 1;
  const name = evidenceName(atMs, verdict, ids.toString(16).padStart(8, '0'));
  return { camera, name, verdict, atMs, pictures: { original: Buffer.alloc(bytes, ids % 256) } };
}

const namesIn = (folder: string, camera = 'belt') => (existsSync(join(folder, camera)) ? readdirSync(join(folder, camera)).sort() : []);

describe('EvidenceRing', () => {
  it('keeps pictures under a name that tells when, what and whose, and finds them again after a restart', () => {
    const { folder, ring, open } = ringOf(1000);
    const nok = { ...evidence('NOK', 100), pictures: { original: Buffer.alloc(100, 1), annotated: Buffer.alloc(50, 2) } };
    const written = ring.write(nok, AT);
    expect(written).toMatchObject([
      { kind: 'original', bytes: 100, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { kind: 'annotated', bytes: 50 },
    ]);
    expect(nok.name).toMatch(/^20270115T080000000Z-NOK-[0-9a-f]{8}$/);
    expect(readEvidence(evidencePath(folder, 'belt', nok.name, 'annotated')!)).toEqual(Buffer.alloc(50, 2));
    expect(open().bytes).toBe(150);
    expect(readEvidence(evidencePath(folder, 'belt', evidence('OK', 1).name, 'original')!)).toBeUndefined();
  });

  it('removes the oldest OK first, then UNSURE, then NOK, and nothing for a picture that does not fit even then', () => {
    const { folder, ring, open } = ringOf(400);
    const [nok, unsure, ok, later] = [
      evidence('NOK', 100, AT),
      evidence('UNSURE', 100, AT + 1),
      evidence('OK', 100, AT + 2),
      evidence('OK', 100, AT + 3),
    ];
    for (const each of [nok, unsure, ok, later]) ring.write(each, AT);
    const more = evidence('NOK', 100, AT + 4);
    // A restart changes nothing of the order.
    const again = open();
    expect(again.write(more, AT)).toHaveLength(1);
    expect(namesIn(folder)).toEqual([nok, unsure, later, more].map(({ name }) => `${name}.original.jpg`).sort());
    again.write(evidence('NOK', 100, AT + 5), AT);
    again.write(evidence('NOK', 100, AT + 6), AT);
    expect(again.bytes).toBe(400);
    expect(namesIn(folder).every((name) => name.includes('-NOK-'))).toBe(true);
    expect(again.write(evidence('OK', 100, AT + 7), AT)).toEqual([]);
    expect(again.write(evidence('NOK', 401, AT + 8), AT)).toEqual([]);
    expect(namesIn(folder)).toHaveLength(4);
    again.write(evidence('NOK', 300, AT + 9), AT);
    expect(again.bytes).toBe(400);
    expect(namesIn(folder)).not.toContain(`${nok.name}.original.jpg`);
  });

  it('never holds more than it may, and knows what it holds', () => {
    const write = fc.record({ verdict: fc.constantFrom(...VERDICTS), bytes: fc.integer({ min: 1, max: 400 }), restart: fc.boolean() });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 25 }), (writes) => {
        const { folder, ring, open } = ringOf(1000);
        let now: EvidenceRing = ring;
        for (const [k, { verdict, bytes, restart }] of writes.entries()) {
          now.write(evidence(verdict, bytes, AT + k), AT);
          if (restart) now = open();
          const sizes = namesIn(folder).map((name) => readFileSync(join(folder, 'belt', name)).length);
          expect(now.bytes).toBe(sizes.reduce((sum, size) => sum + size, 0));
          expect(now.bytes).toBeLessThanOrEqual(1000);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('removes what is too old, unless the time is not known for certain', () => {
    const { folder, ring } = ringOf(1000);
    ring.write(evidence('NOK', 10, AT), AT);
    ring.write(evidence('OK', 10, AT + 9 * DAY_MS), undefined);
    ring.write(evidence('OK', 10, AT + 400 * DAY_MS), undefined);
    expect(namesIn(folder)).toHaveLength(3);
    ring.removeOld(AT + 11 * DAY_MS);
    expect(namesIn(folder).map((name) => name.slice(0, 8))).toEqual(['20270124', '20280219']);
    expect(ring.bytes).toBe(20);
  });

  it('makes way when the disk fills, as far as that helps', () => {
    let free = 1e12;
    const { folder, ring } = ringOf(1000, () => free);
    for (const k of [0, 1, 2]) ring.write(evidence('OK', 100, AT + k), AT);
    free = 64 * 1024 * 1024 - 100;
    // 100 for itself and 100 that are missing.
    expect(ring.write(evidence('NOK', 100, AT + 3), AT)).toHaveLength(1);
    expect(namesIn(folder)).toHaveLength(2);
    free = 0;
    expect(ring.write(evidence('NOK', 100, AT + 4), AT)).toEqual([]);
    expect(namesIn(folder)).toHaveLength(2);
  });

  it('removes leftovers at its start, leaves files of others alone, and never writes through a link', () => {
    const { folder, open } = ringOf(1000);
    const camera = join(folder, 'belt');
    mkdirSync(camera);
    const { name } = evidence('OK', 1);
    writeFileSync(join(camera, `${name}.original.jpg.4711.part`), 'half');
    writeFileSync(join(camera, `${name}.original.jpg`), '');
    writeFileSync(join(camera, 'notes.txt'), 'mine');
    symlinkSync('/etc/hostname', join(camera, `${evidence('NOK', 1).name}.annotated.jpg`));
    const ring = open();
    expect(namesIn(folder)).toEqual(['notes.txt']);
    expect(ring.bytes).toBe(0);

    const outside = join(directory, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(folder, 'gate'));
    const written = evidence('NOK', 10, AT, 'gate');
    ring.write(written, AT);
    expect(readdirSync(outside)).toEqual([]);
    expect(namesIn(folder, 'gate')).toEqual([`${written.name}.original.jpg`]);
    symlinkSync('/etc/hostname', join(folder, 'gate', 'link'));
    expect(() => readEvidence(join(folder, 'gate', 'link'))).toThrow(/ELOOP/);
  });

  it('takes no name that leads elsewhere', () => {
    expect(evidencePath('/e', 'belt', '../../etc/passwd', 'original')).toBeUndefined();
    expect(evidencePath('/e', '..', evidence('OK', 1).name, 'original')).toBeUndefined();
  });

  it('says why a picture cannot be written, and keeps nothing of it', () => {
    const { folder, ring } = ringOf(1000);
    const given = evidence('NOK', 10);
    // A folder where the file belongs.
    mkdirSync(join(folder, 'belt', `${given.name}.original.jpg`), { recursive: true });
    expect(() => ring.write(given, AT)).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(ring.bytes).toBe(0);
    expect(ring.write(evidence('NOK', 10), AT)).toHaveLength(1);
  });
});
