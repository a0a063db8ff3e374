// Accepts and decides triggers until it is killed, and says on standard output what it has acknowledged.
import { writeSync } from 'node:fs';
import { VerdictRecord } from '../../dist/record/record.js';

const [, , file, round] = process.argv;
const say = (line) => writeSync(1, `${line}\n`);
const verdict = (camera, inspection, code) => ({
  camera,
  ts: new Date().toISOString(),
  eventId: `00000000-0000-4000-8000-${String(inspection).padStart(12, '0')}`,
  verdict: { inspection, verdict: code ? 'UNSURE' : 'OK', reasons: code ? [code] : [], recipe: null, checks: [] },
});
const record = await VerdictRecord.open({ file, maxVerdicts: 1_000_000 });
for (const { camera, inspection } of await record.call('pending', null))
  await record.call('decide', verdict(camera, inspection, 'INTERRUPTED'));
say('ready');
for (let k = 0; ; k += 1) {
  const name = `${round}-${k}`;
  const { trigger } = await record.call('accept', { camera: 'belt', trigger: name, type: 'mqtt', atMs: Date.now() });
  say(`accepted ${name} ${trigger.inspection}`);
  // Every third waits for its frame longer than this process lives.
  if (k % 3 !== 2) await record.call('decide', verdict('belt', trigger.inspection));
}
