/** Text messages between the console's page and the daemon, over one WebSocket. Frames are binary: view-message.ts. */
import { z } from 'zod';
import { idSchema } from '../domain/prompt.js';

export const CONSOLE_PROTOCOL = 'fastsam.console.v1';
/** Most channels of one page. */
export const MAX_CHANNELS = 20;

/** Parts of a frame are told in eighths of its sides, so that pages that look at about the same part share its frames. */
export const ROI_STEPS = 8;

const roiSchema = z
  .tuple([
    z
      .number()
      .int()
      .min(0)
      .max(ROI_STEPS - 1),
    z
      .number()
      .int()
      .min(0)
      .max(ROI_STEPS - 1),
    z.number().int().min(1).max(ROI_STEPS),
    z.number().int().min(1).max(ROI_STEPS),
  ])
  .refine(([x, y, width, height]) => x + width <= ROI_STEPS && y + height <= ROI_STEPS, 'expected a part inside of the frame');
/** x, y, width, height in eighths of the frame. */
export type Roi = z.output<typeof roiSchema>;
export const WHOLE: Roi = [0, 0, ROI_STEPS, ROI_STEPS];

/** What a page asks for. `level`: `auto` adapts to the connection; a number is a fixed quality level, 0 the best. */
export const clientMessageSchema = z.discriminatedUnion('t', [
  z.strictObject({
    t: z.literal('watch'),
    camera: idSchema,
    level: z.union([z.literal('auto'), z.number().int().min(0).max(4)]).default('auto'),
    /** The part of the frame that is wanted, in full detail; all of it when absent. */
    roi: roiSchema.optional(),
  }),
  z.strictObject({ t: z.literal('unwatch'), camera: idSchema }),
  /** Keeps what was found in this frame for two minutes, so that it can be asked about. */
  z.strictObject({ t: z.literal('hold'), camera: idSchema, seq: z.number().int().min(0) }),
  /** Asks for the exact outline of an object in a frame that is kept: one of the last ones, or one that is held. */
  z.strictObject({
    t: z.literal('outline'),
    id: idSchema,
    camera: idSchema,
    seq: z.number().int().min(0),
    object: z.number().int().min(0),
  }),
  z.strictObject({
    t: z.literal('request'),
    verb: z.string().max(64),
    id: idSchema,
    payload: z.record(z.string(), z.unknown()).default({}),
  }),
]);
/** As the daemon reads it, and as a page may send it. */
export type ClientMessage = z.output<typeof clientMessageSchema>;
export type ClientInput = z.input<typeof clientMessageSchema>;

/** An object's mask, as what its rings enclose by the even-odd rule. */
export interface Outline {
  /** [rings][corners] x, y in pixels of the frame. */
  readonly rings: readonly (readonly (readonly [x: number, y: number])[])[];
  /** By how much it may deviate, pixels; 0: exact. */
  readonly tolerance: number;
}

export interface ConsoleUser {
  readonly name: string;
  readonly role: 'viewer' | 'operator' | 'admin';
  /** Cameras the user may see; all when absent. */
  readonly cameras?: readonly string[];
}

/** One thing that happened, as the page lists it. */
export interface ConsoleEvent {
  /** Grows with every event of this run. */
  readonly number: number;
  readonly at: string;
  readonly camera?: string;
  readonly type: string;
  /** One line. */
  readonly text: string;
  /** The user who did it. */
  readonly by?: string;
  readonly prompt?: string;
  readonly revision?: number;
  /** Whether /api/events/NUMBER.jpg is there. */
  readonly picture?: boolean;
}

/** One point of the charts. */
export interface HistoryPoint {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly cameras: Readonly<Record<string, CameraPoint>>;
  readonly cpuLoad: number | null;
  readonly gpuLoad: number | null;
  readonly rssBytes: number;
  readonly memoryAvailableBytes: number | null;
  readonly temperaturesC: Readonly<Record<string, number | null>>;
  readonly watts: number | null;
  readonly throttled: boolean | null;
}

export interface CameraPoint {
  readonly fpsIn: number;
  readonly fpsOut: number;
  /** By stage and percentile. */
  readonly latencyMs: Readonly<Record<string, { readonly p50: number; readonly p95: number; readonly p99: number }>>;
  /** Totals since the start. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** How often a prompt was matched over the last day. */
export interface PromptTimeline {
  /** Minutes of one bar. */
  readonly stepMinutes: number;
  /** Percent of the frames in which it was matched, the oldest first; null where nothing is known. */
  readonly bars: readonly (number | null)[];
  /** Of all minutes that are known. */
  readonly percent: number | null;
}

/** What the daemon tells a page. */
export type ServerMessage =
  | {
      readonly t: 'hello';
      readonly user: ConsoleUser;
      readonly build: string;
      readonly bootId: string;
      readonly node: string;
      readonly cameras: readonly { readonly id: string; readonly pictures: boolean }[];
      /** Milliseconds since the Unix epoch. */
      readonly now: number;
      readonly events: readonly ConsoleEvent[];
    }
  | { readonly t: 'tick'; readonly now: number; readonly watching: number }
  | { readonly t: 'topic'; readonly topic: string; readonly payload: unknown }
  | { readonly t: 'channel'; readonly camera: string; readonly channel: number; readonly level: number }
  | { readonly t: 'response'; readonly verb: string; readonly response: unknown }
  | { readonly t: 'event'; readonly event: ConsoleEvent }
  | { readonly t: 'telemetry'; readonly point: HistoryPoint }
  | { readonly t: 'error'; readonly code: string; readonly error: string };

/** One line about a frame, with the picture. */
export interface ViewMeta {
  readonly answers: readonly ViewAnswer[];
  readonly latencyMs: Readonly<Record<string, number>>;
  readonly labels: readonly string[];
  /** Names of the classes that occur, by class index. */
  readonly model: string;
  readonly level: number;
  /** Fewer frames are sent than the level allows: segmentation needs every core of the machine. */
  readonly isSparing?: boolean;
}

export interface ViewAnswer {
  readonly id: string;
  readonly type: string;
  readonly status: 'matched' | 'unmatched' | 'pending';
  /** Best score seen. */
  readonly score?: number;
  readonly objects: number;
  readonly reason?: string;
  readonly follow?: string;
}
