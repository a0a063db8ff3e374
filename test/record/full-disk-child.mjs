// On a small disk: records verdicts, fills the disk, goes on, makes room again, and says what became of each.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EvidenceRing, evidenceName } from '../../dist/record/evidence-ring.js';
import { VerdictRecord } from '../../dist/record/record.js';

const [, , folder] = process.argv;
const record = await VerdictRecord.open({ file: join(folder, 'verdicts.db'), maxVerdicts: 1_000_000 }, () => undefined);
const said = { before: 0, failed: '', after: 0, numbers: [], pending: 0, picturesWhileFull: -1, picturesAfter: -1 };
const one = async (name) => {
  const { trigger } = await record.call('accept', { camera: 'belt', trigger: name, type: 'mqtt', part: 'x'.repeat(100), atMs: Date.now() });
  await record.call('decide', {
    camera: 'belt',
    ts: new Date().toISOString(),
    eventId: `00000000-0000-4000-8000-${String(trigger.inspection).padStart(12, '0')}`,
    verdict: { inspection: trigger.inspection, verdict: 'OK', reasons: [], recipe: null, checks: [] },
  });
};
const now = Date.now();
// The reserve of 64 MB is larger than this disk: how much is free is asked of a disk that has that much more.
const { statfsSync } = await import('node:fs');
const ring = new EvidenceRing({ folder: join(folder, 'evidence'), maxBytes: 1e9, maxAgeS: 86_400 }, () => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize + 64 * 1024 * 1024;
});
ring.open();
const picture = (k) => ({
  camera: 'belt',
  name: evidenceName(now + k, 'NOK', `0000000${k}`),
  verdict: 'NOK',
  atMs: now + k,
  pictures: { original: Buffer.alloc(20_000) },
});

for (; said.before < 20; said.before += 1) await one(`before-${said.before}`);
const filler = join(folder, 'filler');
const descriptor = openSync(filler, 'w');
try {
  for (;;) writeSync(descriptor, Buffer.alloc(4096));
} catch {
  closeSync(descriptor);
}
said.picturesWhileFull = ring.write(picture(1), now).length;
// The write-ahead log may have room left for a few.
try {
  for (let k = 0; ; k += 1) await one(`full-${k}`);
} catch (error) {
  said.failed = error.code;
}
rmSync(filler);
for (; said.after < 20; said.after += 1) await one(`after-${said.after}`);
said.picturesAfter = ring.write(picture(2), now).length;
said.numbers = (await record.call('verdicts', { camera: 'belt', limit: 1_000_000 })).map(({ verdict }) => verdict.inspection);
said.pending = (await record.call('pending', null)).length;
said.problem = (await record.call('verify', {})).problem;
await record.close();
process.stdout.write(JSON.stringify(said));
