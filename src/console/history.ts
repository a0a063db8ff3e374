/** Telemetry of the last hour and the last day, for the charts: a page that is reloaded has lost nothing. */
import type { CameraPoint, ConsoleUser, HistoryPoint } from '../contract/console.js';
import type { TelemetryMessage } from '../contract/messages.js';
import { maySee } from './access.js';

const RINGS = {
  '1h': { stepMs: 5000, points: 720 },
  '24h': { stepMs: 60_000, points: 1440 },
} as const;
export type Span = keyof typeof RINGS;

export function isSpan(value: unknown): value is Span {
  return typeof value === 'string' && Object.hasOwn(RINGS, value);
}

export class History {
  readonly #rings: Record<Span, HistoryPoint[]> = { '1h': [], '24h': [] };

  /** Takes the message into the rings where their step is over. */
  add(message: TelemetryMessage): HistoryPoint {
    const point = pointOf(message);
    for (const [span, { stepMs, points }] of Object.entries(RINGS) as [Span, (typeof RINGS)[Span]][]) {
      const ring = this.#rings[span];
      const last = ring.at(-1);
      // Half a step of grace: messages come a little early at times.
      if (last && point.at - last.at < stepMs - Math.min(stepMs / 2, 500)) continue;
      ring.push(point);
      if (ring.length > points) ring.shift();
    }
    return point;
  }

  /** Oldest first, with the cameras that the user may see. */
  list(span: Span, user: ConsoleUser): HistoryPoint[] {
    return this.#rings[span].map((point) => visible(point, user));
  }
}

/** The point as far as the user may see it. */
export function visible(point: HistoryPoint, user: ConsoleUser): HistoryPoint {
  if (user.cameras === undefined) return point;
  return { ...point, cameras: Object.fromEntries(Object.entries(point.cameras).filter(([id]) => maySee(user, id))) };
}

function pointOf({ ts, cameras, system }: TelemetryMessage): HistoryPoint {
  const watts = Object.values(system.rails).flatMap((rail) => (rail.watts === null ? [] : [rail.watts]));
  return {
    at: Date.parse(ts),
    cameras: Object.fromEntries(
      cameras.map(({ id, fpsIn, fpsOut, latencyMs, dropped }): [string, CameraPoint] => [
        id,
        {
          fpsIn,
          fpsOut,
          latencyMs: Object.fromEntries(Object.entries(latencyMs).map(([stage, { p50, p95, p99 }]) => [stage, { p50, p95, p99 }])),
          dropped,
        },
      ]),
    ),
    cpuLoad: system.cpuLoad,
    gpuLoad: system.gpuLoad,
    rssBytes: system.rssBytes,
    memoryAvailableBytes: system.memoryAvailableBytes,
    temperaturesC: system.temperaturesC,
    watts: watts.length === 0 ? null : Math.max(...watts),
    throttled: system.throttling.active,
  };
}
