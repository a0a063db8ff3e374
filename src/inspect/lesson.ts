/** What good parts teach: limits of checks, a golden sample, good surfaces. The same for pictures in a folder and for a running camera. */
import { toTimestamp } from '../contract/common.js';
import type { InspectionCode } from '../contract/inspection.js';
import type { Frame } from '../domain/frame.js';
import type { Check, Recipe } from '../domain/recipe.js';
import type { FrameResult } from '../domain/result.js';
import { touchesFrame } from '../domain/segments.js';
import { encodePng } from '../encode/snapshot.js';
import { DIFFERENCE_DEFAULTS } from '../measure/difference.js';
import { type Golden, goldenPlaces } from './golden.js';
import { inspectFrame } from './inspect.js';
import { type JudgeOptions, readingsOf } from './judge.js';
import { LEAST_PARTS, type TaughtLimits, teachLimits } from './limits.js';
import { type OnlyObject, objectsOf } from './scene.js';
import { type FeatureSource, surfaceChecks } from './surface.js';
import { SurfaceLesson, type TaughtSurface } from './surface-lesson.js';
import { storedGolden, storedSurfaces, type TaughtFile, type TaughtModel } from './taught.js';

/** One part more or less in which a check could not be measured does not matter. */
const LEAST_VALUES = LEAST_PARTS - 1;

/** A network to teach surfaces with. */
export interface TeachingNetwork {
  readonly network: FeatureSource;
  readonly model: Omit<TaughtModel, 'file'>;
}

export interface LessonOptions extends JudgeOptions {
  /** Limits so many robust standard deviations from the median. */
  readonly sigma: number;
  /** For recipes with `measure: anomaly`. The owner of the lesson stops it. */
  readonly surfaces?: TeachingNetwork | undefined;
  /** Of features of surfaces that are held. */
  readonly mostBytes: number;
}

/** What came of one frame. */
export interface Shown {
  /** Parts that were in it; of a recipe with trigger `crossing` there may be several, or none. */
  readonly parts: number;
  /** Those of which something was measured. */
  readonly measured: number;
  /** Checks that could not be measured, of all parts. */
  readonly missing: readonly Missing[];
  /** There was no room for the surfaces. */
  readonly isFull: boolean;
}

export interface Missing {
  readonly check: string;
  readonly code: InspectionCode;
}

/** A check that keeps the limits which the recipe has, and why. */
export interface Kept {
  readonly check: string;
  readonly reason: string;
}

export interface Proposal {
  readonly limits: readonly TaughtLimits[];
  readonly kept: readonly Kept[];
}

/** What a lesson has come to. `file`: undefined where the recipe compares with nothing. */
export interface Learnt extends Proposal {
  readonly file: TaughtFile | undefined;
}

interface Values {
  readonly values: readonly number[];
  readonly uncertainties: readonly number[];
}

/** The caller disposes of it: it holds the frame of the golden sample. */
export class Lesson implements Disposable {
  readonly #recipe: Recipe;
  readonly #options: LessonOptions;
  readonly #found: ReadonlyMap<string, { readonly values: number[]; readonly uncertainties: number[] }>;
  readonly #surfaces: SurfaceLesson | undefined;
  /** Parts on a belt that were taught. */
  readonly #tracks = new Set<number>();
  #golden: { readonly sample: Golden; readonly frame: Frame } | undefined;
  #parts = 0;
  #values = 0;

  constructor(recipe: Recipe, options: LessonOptions) {
    this.#recipe = recipe;
    this.#options = options;
    this.#found = new Map(measuring(recipe).map(({ id }) => [id, { values: [], uncertainties: [] }]));
    this.#surfaces = options.surfaces && new SurfaceLesson(recipe, options.surfaces.network, options.mostBytes);
  }

  [Symbol.dispose](): void {
    this.#golden?.frame[Symbol.dispose]();
    this.#golden = undefined;
  }

  /** Parts of which something was measured. */
  get parts(): number {
    return this.#parts;
  }

  /** Numbers that are held. */
  get values(): number {
    return this.#values;
  }

  get hasGolden(): boolean {
    return this.#golden !== undefined;
  }

  /** Good parts that a check for surfaces has learnt from. */
  surfacesOf(check: string): number {
    return this.#surfaces?.partsOf(check) ?? 0;
  }

