/** What the parts of `make bench-track` hold against their goals, for the table at its end: lines of JSON in the file that GOALS names. */
import { appendFileSync, readFileSync } from 'node:fs';

const FILE = process.env.GOALS;

/**
 * Keeps a measured value and its goal, as they are printed. `what` begins with the number of the goal. `isReached`: undefined where the goal is about other data than what was measured.
 * Without GOALS nothing is kept.
 */
export function keepGoal(what, measured, goal, isReached) {
  if (FILE) appendFileSync(FILE, `${JSON.stringify({ what, measured, goal, isReached })}\n`);
}

/** The lines of the table, in the order of the goals' numbers. */
export function goalTable(file) {
  const rows = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .sort((a, b) => Number.parseInt(a.what, 10) - Number.parseInt(b.what, 10));
  const width = (key) => Math.max(...rows.map((row) => row[key].length)) + 2;
  const verdictOf = ({ isReached }) => (isReached === undefined ? 'other data' : isReached ? 'reached' : 'MISSED');
  return rows.map(
    (row) => `${row.what.padEnd(width('what'))}${row.measured.padEnd(width('measured'))}${row.goal.padEnd(width('goal'))}${verdictOf(row)}`,
  );
}
