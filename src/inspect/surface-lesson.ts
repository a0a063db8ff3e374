/** Learns what the surfaces of good parts look like, and what scores good parts have that were not learnt. */
import type { InspectionCode } from '../contract/inspection.js';
import type { Frame } from '../domain/frame.js';
import type { Recipe } from '../domain/recipe.js';
import type { Segments } from '../domain/segments.js';
import { dimsOf, memoryOf, type PatchMemory, rowsOf, sampleRows, scoreOfRows } from '../measure/patch-memory.js';
import { type Member, referred } from './member.js';
import { type FeatureSource, fits, type GoodSurface, patchesIn, sideFor, surfaceChecks, viewOf } from './surface.js';

/** Each part is scored by a memory of the others: by one that a fifth of the parts are left out of. */
const FOLDS = 5;
/** Parts that are looked at a second time, half a patch further. */
const MOVED = 20;
/** Of the network's finest map, in its input pixels. */
const HALF_PATCH = 4;

export interface TaughtSurface extends GoodSurface {
  /** Of each part by a memory without it. */
  readonly scores: readonly number[];
}

interface Lesson {
  readonly side: number | null;
  readonly parts: { readonly rows: Float32Array; readonly moved: Float32Array | undefined }[];
  dims: number;
}

export class SurfaceLesson {
  readonly #recipe: Recipe;
  readonly #network: FeatureSource;
  readonly #lessons = new Map<string, Lesson>();
  readonly #mostBytes: number;
  #bytes = 0;

  /** `mostBytes`: of feature vectors, which are held until the lesson ends. */
  constructor(recipe: Recipe, network: FeatureSource, mostBytes: number) {
    this.#recipe = recipe;
    this.#network = network;
    this.#mostBytes = mostBytes;
  }

  /** Whether a further part would be held. */
  get isFull(): boolean {
    return this.#bytes >= this.#mostBytes;
  }

  /** Good parts that the check has learnt from. */
  partsOf(check: string): number {
    return this.#lessons.get(check)?.parts.length ?? 0;
  }

  /**
   * Looks at a good part. Returns why a check could not learn from it, by check. The first part sets the size of the views. The caller
   * keeps the frame. Errors: those of the network.
   */
  async add(frame: Frame, sets: ReadonlyMap<string, readonly Member[]>, segments: Segments): Promise<ReadonlyMap<string, InspectionCode>> {
    const refused = new Map<string, InspectionCode>();
    if (this.isFull) return refused;
    for (const { id, of } of surfaceChecks(this.#recipe)) {
      const member = of === undefined ? undefined : referred(of, sets);
      if (of !== undefined && !member) {
        refused.set(id, 'NO_PART');
        continue;
      }
      const known = this.#lessons.get(id);
      const lesson: Lesson = known ?? { side: member ? sideFor(member) : null, parts: [], dims: 1 };
      const { grid, cells, region } = await patchesIn(this.#network, frame, viewOf(frame, segments, member, lesson.side));
      if (cells.length === 0 || (member && lesson.side !== null && !fits(member, lesson.side))) {
        refused.set(id, 'UNDEFINED');
        continue;
      }
      this.#lessons.set(id, lesson);
      lesson.dims = dimsOf(grid);
      const rows = await rowsOf(grid, cells);
      let moved: Float32Array | undefined;
      if (lesson.parts.length < MOVED) {
        const pixels = Math.max(2, Math.round((HALF_PATCH * region.width) / grid.geometry.contentWidth));
        const view = await patchesIn(this.#network, frame, viewOf(frame, segments, member, lesson.side, pixels));
        if (view.cells.length > 0) moved = await rowsOf(view.grid, view.cells);
      }
      lesson.parts.push({ rows, moved });
      this.#bytes += 4 * (rows.length + (moved?.length ?? 0));
    }
    return refused;
  }

  /** What was learnt, of each check with at least two parts. `report` is told how many memories of how many are made. */
  async finish(report: (done: number, total: number) => void): Promise<ReadonlyMap<string, TaughtSurface>> {
    const learnt = new Map<string, TaughtSurface>();
    const taught = [...this.#lessons].filter(([, { parts }]) => parts.length >= 2);
    const total = taught.reduce((sum, [, { parts }]) => sum + foldsOf(parts.length) + 1, 0);
    let done = 0;
    for (const [id, { side, parts, dims }] of taught) {
      const samples = parts.map(({ rows }) => sampleRows(rows, dims, parts.length));
      const folds = foldsOf(parts.length);
      const scores: number[] = [];
      let squares = 0;
      let pairs = 0;
      for (let fold = 0; fold < folds; fold += 1) {
        const others: PatchMemory = await memoryOf(
          samples.filter((_, k) => k % folds !== fold),
          dims,
        );
        for (let k = fold; k < parts.length; k += folds) {
          const { rows, moved } = parts[k]!;
          scores[k] = await scoreOfRows(rows, others);
          if (!moved) continue;
          squares += (scores[k]! - (await scoreOfRows(moved, others))) ** 2;
          pairs += 1;
        }
        done += 1;
        report(done, total);
      }
      const memory = await memoryOf(samples, dims);
      done += 1;
      report(done, total);
      learnt.set(id, { side, memory, uncertainty: Math.sqrt(squares / Math.max(1, pairs) / 2), scores });
    }
    return learnt;
  }
}

function foldsOf(parts: number): number {
  return Math.min(FOLDS, parts);
}
