/** A prompt that is being made: what was clicked, what the daemon answers on the frame that was seen. */

export type Tool = 'look' | 'point' | 'box' | 'text' | 'label';

export interface Draft {
  readonly tool: Exclude<Tool, 'look'>;
  /** 0…1 of the frame, and whether the object is to be there. */
  readonly points: readonly (readonly [x: number, y: number, isObject: boolean])[];
  /** 0…1: two opposite corners. */
  readonly box: readonly [number, number, number, number] | undefined;
  readonly text: string;
  /** What it must not be, one a line. */
  readonly negatives: string;
  /** Least score of a match; the daemon's own when undefined. */
  readonly threshold: number | undefined;
  readonly labels: readonly string[];
}

export const EMPTY = { points: [], box: undefined, text: '', negatives: '', threshold: undefined, labels: [] } as const;

export function ordered([x1, y1, x2, y2]: readonly [number, number, number, number]): [number, number, number, number] {
  return [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
}

/** As the daemon takes it; undefined while there is too little of it. */
export function promptOf(draft: Draft, id: string): Record<string, unknown> | undefined {
  const digits = (value: number) => Math.round(Math.min(Math.max(value, 0), 1) * 1e5) / 1e5;
  switch (draft.tool) {
    case 'point':
      if (!draft.points.some(([, , isObject]) => isObject)) return undefined;
      return {
        type: 'points',
        id,
        points: draft.points.map(([x, y]) => [digits(x), digits(y)]),
        labels: draft.points.map(([, , isObject]) => (isObject ? 1 : 0)),
        space: 'normalized',
      };
    case 'box': {
      if (!draft.box) return undefined;
      const box = ordered(draft.box).map(digits) as [number, number, number, number];
      return box[2] - box[0] < 0.004 || box[3] - box[1] < 0.004 ? undefined : { type: 'box', id, box, space: 'normalized' };
    }
    case 'text':
      if (draft.text.trim() === '') return undefined;
      return {
        type: 'text',
        id,
        text: draft.text.trim(),
        ...(negativesOf(draft).length > 0 ? { negatives: negativesOf(draft) } : {}),
        ...(draft.threshold === undefined ? {} : { threshold: draft.threshold }),
      };
    case 'label':
      return draft.labels.length === 0 ? undefined : { type: 'label', id, labels: [...draft.labels] };
  }
}

function negativesOf({ negatives }: Draft): string[] {
  return negatives
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** A free id that says what kind it is: point-1, box-2, … */
export function freeId(tool: string, taken: readonly string[]): string {
  for (let n = 1; ; n += 1) if (!taken.includes(`${tool}-${n}`)) return `${tool}-${n}`;
}
