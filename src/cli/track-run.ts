/** What `--track`, `--line`, `--zone` and `--mot` do with each frame of a run. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';
import { boxOf } from '../domain/segments.js';
import type { Marks } from '../encode/prompt-marks.js';
import { Trails, zoneMarks } from '../encode/track-marks.js';
import { FastsamError, messageOf } from '../errors.js';
import { motLine } from '../eval/tracking/mot.js';
import { TrackStage } from '../track/stage.js';
import { TRACKER_DEFAULTS } from '../track/tracker.js';
import { createZones, type Zones } from '../zone/zones.js';
import type { TrackArguments } from './track-options.js';

/** `gate=960,0,960,1080`. Errors: PROMPT_INVALID. */
function parseNamed(option: string, text: string, least: number): { readonly id: string; readonly points: [number, number][] } {
  const [, id, list] = text.match(/^([a-z0-9-]{1,64})=(.*)$/) ?? [];
  const numbers = (list ?? '').split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (id === undefined || numbers.length < 2 * least || numbers.length % 2 !== 0 || numbers.some((value) => !Number.isFinite(value))) {
    throw new FastsamError(
      'PROMPT_INVALID',
      `--${option} ${text}: expected NAME=x,y,x,y… with ${least} points or more; NAME is of a-z, 0-9 and "-"`,
    );
  }
  return { id, points: Array.from({ length: numbers.length / 2 }, (_, k): [number, number] => [numbers[2 * k]!, numbers[2 * k + 1]!]) };
}

/** Tracking of one run of a command over its sources. Errors: PROMPT_INVALID. */
export function trackingOf(args: TrackArguments): TrackRun {
  const lines = (args.line ?? []).map((text) => {
    const { id, points } = parseNamed('line', text, 2);
    if (points.length !== 2) throw new FastsamError('PROMPT_INVALID', `--line ${text}: expected two points, got ${points.length}`);
    return { id, from: points[0]!, to: points[1]! };
  });
  const zones = (args.zone ?? []).map((text) => {
    const { id, points } = parseNamed('zone', text, 3);
    return { id, polygon: points };
  });
  return new TrackRun(args, createZones({ lines, zones }));
}

export class TrackRun {
  readonly #args: TrackArguments;
  readonly #zones: Zones;
  #trails = new Trails();
  #mot: WriteStream | undefined;
  #frames = 0;

  constructor(args: TrackArguments, zones: Zones) {
    this.#args = args;
    this.#zones = zones;
  }

  /** The stage of one source; the next source has nothing in common with it. */
  stage(): TrackStage {
    this.#trails = new Trails();
    const { keepMs, continueScore } = TRACKER_DEFAULTS;
    return new TrackStage({ keepMs, continueScore, cameraMotion: this.#args['camera-motion'] });
  }

  /** Counts and writes what one frame shows. Errors: OUTPUT_UNWRITABLE. */
  async add(frame: Frame, { segments, tracks }: FrameResult): Promise<void> {
    if (!tracks) return;
    const timeMs = frame.ptsNs === null ? Number(frame.captured.monotonicNs) / 1e6 : Number(frame.ptsNs) / 1e6;
    this.#zones.observe(segments, tracks, timeMs);
    this.#trails.add(segments, tracks, timeMs);
    this.#frames += 1;
    if (this.#args.mot === undefined) return;
    const lines = [...tracks.ids.entries()].flatMap(([i, id]) =>
      id === 0 ? [] : [`${motLine(this.#frames, id, boxOf(segments, i), segments.scores[i]!)}\n`],
    );
    await this.#write(this.#args.mot, lines.join(''));
  }

  marks(frame: Frame, width: number): Marks {
    const drawn = zoneMarks(this.#zones.lines, this.#zones.zones, this.#zones.counts, frame, width);
    const trails = this.#trails.marks(width);
    return { shapes: [...trails.shapes, ...drawn.shapes], tags: drawn.tags };
  }

  /** `gate: 118 in, 3 out`, a line for each line and zone. */
  get summary(): string[] {
    const { lines, zones } = this.#zones.counts;
    return [
      ...Object.entries(lines).map(([id, total]) => `${id}: ${total.in} in, ${total.out} out`),
      ...Object.entries(zones).map(([id, { entered, inside }]) => `${id}: ${entered} entered, ${inside} inside`),
    ];
  }

  async close(): Promise<void> {
    if (!this.#mot) return;
    this.#mot.end();
    await finished(this.#mot);
  }

  async #write(path: string, text: string): Promise<void> {
    this.#mot ??= createWriteStream(path);
    const stream = this.#mot;
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: unknown) =>
        reject(new FastsamError('OUTPUT_UNWRITABLE', `${path}: cannot be written: ${messageOf(cause)}`, { cause }));
      stream.once('error', fail);
      stream.write(text, (error) => {
        stream.off('error', fail);
        if (error) fail(error);
        else resolve();
      });
    });
  }
}
