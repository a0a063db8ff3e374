/** Where labels go, so that none covers another. Pure. */

export interface LabelSize {
  readonly width: number;
  readonly height: number;
}

export interface LabelPlace {
  readonly left: number;
  readonly top: number;
}

interface Rectangle extends LabelPlace, LabelSize {}

/**
 * A place for each label, in the order given: above its box, else inside its upper edge, below it, or beside it; undefined
 * when every one of these is taken by an earlier label. `boxes`: x1, y1, x2, y2. Everything in pixels of the frame.
 */
export function placeLabels(
  boxes: readonly (readonly number[])[],
  labels: readonly LabelSize[],
  frame: LabelSize,
  taken: readonly Rectangle[] = [],
): (LabelPlace | undefined)[] {
  const placed: Rectangle[] = [...taken];
  return labels.map((label, index) => {
    for (const place of candidates(boxes[index]!, label, frame)) {
      const rectangle = { ...place, ...label };
      if (placed.some((other) => overlap(rectangle, other))) continue;
      placed.push(rectangle);
      return place;
    }
    return undefined;
  });
}

function candidates(box: readonly number[], { width, height }: LabelSize, frame: LabelSize): LabelPlace[] {
  const [x1, y1, x2, y2] = box.map(Math.round) as [number, number, number, number];
  const inside = ({ left, top }: LabelPlace): LabelPlace => ({
    left: Math.max(0, Math.min(left, frame.width - width)),
    top: Math.max(0, Math.min(top, frame.height - height)),
  });
  return [
    ...(y1 >= height ? [{ left: x1, top: y1 - height }] : []),
    { left: x1, top: y1 },
    { left: x2 - width, top: y1 },
    { left: x1, top: y2 - height },
    { left: x1, top: y2 },
    { left: x2, top: y1 },
  ].map(inside);
}

function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;
}
