/** What every task of `fastsamd eval` offers besides its own options: intervals, reports, tables, pictures. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory, writeDurably } from '../../durable.js';
import type { SegmentationEngine } from '../../engine/engine.js';
import { FastsamError, messageOf } from '../../errors.js';
import { drawPictures, middle95 } from '../../eval/bootstrap.js';
import type { Report } from '../../eval/report.js';
import { sha256OfFile } from '../../model/checksum.js';
import { defaultModel, resolveModel } from '../../model/installed.js';
import { demandRange } from '../model-options.js';
import { say } from '../terminal.js';

export const reportOptions = {
  bootstrap: { type: 'number', default: 1000, describe: 'Draws for the 95 % intervals over pictures; 0: none.' },
  seed: { type: 'number', default: 1, describe: 'Of the draws. Reports with equal seeds compare draw by draw.' },
  out: { type: 'string', requiresArg: true, describe: 'Write a report (JSON) that "eval diff" compares.' },
  'per-image': { type: 'string', requiresArg: true, describe: 'Write the figures of each picture (CSV).' },
  json: { type: 'boolean', default: false, describe: 'Print the report as JSON, and nothing else, on stdout.' },
} as const;

/** Of tasks that have pictures to draw. */
export const worstOptions = {
  ...reportOptions,
  out: {
    ...reportOptions.out,
    describe: 'Write a report (JSON) that "eval diff" compares; with --worst a folder for it (report.json) and the pictures.',
  },
  worst: { type: 'number', default: 0, describe: 'Draw this many pictures on which the model does worst, into the folder of --out.' },
} as const;

export interface ReportArguments {
  readonly bootstrap: number;
  readonly seed: number;
  readonly out?: string | undefined;
  readonly 'per-image'?: string | undefined;
  readonly json: boolean;
  readonly worst?: number | undefined;
}

/** Errors: USAGE. */
export function checkReportOptions(args: ReportArguments): void {
  demandRange('--bootstrap', args.bootstrap, 0, 100_000, true);
  if (args.bootstrap > 0 && args.bootstrap < 20) throw new FastsamError('USAGE', '--bootstrap: an interval takes at least 20 draws');
  demandRange('--seed', args.seed, 0, 2 ** 31 - 1, true);
  if (args.worst !== undefined) demandRange('--worst', args.worst, 0, 1000, true);
}

/** With --worst, `--out` is a folder, unless it has the ending of a report. */
function isFolder({ out, worst = 0 }: ReportArguments): boolean {
  return out !== undefined && worst > 0 && !/\.json$/i.test(out);
}

function reportPath(args: ReportArguments): string | undefined {
  return isFolder(args) ? join(args.out!, 'report.json') : args.out;
}

/** The folder for pictures of the worst cases. */
export function worstFolder(args: ReportArguments): string {
  return isFolder(args) ? args.out! : 'worst';
}

/** What all reports begin with; `data.sha256` is the digest of the ground truth. */
export function reportHead(task: string, data: Report['data']): Pick<Report, 'v' | 'task' | 'createdAt' | 'fastsamd' | 'data'> {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string };
  return {
    v: 1,
    task,
    createdAt: new Date().toISOString(),
    fastsamd: version,
    data,
  };
}

/** The model of a report, with the digest of its file. `engine`: of the model `named`, or the default one. */
export async function reportModel(engine: SegmentationEngine, named: string | undefined): Promise<NonNullable<Report['model']>> {
  const { name, backend, inputWidth, inputHeight } = engine.model;
  return {
    name,
    sha256: await sha256OfFile(await resolveModel(named ?? (await defaultModel()))),
    backend,
    input: [inputWidth, inputHeight],
  };
}

/** Prints the report, or its lines, and writes the files that were asked for, each whole or not at all. */
export async function deliverReport(args: ReportArguments, report: Report, lines: readonly string[], table: () => string): Promise<void> {
  const out = reportPath(args);
  if (out !== undefined) {
    if (isFolder(args)) await makeFolder(dirname(out));
    await writeFileWhole(out, `${JSON.stringify(report)}\n`);
  }
  if (args['per-image'] !== undefined) await writeFileWhole(args['per-image'], table());
  if (args.json) {
    say(JSON.stringify({ ...report, figures: report.figures.map(({ draws: _, ...figure }) => figure) }));
    return;
  }
  say(lines.join('\n'));
  for (const path of [out, args['per-image']]) if (path !== undefined) say(`wrote ${path}`);
}

/** `name 0.324 (0.291 … 0.360)` for each figure that has an interval. */
export function intervalLines(report: Report): string[] {
  return report.figures.map(({ name, value, low, high }) => {
    const interval = low === undefined || high === undefined ? '' : `  (95 %: ${low.toFixed(3)} … ${high.toFixed(3)})`;
    return `  ${name.padEnd(14)} ${value < 0 ? '  –  ' : value.toFixed(4)}${interval}`;
  });
}

/** Errors: OUTPUT_UNWRITABLE. */
export async function makeFolder(path: string): Promise<void> {
  await makeDirectory(path).catch((cause) => {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be made: ${messageOf(cause)}`, { cause });
  });
}

/** Errors: OUTPUT_UNWRITABLE; then nothing is left behind. */
export async function writeFileWhole(path: string, content: string): Promise<void> {
  try {
    await writeDurably(path, content);
  } catch (cause) {
    throw new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** The figures of all pictures, with intervals from drawing the pictures again. */
export function withIntervals<T>(
  { bootstrap, seed }: ReportArguments,
  pictures: readonly T[],
  figuresOf: (chosen: readonly T[]) => Readonly<Record<string, number>>,
): Pick<Report, 'figures' | 'bootstrap'> {
  const values = figuresOf(pictures);
  const draws = Array.from({ length: bootstrap }, (_, draw) => {
    const weights = drawPictures(pictures.length, seed, draw);
    return figuresOf(pictures.flatMap((picture, k) => Array.from({ length: weights[k]! }, () => picture)));
  });
  const figures = Object.entries(values).map(([name, value]) => {
    const drawn = draws.map((own) => Math.round((own[name] ?? 0) * 1e6) / 1e6);
    return { name, value, ...(bootstrap > 0 ? { ...middle95(drawn), draws: drawn } : {}) };
  });
  return { figures, ...(bootstrap > 0 ? { bootstrap: { draws: bootstrap, seed } } : {}) };
}
