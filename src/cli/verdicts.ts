/** `fastsamd verdicts list | show | export | verify`: the record of a node, also while it runs. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig } from '../config/load.js';
import type { Verdict } from '../contract/inspection.js';
import { stateDirectoryOf, stateFilesIn } from '../daemon/state-directory.js';
import { writeDurably } from '../durable.js';
import { checkText } from '../encode/verdict-overlay.js';
import { FastsamError, messageOf } from '../errors.js';
import { evidencePath, readEvidence } from '../record/evidence-ring.js';
import type { StoredPicture, StoredVerdict } from '../record/protocol.js';
import { VerdictDatabase } from '../record/verdict-database.js';
import { csvLine } from './csv.js';
import { writeLine } from './leaving.js';
import { type ParquetCell, type ParquetColumn, writeParquet } from './parquet.js';
import { writeOutput } from './picture-file.js';
import { tell } from './terminal.js';

export interface RecordArguments {
  readonly config?: string | undefined;
  readonly file?: string | undefined;
}

export interface ListArguments extends RecordArguments {
  readonly camera?: string | undefined;
  readonly part?: string | undefined;
  readonly verdict?: Verdict | undefined;
  readonly since?: string | undefined;
  readonly limit: number;
}

export interface ShowArguments extends RecordArguments {
  readonly camera: string;
  readonly inspection: number;
  readonly pictures?: string | undefined;
}

export interface ExportArguments extends Omit<ListArguments, 'limit'> {
  readonly format: 'csv' | 'ndjson' | 'parquet';
  readonly out?: string | undefined;
}

/** Rows that are read at once. */
const PAGE = 500;

export async function listVerdicts(args: ListArguments): Promise<void> {
  await withRecord(args, async (record) => {
    const rows = record.call('verdicts', { ...filterOf(args), limit: args.limit });
    if (rows.length === 0) await writeLine('no verdicts');
    for (const { camera, ts, verdict } of rows) {
      const { inspection, part = '–', recipe, reasons } = verdict;
      const by = recipe ? `${recipe.id} r${recipe.revision}` : '–';
      await writeLine([ts, camera, `#${inspection}`, verdict.verdict.padEnd(6), part, by, ...reasons].join('  '));
    }
  });
}

export async function showVerdict(args: ShowArguments): Promise<void> {
  await withRecord(args, async (record, evidence) => {
    const [found] = record.call('verdicts', { camera: args.camera, before: args.inspection + 1, limit: 1 });
    if (found?.verdict.inspection !== args.inspection) {
      throw new FastsamError('SOURCE_NOT_FOUND', `no inspection ${args.inspection} of camera "${args.camera}" in the record`);
    }
    const { camera, ts, verdict, hash } = found;
    const { inspection, part, recipe, trigger, reasons, checks, latencyMs } = verdict;
    await writeLine(`${verdict.verdict} ${reasons.join(' ')}`.trim());
    await writeLine(`inspection ${inspection} of ${camera}, ${ts}${part === undefined ? '' : `, part ${part}`}`);
    if (recipe) await writeLine(`recipe ${recipe.id}, revision ${recipe.revision}, sha256 ${recipe.sha256}`);
    await writeLine(`trigger ${trigger.id} (${trigger.type}) at ${trigger.at}; decided after ${latencyMs.total} ms`);
    for (const check of checks) await writeLine(`  ${check.result.padEnd(6)} ${checkText(check)}`);
    if (verdict.evidence !== undefined) await writeLine(`pictures ${verdict.evidence}`);
    await writeLine(`hash ${hash}`);
    if (args.pictures !== undefined) await savePictures(args.pictures, record.call('pictures', args), found, evidence);
  });
}

/** Copies the pictures that are kept. Errors: SOURCE_NOT_FOUND for a verdict without, OUTPUT_UNWRITABLE. */
async function savePictures(
  folder: string,
  pictures: readonly StoredPicture[],
  { camera, verdict: { inspection, evidence: name } }: StoredVerdict,
  evidence: string,
): Promise<void> {
  const kept = pictures.flatMap(({ kind }) => {
    const path = name === undefined ? undefined : evidencePath(evidence, camera, name, kind);
    const jpeg = path === undefined ? undefined : readEvidence(path);
    return jpeg ? [{ kind, jpeg }] : [];
  });
  if (kept.length === 0) {
    const reason = name === undefined ? 'none was kept' : 'they were removed to make room, or never written';
    throw new FastsamError('SOURCE_NOT_FOUND', `no pictures of inspection ${inspection} of camera "${camera}": ${reason}`);
  }
  for (const { kind, jpeg } of kept) {
    const path = join(folder, `${camera}-${inspection}-${kind}.jpg`);
    await writeOutput(path, () => writeDurably(path, jpeg));
    tell(`fastsamd: wrote ${path}`);
  }
}

