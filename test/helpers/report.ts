/** What tests measured, for people who read the output. */

/** `what`: times in milliseconds; for people who read the output, nothing is asserted of them. */
export function report(what: string, times: readonly number[]): void {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(Math.floor(share * sorted.length), sorted.length - 1)]!.toFixed(0);
  process.stdout.write(`${what}: ${times.length} times, median ${at(0.5)} ms, longest ${at(1)} ms\n`);
}
