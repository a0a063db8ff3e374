/** The report of an evaluation: what was measured on what, in a form that a later run can be compared with. */
import { z } from 'zod';
import { FastsamError } from '../errors.js';
import { middle95 } from './bootstrap.js';
import { readJson } from './json.js';

const figureSchema = z.object({
  name: z.string(),
  value: z.number(),
  /** 95 % interval over pictures. */
  low: z.number().optional(),
  high: z.number().optional(),
  /** Values of the draws of the bootstrap, in their order. */
  draws: z.array(z.number()).optional(),
});

export const reportSchema = z.object({
  v: z.literal(1),
  task: z.string(),
  createdAt: z.string(),
  fastsamd: z.string(),
  model: z.object({ name: z.string(), sha256: z.string(), backend: z.string(), input: z.tuple([z.number(), z.number()]) }).optional(),
  data: z.object({
    sha256: z.string().describe('Of the annotations.'),
    pictures: z.number(),
    objects: z.number(),
  }),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.number())])),
  bootstrap: z.object({ draws: z.number(), seed: z.number() }).optional(),
  figures: z.array(figureSchema),
  seconds: z.object({ inference: z.number(), scoring: z.number() }).partial(),
});

export type Report = z.infer<typeof reportSchema>;
export type ReportFigure = Report['figures'][number];

/** Reads a report. Errors: SOURCE_NOT_FOUND, DATASET_INVALID. */
export async function readReport(path: string): Promise<Report> {
  const parsed = reportSchema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  throw new FastsamError('DATASET_INVALID', `${path}: not a report of "fastsamd eval … --out"`);
}

export interface Difference {
  readonly name: string;
  readonly a: number;
  readonly b: number;
  /** b − a. */
  readonly change: number;
  /** 95 % interval of the change, draw by draw; absent when the reports were not drawn alike. */
  readonly low?: number;
  readonly high?: number;
}

/** What changed from `a` to `b`, figure by figure. Errors: DATASET_INVALID when they are of different data or tasks. */
export function compareReports(a: Report, b: Report): Difference[] {
  if (a.task !== b.task) throw new FastsamError('DATASET_INVALID', `the reports are of different tasks: ${a.task} and ${b.task}`);
  if (a.data.sha256 !== b.data.sha256 || a.data.pictures !== b.data.pictures)
    throw new FastsamError('DATASET_INVALID', 'the reports are of different data: a difference would mean nothing');
  const alike = a.bootstrap !== undefined && b.bootstrap?.seed === a.bootstrap.seed && b.bootstrap.draws === a.bootstrap.draws;
  const differences: Difference[] = [];
  for (const figure of a.figures) {
    const other = b.figures.find(({ name }) => name === figure.name);
    if (!other) continue;
    const change = other.value - figure.value;
    const changes = alike ? figure.draws?.map((value, k) => other.draws![k]! - value) : undefined;
    differences.push({ name: figure.name, a: figure.value, b: other.value, change, ...(changes ? middle95(changes) : {}) });
  }
  return differences;
}
