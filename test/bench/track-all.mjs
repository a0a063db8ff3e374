/** `make bench-track`: every part in turn, then what was measured beside the goals in one table. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goalTable } from './goals.mjs';

const PARTS = ['track', 'conveyor', 'davis', 'follow', 'track-cost', 'track-memory'];
const folder = mkdtempSync(join(tmpdir(), 'fastsamd-bench-track-'));
try {
  const goals = join(folder, 'goals.jsonl');
  writeFileSync(goals, '');
  const failed = PARTS.filter((part) => {
    process.stdout.write(`\n== ${part}\n`);
    const script = new URL(`${part}.mjs`, import.meta.url).pathname;
    return spawnSync(process.execPath, [script], { stdio: 'inherit', env: { ...process.env, GOALS: goals } }).status !== 0;
  });
  process.stdout.write(`\n== measured, goal\n${goalTable(goals).join('\n')}\n`);
  if (failed.length > 0) process.stdout.write(`bench-track: failed: ${failed.join(', ')}\n`);
  process.exitCode = failed.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