/** One line per check as CSV and Parquet, one per verdict as NDJSON; the oldest first. */
export async function exportVerdicts(args: ExportArguments): Promise<void> {
  const { format, out } = args;
  if ((format === 'parquet') !== (out !== undefined))
    throw new FastsamError('USAGE', '--format parquet needs --out FILE, and nothing else has it');
  await withRecord(args, async (record) => {
    if (out !== undefined) {
      await writeOutput(out, () => writeParquet(out, COLUMNS, checksOf(exported(record, args))));
      tell(`fastsamd: wrote ${out}`);
      return;
    }
    if (format === 'csv') await writeLine(csvLine(COLUMNS.map(({ name }) => name)));
    for (const row of exported(record, args)) {
      if (format === 'ndjson')
        await writeLine(JSON.stringify({ camera: row.camera, ts: row.ts, eventId: row.eventId, ...row.verdict, hash: row.hash }));
      else for (const cells of checksOf([row])) await writeLine(csvLine(cells));
    }
  });
}

function* exported(record: VerdictDatabase, args: ExportArguments): Iterable<StoredVerdict> {
  for (let afterSeq = 0; ; ) {
    const rows = record.call('verdicts', { ...filterOf(args), afterSeq, limit: PAGE });
    yield* rows;
    if (rows.length < PAGE) return;
    afterSeq = rows.at(-1)!.seq;
  }
}

/** Exit code 1 when something was removed or changed. */
export async function verifyRecord(args: RecordArguments): Promise<void> {
  await withRecord(args, async (record, evidence) => {
    const { verdicts, pictures, problem } = record.call('verify', { evidence });
    const what = pictures > 0 ? `${verdicts} verdicts and ${pictures} pictures` : `${verdicts} verdicts`;
    await writeLine(problem === undefined ? `ok: ${what}, nothing removed or changed` : `NOT OK: ${problem}`);
    if (problem !== undefined) process.exitCode = 1;
  });
}

const COLUMNS: readonly ParquetColumn[] = [
  { name: 'ts', type: 'time' },
  { name: 'camera', type: 'text' },
  { name: 'inspection', type: 'integer' },
  { name: 'verdict', type: 'text' },
  { name: 'reasons', type: 'text' },
  { name: 'part', type: 'text' },
  { name: 'meas', type: 'text' },
  { name: 'product', type: 'text' },
  { name: 'recipe', type: 'text' },
  { name: 'revision', type: 'integer' },
  { name: 'check', type: 'text' },
  { name: 'value', type: 'number' },
  { name: 'uncertainty', type: 'number' },
  { name: 'unit', type: 'text' },
  { name: 'lsl', type: 'number' },
  { name: 'usl', type: 'number' },
  { name: 'result', type: 'text' },
  { name: 'code', type: 'text' },
];

/** A row of cells per check; one without a check for a verdict that has none. */
function* checksOf(verdicts: Iterable<StoredVerdict>): Iterable<ParquetCell[]> {
  for (const { ts, camera, verdict } of verdicts) {
    const { inspection, reasons, part, meas, product, recipe, checks } = verdict;
    const head = [ts, camera, inspection, verdict.verdict, reasons.join(' '), part, meas, product, recipe?.id, recipe?.revision];
    if (checks.length === 0) yield [...head, ...Array(COLUMNS.length - head.length).fill(undefined)];
    for (const { id, value, uncertainty, unit, lsl, usl, result, code } of checks)
      yield [...head, id, value, uncertainty, unit, lsl, usl, result, code];
  }
}

function filterOf({ camera, part, verdict, since }: Omit<ListArguments, 'limit'>) {
  const sinceMs = since === undefined ? undefined : Date.parse(since);
  if (Number.isNaN(sinceMs)) throw new FastsamError('USAGE', `--since ${since}: expected a date, as 2027-01-31 or 2027-01-31T08:00:00Z`);
  return { camera, part, verdict, sinceMs };
}

/** `evidence`: the folder of the pictures, beside the record. */
async function withRecord(args: RecordArguments, use: (record: VerdictDatabase, evidence: string) => Promise<void>): Promise<void> {
  const file =
    args.file ?? (args.config === undefined ? undefined : stateFilesIn(stateDirectoryOf(await loadConfig(args.config))).verdicts);
  if (file === undefined) throw new FastsamError('USAGE', 'expected --config FILE of the node, or --file verdicts.db');
  if (!existsSync(file)) throw new FastsamError('SOURCE_NOT_FOUND', `${file}: no such file; expected the record of a node that inspects`);
  let record: VerdictDatabase;
  try {
    record = new VerdictDatabase({ file, maxVerdicts: Number.MAX_SAFE_INTEGER }, { readonly: true });
    record.call('verdicts', { limit: 1 });
  } catch (cause) {
    throw new FastsamError('SOURCE_CORRUPT', `${file}: cannot be read as a record of verdicts: ${messageOf(cause)}`, { cause });
  }
  try {
    await use(record, join(dirname(file), 'evidence'));
  } finally {
    record.close();
  }
}
