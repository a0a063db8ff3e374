/** A process that is killed leaves no acknowledged trigger without a verdict. RECORD_KILLS=200 for more rounds. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { VerdictDatabase } from '../../src/record/verdict-database.js';

const CHILD = fileURLToPath(new URL('./killed-child.mjs', import.meta.url));
const ROUNDS = Number(process.env.RECORD_KILLS ?? 8);

/** Runs the child and kills it after so many lines; returns what it acknowledged. */
async function killedAfter(lines: number, file: string, round: number): Promise<[string, number][]> {
  const child = spawn(process.execPath, [CHILD, file, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const accepted: [string, number][] = [];
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, name, inspection] = line.split(' ');
    if (what === 'accepted') accepted.push([name!, Number(inspection)]);
    seen += 1;
    if (seen >= lines) child.kill('SIGKILL');
  }
  return accepted;
}

it('leaves no accepted trigger without a verdict, whenever it is killed', { timeout: 30_000 + ROUNDS * 10_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fastsamd-killed-'));
  const file = join(directory, 'verdicts.db');
  try {
    const accepted: [string, number][] = [];
    for (let round = 0; round < ROUNDS; round += 1) accepted.push(...(await killedAfter(1 + ((round * 7) % 12), file, round)));
    // The last run only decides what the one before has left.
    await killedAfter(1, file, ROUNDS);
    const database = new VerdictDatabase({ file, maxVerdicts: 1_000_000 });
    const pending = database.call('pending', null);
    for (const { inspection } of pending) expect(inspection).toBeGreaterThan(accepted.at(-1)![1]);
    expect(accepted.length).toBeGreaterThan(ROUNDS);
    expect(accepted.map(([, inspection]) => inspection)).toEqual([...accepted.map(([, inspection]) => inspection)].sort((a, b) => a - b));
    for (const [name, inspection] of accepted) {
      expect(database.call('accept', { camera: 'belt', trigger: name, type: 'mqtt', atMs: 0 })).toMatchObject({
        known: true,
        trigger: { inspection },
        verdict: { inspection },
      });
    }
    const numbers = database.call('verdicts', { limit: 1_000_000 }).map(({ verdict }) => verdict.inspection);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(Math.max(...numbers)).toBe(numbers.length);
    expect(database.call('verify', {}).problem).toBeUndefined();
    database.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
