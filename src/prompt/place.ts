/** Prompts that name an object by its place in the picture. */
import type { Box } from '../domain/box.js';
import type { BoxPrompt, PointsPrompt, Prompt } from '../domain/prompt.js';

export type PlacePrompt = BoxPrompt | PointsPrompt;

export function isPlace(prompt: Prompt): prompt is PlacePrompt {
  return prompt.type === 'box' || prompt.type === 'points';
}

/**
 * From the middle of a place (of its foreground points) to the middle of a box, in halves of the box's sides along the axis where
 * that is more: 0 in the middle, 1 at the border. `size`: of the frame, for places in shares of it.
 */
export function distanceToMiddle(
  place: PlacePrompt,
  [x1, y1, x2, y2]: Readonly<Box>,
  size: { readonly width: number; readonly height: number },
): number {
  const [sx, sy] = place.space === 'normalized' ? [size.width, size.height] : [1, 1];
  const points = place.type === 'box' ? cornersOf(place.box) : place.points.filter((_, k) => (place.labels?.[k] ?? 1) === 1);
  const middle = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  return Math.max(Math.abs(2 * middle(0) * sx - x1 - x2) / (x2 - x1), Math.abs(2 * middle(1) * sy - y1 - y2) / (y2 - y1));
}

function cornersOf([x1, y1, x2, y2]: Readonly<Box>): readonly (readonly [number, number])[] {
  return [
    [x1, y1],
    [x2, y2],
  ];
}
