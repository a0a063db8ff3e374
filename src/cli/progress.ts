/** A bar on a terminal for work of more than one frame; silent anywhere else. Writes to stderr. */
import cliProgress from 'cli-progress';

export interface Progress {
  /** One more frame is done. */
  advance(): void;
  stop(): void;
}

/** A bar of bytes that are there, of `total`. */
export function startByteProgress(total: number): { reached(bytes: number): void; stop(): void } {
  if (!process.stderr.isTTY) return { reached: () => {}, stop: () => {} };
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const bar = new cliProgress.SingleBar(
    {
      format: `{bar} {percentage} %  {done} of ${mib(total)} MiB  {eta_formatted} left`,
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { done: '0.0' });
  return { reached: (bytes) => bar.update(bytes, { done: mib(bytes) }), stop: () => bar.stop() };
}

/** `total`: frames expected; undefined when nobody knows. */
export function startProgress(total: number | undefined): Progress {
  if (!process.stderr.isTTY || total === 1) return { advance: () => {}, stop: () => {} };
  const format =
    total === undefined
      ? '{value} frames  {duration_formatted}'
      : '{bar} {value}/{total} frames  {duration_formatted} of about {eta_formatted}';
  const bar = new cliProgress.SingleBar(
    { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total ?? 0, 0);
  return { advance: () => bar.increment(), stop: () => bar.stop() };
}

/** What an engine's builder is doing: one line that changes on a terminal, else a line for each thing that is new. */
export function startBuildProgress(): {
  report(progress: { readonly text: string; readonly fraction: number | null }): void;
  stop(): void;
} {
  let last = '';
  let open = false;
  return {
    report({ text, fraction }) {
      const percent = fraction === null ? '' : ` ${Math.floor(fraction * 100)} %`;
      if (process.stderr.isTTY) {
        process.stderr.write(`\r\x1b[K${`${text}${percent}`.slice(0, (process.stderr.columns ?? 80) - 1)}`);
        open = true;
      } else if (text !== last) {
        process.stderr.write(`fastsamd: ${text}\n`);
      }
      last = text;
    },
    stop() {
      if (open) process.stderr.write('\n');
      open = false;
    },
  };
}
