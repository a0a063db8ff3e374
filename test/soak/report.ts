import { arch, cpus } from 'node:os';
import { FAULT_KINDS, type Holdings, median, slope } from './faults.js';

export interface SoakRun {
  readonly seed: number;
  readonly minutes: number;
  /** One per second. */
  readonly holdings: readonly Holdings[];
  readonly recoveries: readonly { readonly kind: string; readonly lastsMs: number; readonly recoveredMs: number }[];
  readonly prompts: { readonly sent: number; readonly applied: number };
  readonly results: Readonly<Record<string, number>>;
}

/** After the first tenth of a run everything is loaded and warm. */
export function settled(holdings: readonly Holdings[]): readonly Holdings[] {
  return holdings.slice(Math.floor(holdings.length / 10));
}

/** The first and the last third of what is settled, each by its median. */
export function drift(
  holdings: readonly Holdings[],
  key: keyof Holdings,
): { readonly first: number; readonly last: number; readonly perHour: number } {
  const values = settled(holdings).map((each) => each[key]);
  const third = Math.ceil(values.length / 3);
  return { first: median(values.slice(0, third)), last: median(values.slice(-third)), perHour: slope(values) * 3600 };
}

/** The slope of resident memory over the last hour, for a run that has an hour after its first third; else over the last two thirds. */
function lateSlope({ holdings }: SoakRun): string {
  const late = holdings.slice(-Math.min(3600, Math.floor((holdings.length * 2) / 3))).map(({ rssMiB }) => rssMiB);
  return `Over the last ${Math.round(late.length / 60)} minutes alone, resident memory changed by ${(slope(late) * 3600).toFixed(1)} MiB an hour.`;
}

export function soakReport(run: SoakRun): string {
  const { holdings, recoveries, prompts, results } = run;
  const row = (name: string, key: keyof Holdings, digits: number) => {
    const { first, last, perHour } = drift(holdings, key);
    const values = holdings.map((each) => each[key]);
    const cells = [first, last, Math.min(...values), Math.max(...values), perHour].map((value) => value.toFixed(digits));
    return `| ${[name, ...cells].join(' | ')} |`;
  };
  const faults = FAULT_KINDS.map((kind) => {
    const of = recoveries.filter((each) => each.kind === kind);
    const times = of.map(({ recoveredMs }) => recoveredMs / 1000);
    const cells = of.length === 0 ? ['0', '–', '–'] : [String(of.length), median(times).toFixed(1), Math.max(...times).toFixed(1)];
    return `| ${[kind, ...cells].join(' | ')} |`;
  });
  return `# A long run

Written by \`make soak MINUTES=${run.minutes}\`: the daemon as a process, two cameras (a test scene, and a clip of two seconds that GStreamer
opens anew at each round), a small model, a broker, a change of prompts every second, and faults at random (seed ${run.seed}):
the broker is killed, the broker hangs with its sockets open, a camera's file goes away.

${run.minutes} minutes on ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}, ${arch()}), Node ${process.versions.node}. Medians of the first and the last third after a tenth of warming
up, and the slope of a line through all samples after it:

| of the daemon | first third | last third | least | most | per hour |
| --- | --- | --- | --- | --- | --- |
${row('resident memory, MiB', 'rssMiB', 1)}
${row('open handles', 'handles', 0)}
${row('threads', 'threads', 0)}

${lateSlope(run)}

Recovered, counted from the end of the fault until both cameras' results arrive again:

| fault | times | median, s | longest, s |
| --- | --- | --- | --- |
${faults.join('\n')}

Every fault was recovered from, or the run would have failed. ${prompts.applied} of ${prompts.sent} changes of prompts were acknowledged; the others were asked
for while the broker was away. Results received: ${Object.entries(results)
    .map(([camera, count]) => `${camera} ${count}`)
    .join(', ')}.
`;
}
