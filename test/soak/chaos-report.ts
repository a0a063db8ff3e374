/** docs/chaos.md: what a run of `make chaos` came to. */
import { CHAOS_KINDS, type ChaosKind } from './chaos.js';
import { type Chaos, IN_FLIGHT_MS, TELL_FROM_MS, TELL_MS } from './chaos-node.js';
import { median } from './faults.js';

/** Of runs that are warm: the median of the second half of the time minus that of the first, in MiB. */
export function growthOf({ memory }: Chaos): number {
  const warm = memory.filter(({ upMs }) => upMs > 20_000).map(({ rssMiB }) => rssMiB);
  const half = Math.floor(warm.length / 2);
  return half === 0 ? 0 : median(warm.slice(half)) - median(warm.slice(0, half));
}

export function chaosReport(
  { minutes, seed }: { readonly minutes: number; readonly seed: number },
  chaos: Chaos,
  faults: readonly { readonly kind: ChaosKind }[],
  lost: ReturnType<Chaos['lostEvents']>,
  telling: ReturnType<Chaos['telling']>,
): string {
  const { prompts, times, memory, events, boots, results } = chaos;
  const counted = CHAOS_KINDS.map((kind) => {
    const told = telling[kind];
    const cells = told ? [told.told, told.excused, told.untold] : ['', '', ''];
    return `| ${[kind, faults.filter((each) => each.kind === kind).length, ...cells].join(' | ')} |`;
  });
  const timed = Object.entries(times).map(
    ([what, ms]) => `| ${what} | ${ms.length} | ${(median(ms) / 1000).toFixed(1)} | ${(Math.max(...ms) / 1000).toFixed(1)} |`,
  );
  const warm = memory.filter(({ upMs }) => upMs > 20_000).map(({ rssMiB }) => rssMiB);
  const copies = [...events.values()].reduce((sum, event) => sum + event.copies - 1, 0);
  return `# Everything at once

Written by \`make chaos MINUTES=${minutes} SEED=${seed}\`: the daemon as a process, a test scene, a clip that is played in a loop, a motion-JPEG
camera, a broker behind a relay, a change of prompts every second, and faults of all these kinds at random, several at a time.

| fault | times | told in health | restarted before it could tell | not told |
| --- | --- | --- | --- | --- |
${counted.join('\n')}

Told: of those that lasted at least ${TELL_FROM_MS / 1000} s, in \`health\` or as an alert within ${TELL_MS / 1000} s of their end.

| | times | median, s | longest, s |
| --- | --- | --- | --- |
${timed.join('\n')}

- **Events.** ${lost.said} losses and returns of cameras in the log of ${boots.length} runs; ${lost.lost.length} never arrived. ${lost.excused} more did not: the process was ended within
  ${IN_FLIGHT_MS / 1000} s of them, or while the disk failed (\`events-unsaved\`). ${events.size} events arrived in all, ${copies} of them again.
- **Prompts.** ${prompts.acknowledged} of ${prompts.sent} changes were acknowledged. Compared ${prompts.looked} times, the prompts were never older than what had been
  acknowledged while the disk worked.
- **Memory.** Resident, after 20 s of each run: median ${median(warm).toFixed(0)} MiB, most ${Math.max(...warm).toFixed(0)} MiB; the second half of the time minus the first ${growthOf(chaos).toFixed(1)} MiB.
- **Results.** ${Object.entries(results)
    .map(([camera, count]) => `${camera} ${count}`)
    .join(', ')}.
- **Violations.** ${chaos.violations.length === 0 ? 'None.' : chaos.violations.map((each) => each.slice(0, 600)).join('; ')}
`;
}
