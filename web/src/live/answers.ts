/** What a prompt would answer on the frame that is shown: at once from the map, then as the daemon says. */
import type { Response } from '../link/link.js';
import { type Draft, ordered } from '../ui/draft.js';
import type { Shown, Stage } from '../view/stage.js';

export interface Tried {
  readonly state: 'asking' | 'matched' | 'unmatched' | 'pending' | 'error';
  readonly text: string;
}

/** At once, from the map alone: what the daemon will probably answer. */
export function guess(view: Stage, draft: Draft): void {
  const index =
    draft.tool === 'point'
      ? (view.hit(draft.points.at(-1)![0], draft.points.at(-1)![1], true)[0] ?? -1)
      : draft.tool === 'box' && draft.box
        ? view.guessBox(ordered(draft.box))
        : -1;
  if (index < 0) return;
  view.selected = new Set([index]);
  view.redraw();
  performance.mark('fastsam-guess');
}

export function outcomeOf(answer: Response): { tried: Tried; objects: number[] } {
  if (answer.status === 'error') return { tried: { state: 'error', text: answer.error ?? 'refused' }, objects: [] };
  const { answers } = answer.data as {
    answers: { status: string; bestScore?: number; reason?: string; objects?: { id: number; score: number }[] }[];
  };
  const [first] = answers;
  const objects = first?.objects ?? [];
  performance.mark('fastsam-tried');
  if (first?.status === 'matched') {
    const best = Math.max(...objects.map(({ score }) => score));
    const many = objects.length === 1 ? `object ${objects[0]!.id}` : `${objects.length} objects`;
    return { tried: { state: 'matched', text: `${many} on this frame, score ${best.toFixed(2)}` }, objects: objects.map(({ id }) => id) };
  }
  if (first?.status === 'pending') return { tried: { state: 'pending', text: first.reason ?? 'not known yet' }, objects: [] };
  const best = first?.bestScore === undefined ? '' : `; best ${first.bestScore.toFixed(2)}`;
  return { tried: { state: 'unmatched', text: `no object here${best}` }, objects: [] };
}

/** The middle of the longest row of cells that shows the object; 0…1 of the frame. */
export function placeOf(shown: Shown | undefined, index: number): [number, number] | undefined {
  if (!shown) return undefined;
  const { width, height, cells } = shown.map;
  let best: { x: number; y: number; length: number } | undefined;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; ) {
      let end = x;
      while (end < width && shown.regions[cells[y * width + end]!]![0] === index) end += 1;
      if (end - x > (best?.length ?? 0)) best = { x: (x + end) / 2, y: y + 0.5, length: end - x };
      x = end + 1;
    }
  }
  const { part, frame } = shown;
  return best && [(part.x + (best.x / width) * part.width) / frame.width, (part.y + (best.y / height) * part.height) / frame.height];
}

/** The object that lies next in a direction, by the middles of the boxes; the surest one when none is chosen. */
export function toward(view: Stage, from: number, [dx, dy]: readonly [number, number]): number {
  const { shown } = view;
  if (!shown) return -1;
  const { count, boxes } = shown.objects;
  const middleOf = (index: number) => [boxes[4 * index]! + boxes[4 * index + 2]!, boxes[4 * index + 1]! + boxes[4 * index + 3]!] as const;
  const indices = Array.from({ length: count }, (_, index) => index).filter((index) => view.isShown(index));
  if (!indices.includes(from)) return indices[0] ?? -1;
  const [x, y] = middleOf(from);
  let best = from;
  let least = Number.POSITIVE_INFINITY;
  for (const index of indices) {
    const [otherX, otherY] = middleOf(index);
    const ahead = (otherX - x) * dx + (otherY - y) * dy;
    const aside = Math.abs((otherX - x) * dy) + Math.abs((otherY - y) * dx);
    // Within 45 degrees of the direction, or as near to it as there is.
    const distance = ahead + 2 * aside + (aside > ahead ? 1e6 : 0);
    if (ahead <= 0 || distance >= least) continue;
    least = distance;
    best = index;
  }
  return best;
}

/** The next object by area, among those that are shown. */
export function step(view: Stage, from: number, to: 'smaller' | 'larger'): number {
  const areas = view.shown?.objects.areas;
  if (!areas) return -1;
  const order = [...areas.keys()].filter((index) => view.isShown(index)).sort((a, b) => areas[a]! - areas[b]!);
  const at = order.indexOf(from);
  return order[Math.min(Math.max(at + (to === 'larger' ? 1 : -1), 0), order.length - 1)] ?? -1;
}
