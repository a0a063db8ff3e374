/** `fastsamd eval diff`: what changed between two reports, and whether that is more than chance. */
import { compareReports, type Difference, readReport } from '../../eval/report.js';
import type { Command } from '../commands/command.js';
import { say } from '../terminal.js';

interface DiffArguments {
  readonly a: string;
  readonly b: string;
  readonly json: boolean;
}

export const diffCommand: Command<DiffArguments> = {
  builder: (yargs) =>
    yargs
      .positional('a', { type: 'string', demandOption: true, describe: 'Report of "eval … --out".' })
      .positional('b', { type: 'string', demandOption: true, describe: 'Another one on the same pictures.' })
      .option('json', { type: 'boolean', default: false, describe: 'Print the differences as JSON.' })
      .example('$0 eval diff fp32.json int8.json', 'what int8 costs'),
  async handler({ a, b, json }) {
    const [before, after] = [await readReport(a), await readReport(b)];
    const differences = compareReports(before, after);
    if (json) {
      say(JSON.stringify(differences));
      return;
    }
    say(`${before.model?.name ?? a} → ${after.model?.name ?? b}, ${before.data.pictures} pictures, in points of 100`);
    say(differences.map(line).join('\n'));
    if (differences.every(({ low }) => low === undefined))
      process.stdout.write('No intervals: the reports were made without --bootstrap, or with other --seed or --bootstrap.\n');
  },
};

/** `  segm/AP   32.4 → 32.0   −0.4 ± 0.3`. */
function line({ name, a, b, change, low, high }: Difference): string {
  const points = (value: number) => (100 * value).toFixed(1).padStart(5);
  const interval = low === undefined || high === undefined ? '' : ` ± ${(50 * (high - low)).toFixed(1)}`;
  const sign = change < 0 ? '−' : '+';
  const chance = low !== undefined && high !== undefined && low <= 0 && high >= 0 ? '  within chance' : '';
  return `  ${name.padEnd(14)} ${points(a)} → ${points(b)}   ${sign}${(100 * Math.abs(change)).toFixed(1)}${interval}${chance}`;
}