  /** Measures the good parts of a frame; one after the other, never two frames at a time. The caller keeps the frame. Errors: those of measuring. */
  async add(frame: Frame, result: FrameResult): Promise<Shown> {
    const only = this.#partsIn(result);
    const isFull = this.#surfaces?.isFull ?? false;
    const missing: Missing[] = [];
    let measured = 0;
    for (const each of only) {
      if (!(await this.#addPart(frame, result, each, missing))) continue;
      measured += 1;
      const track = each && result.tracks?.ids[each.index];
      if (track) this.#tracks.add(track);
    }
    this.#parts += measured;
    return { parts: only.length, measured, missing, isFull };
  }

  /** The objects that are a part each; undefined: all of the frame is one. A part that is not whole teaches nothing, and each part once. */
  #partsIn(result: FrameResult): (OnlyObject | undefined)[] {
    const { trigger } = this.#recipe;
    if (trigger.type !== 'crossing') return [undefined];
    return objectsOf(this.#recipe, trigger.of, result)
      .filter((index) => !touchesFrame(result.segments, index) && !this.#tracks.has(result.tracks?.ids[index] ?? 0))
      .map((index) => ({ set: trigger.of, index }));
  }

  /** Whether something was measured. */
  async #addPart(frame: Frame, result: FrameResult, only: OnlyObject | undefined, missing: Missing[]): Promise<boolean> {
    const recipe = this.#recipe;
    const { scale, calibration } = this.#options;
    const taught = this.#golden && { golden: this.#golden.sample };
    const { scene, checks } = await inspectFrame(recipe, frame, result, { scale, calibration, taught, only });
    let isMeasured = this.#golden === undefined && this.#keepGolden(frame, scene.sets, result);
    const unlearnt = this.#surfaces?.isFull ? undefined : await this.#surfaces?.add(frame, scene.sets, result.segments);
    for (const check of measuring(recipe)) {
      if (check.measure === 'anomaly') {
        const code = unlearnt?.get(check.id);
        if (code !== undefined) missing.push({ check: check.id, code });
        else if (unlearnt) isMeasured = true;
        continue;
      }
      const readings = readingsOf(check, recipe, scene, { scale, calibration });
      const { values, uncertainties } = this.#found.get(check.id)!;
      values.push(...readings.map(({ value }) => value));
      uncertainties.push(...readings.map(({ uncertainty }) => uncertainty).filter(Number.isFinite));
      this.#values += readings.length;
      isMeasured ||= readings.length > 0;
      // The golden sample is not compared with itself.
      if (readings.length > 0 || check.measure === 'difference') continue;
      missing.push({ check: check.id, code: checks.find(({ id }) => id === check.id)?.code ?? 'UNDEFINED' });
    }
    return isMeasured;
  }

  /** The first part that has all objects which the recipe compares. */
  #keepGolden(frame: Frame, sets: Parameters<typeof goldenPlaces>[1], { segments }: FrameResult): boolean {
    if (!comparesWithGolden(this.#recipe)) return false;
    const places = goldenPlaces(this.#recipe, sets, segments);
    if (!places) return false;
    const held = frame.retain();
    this.#golden = { sample: { frame: held, places }, frame: held };
    return true;
  }

  /** What the parts so far propose; of surfaces nothing yet. */
  propose(): Proposal {
    return this.#propose(this.#found, new Set(surfaceChecks(this.#recipe).map(({ id }) => id)));
  }

  /** What all parts have taught. The lesson may go on. `report` is told how many memories of surfaces of how many are made. */
  async finish(report: (done: number, total: number) => void): Promise<Learnt> {
    const recipe = this.#recipe;
    const surfaces: ReadonlyMap<string, TaughtSurface> = (await this.#surfaces?.finish(report)) ?? new Map();
    const found = new Map<string, Values>(this.#found);
    for (const [id, { scores, uncertainty }] of surfaces) found.set(id, { values: [...scores], uncertainties: [uncertainty] });
    const proposal = this.#propose(found, new Set());
    if (!comparesWithGolden(recipe) && surfaceChecks(recipe).length === 0) return { ...proposal, file: undefined };
    const golden = this.#golden;
    const { model } = this.#options.surfaces ?? {};
    const file: TaughtFile = {
      v: 1,
      recipe: recipe.recipe,
      parts: this.#parts,
      at: toTimestamp(Date.now()),
      ...(golden ? { golden: storedGolden(golden.sample.places, await encodePng(golden.frame)) } : {}),
      ...(model && surfaces.size > 0 ? { surfaces: storedSurfaces(model, surfaces) } : {}),
    };
    return { ...proposal, file };
  }

  #propose(found: ReadonlyMap<string, Values>, leftOut: ReadonlySet<string>): Proposal {
    const limits: TaughtLimits[] = [];
    const kept: Kept[] = [];
    for (const check of measuring(this.#recipe)) {
      if (leftOut.has(check.id)) continue;
      const { values, uncertainties } = found.get(check.id)!;
      const keep = (reason: string) => kept.push({ check: check.id, reason });
      if (values.length < LEAST_VALUES) {
        keep(`${values.length} values; expected at least ${LEAST_VALUES}`);
        continue;
      }
      const taught = teachLimits(check, values, { sigma: this.#options.sigma, least: leastOf(check, uncertainties) });
      if (taught.sd > 0) limits.push(taught);
      else keep('its values are all equal; expected different parts, or its "uncertainty" in the recipe');
    }
    return { limits, kept };
  }
}

/** Checks that good parts teach the limits of. */
export function measuring({ checks }: Recipe): Check[] {
  return checks.filter(({ measure }) => measure !== undefined);
}

export function comparesWithGolden({ checks }: Recipe): boolean {
  return checks.some(({ measure }) => measure === 'difference');
}

/** The least standard deviation that a check can tell: its uncertainty; of a difference, the smallest place that counts. */
function leastOf({ uncertainty, measure, minArea }: Check, uncertainties: readonly number[]): number {
  if (measure === 'difference') return minArea ?? DIFFERENCE_DEFAULTS.minArea;
  if (uncertainty !== undefined) return uncertainty;
  const sorted = [...uncertainties].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
