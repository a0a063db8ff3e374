/** A bar on a terminal for work of more than one frame; silent anywhere else. Writes to stderr. */
import { oneLine } from '../printable.js';
import { StatusLine } from './status-line.js';

export interface Progress {
  /** One more frame is done. */
  advance(): void;
  /** `done` of `total` parts of the only frame. */
  reached(done: number, total: number, unit: string): void;
  /** Takes the bar away while `write` writes whole lines to standard output or standard error. */
  print<T>(write: () => T): T;
  stop(): void;
}

/** A bar of bytes that are there, of `total`. */
export async function startByteProgress(total: number): Promise<{ reached(bytes: number): void; stop(): void }> {
  if (!process.stderr.isTTY) return { reached: () => {}, stop: () => {} };
  const { default: cliProgress } = await import('cli-progress');
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

const BAR_WIDTH = 20;

/** `total`: frames expected; undefined when that cannot be known. */
export function startProgress(total: number | undefined): Progress {
  const line = new StatusLine();
  const began = performance.now();
  let frames = 0;
  return {
    advance() {
      frames += 1;
      if (line.isShown && total !== 1) line.show(progressText(frames, total, (performance.now() - began) / 1000));
    },
    reached(done, parts, unit) {
      if (line.isShown) line.show(progressText(done, parts, (performance.now() - began) / 1000, unit));
    },
    print: (write) => line.print(write),
    stop: () => line.clear(),
  };
}

/** `█████░░░░░ 50/100 frames  12.3 fps  4 s left`; without a total `50 frames  12.3 fps`. */
export function progressText(frames: number, total: number | undefined, seconds: number, unit = 'frames'): string {
  const rate = seconds > 0 ? frames / seconds : 0;
  const fps = unit === 'frames' ? `${rate.toFixed(1)} fps` : `${rate.toFixed(1)} ${unit}/s`;
  if (total === undefined || frames > total) return `${frames} ${unit}  ${fps}`;
  const filled = Math.floor((BAR_WIDTH * frames) / total);
  const left = rate > 0 ? duration((total - frames) / rate) : '?';
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${frames}/${total} ${unit}  ${fps}  ${left} left`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** What an engine's builder is doing: one line that changes on a terminal, else a line for each thing that is new. */
export function startBuildProgress(): {
  report(progress: { readonly text: string; readonly fraction: number | null }): void;
  stop(): void;
} {
  let last = '';
  let open = false;
  return {
    report(progress) {
      const text = oneLine(progress.text);
      const { fraction } = progress;
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
