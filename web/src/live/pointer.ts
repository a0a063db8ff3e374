/** What mouse, pen, fingers and arrow keys do on the picture. */
import type { Draft, Tool } from '../ui/draft.js';
import type { Stage } from '../view/stage.js';
import { pan, type Zoom, zoomAt } from './zoom.js';

const LONG_PRESS_MS = 450;
/** Screen pixels: a hand is not that calm. */
const STILL = 6;
const HANDLE_REACH = 16;
const WHEEL_STEP = 1.25;
/** By which an arrow key moves a corner, of what is seen. */
const KEY_STEP = 0.02;

/** Which of the two ends of a box the keys move: where it began, or where it ended. */
export type Corner = 0 | 1;
type Box = NonNullable<Draft['box']>;
type Place = readonly [x: number, y: number];

interface PointerDeps {
  readonly stage: { readonly current?: Stage | undefined };
  readonly tool: { readonly value: Tool };
  readonly draft: { readonly value: Draft | undefined };
  readonly zoom: { value: Zoom };
  /** The object under the pointer, for its name beside it. */
  readonly hovered: { value: number };
  readonly change: (next: Draft) => void;
  readonly focus: (index: number) => void;
  readonly can: boolean;
}

/** What is under way between two events; one picture at a time is worked on. */
interface Gesture {
  /** Pointers that are down, in screen pixels. */
  readonly down: Map<number, Place>;
  /** Where the first one went down. */
  from: Place;
  /** The end of the box that stays. */
  anchor: Place | undefined;
  isMoving: boolean;
  /** Two fingers were down: what follows is no tap. */
  wasPinch: boolean;
}

const gesture: Gesture = { down: new Map(), from: [0, 0], anchor: undefined, isMoving: false, wasPinch: false };

/** The box after an arrow key; a first one in the middle of what is seen. */
export function boxByKey(box: Draft['box'], corner: Corner, [dx, dy]: Place, { x, y, size }: Zoom): Box {
  if (!box) return [x + size / 4, y + size / 4, x + (3 * size) / 4, y + (3 * size) / 4];
  const moved = [...box] as [number, number, number, number];
  const within = (value: number) => Math.min(Math.max(value, 0), 1);
  moved[2 * corner] = within(moved[2 * corner]! + dx * KEY_STEP * size);
  moved[2 * corner + 1] = within(moved[2 * corner + 1]! + dy * KEY_STEP * size);
  return moved;
}

export function pointer({ stage, tool, draft, zoom, hovered, change, focus, can }: PointerDeps) {
  const rectOf = (event: Event) => (event.currentTarget as HTMLElement).parentElement!.getBoundingClientRect();
  /** 0…1 of the frame. */
  const placeOfEvent = (event: MouseEvent): [number, number] => {
    const box = rectOf(event);
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const hover = (index: number, event: Event) => {
    const view = stage.current;
    if (!view || view.hovered === index) return;
    view.hovered = index;
    view.redraw();
    performance.measure('fastsam-hover', { start: event.timeStamp, end: performance.now() });
    hovered.value = index;
  };
  /** The opposite end, where the pointer is on a handle of the box. */
  const anchorAt = (event: PointerEvent): Place | undefined => {
    const box = draft.value?.box;
    if (!box) return undefined;
    const { width, height } = rectOf(event);
    const [x, y] = placeOfEvent(event);
    for (const [k, l] of [
      [0, 1],
      [2, 3],
      [0, 3],
      [2, 1],
    ] as const) {
      if (Math.hypot((box[k] - x) * width, (box[l] - y) * height) <= HANDLE_REACH) return [box[2 - k]!, box[4 - l]!];
    }
    return undefined;
  };
  const pinch = (event: PointerEvent) => {
    const { down } = gesture;
    const before = [...down.values()];
    down.set(event.pointerId, [event.clientX, event.clientY]);
    const after = [...down.values()];
    const spread = ([a, b]: Place[]) => Math.hypot(a![0] - b![0], a![1] - b![1]);
    const middle = ([a, b]: Place[]): Place => [(a![0] + b![0]) / 2, (a![1] + b![1]) / 2];
    const { left, top, width, height } = rectOf(event);
    const [fromX, fromY] = middle(before);
    const [toX, toY] = middle(after);
    const moved = pan(zoom.value, (fromX - toX) / width, (fromY - toY) / height);
    zoom.value = zoomAt(moved, spread(after) / Math.max(spread(before), 1), [(fromX - left) / width, (fromY - top) / height]);
  };
  const end = (event: PointerEvent) => {
    gesture.down.delete(event.pointerId);
    const { wasPinch, isMoving } = gesture;
    if (gesture.down.size === 0) Object.assign(gesture, { anchor: undefined, isMoving: false, wasPinch: false });
    return { wasPinch, isMoving };
  };
  return {
    // A browser holds pointermove back until it draws next; where it tells sooner (secure pages of Chromium), so is the outline.
    onPointerRawUpdate: (event: PointerEvent) => {
      if (event.pointerType !== 'touch' && event.buttons === 0) hover(stage.current?.hit(...placeOfEvent(event))[0] ?? -1, event);
    },
    onPointerMove: (event: PointerEvent) => {
      const [x, y] = placeOfEvent(event);
      // A button that was released outside of the picture.
      if (event.buttons === 0) gesture.down.delete(event.pointerId);
      const before = gesture.down.get(event.pointerId);
      if (before && gesture.down.size === 2) {
        pinch(event);
        return;
      }
      if (before && Math.hypot(event.clientX - gesture.from[0], event.clientY - gesture.from[1]) > STILL) gesture.isMoving = true;
      if (before && tool.value === 'box' && draft.value && gesture.anchor) {
        if (gesture.isMoving) change({ ...draft.value, box: [...gesture.anchor, x, y] as unknown as Box });
        return;
      }
      if (before && tool.value === 'look' && zoom.value.size < 1 && gesture.isMoving) {
        const { width, height } = rectOf(event);
        zoom.value = pan(zoom.value, (before[0] - event.clientX) / width, (before[1] - event.clientY) / height);
        gesture.down.set(event.pointerId, [event.clientX, event.clientY]);
        return;
      }
      if (event.pointerType !== 'touch') hover(stage.current?.hit(x, y)[0] ?? -1, event);
    },
    onPointerLeave: (event: PointerEvent) => hover(-1, event),
    onPointerCancel: (event: PointerEvent) => void end(event),
    onPointerDown: (event: PointerEvent) => {
      const target = event.currentTarget as HTMLElement;
      gesture.down.set(event.pointerId, [event.clientX, event.clientY]);
      if (gesture.down.size > 1) {
        gesture.wasPinch = true;
        gesture.anchor = undefined;
        return;
      }
      Object.assign(gesture, { from: [event.clientX, event.clientY], anchor: undefined, isMoving: false, wasPinch: false });
      target.dataset.at = String(event.timeStamp);
      if (tool.value === 'box' && can) gesture.anchor = anchorAt(event) ?? placeOfEvent(event);
      if (tool.value === 'box' || zoom.value.size < 1) target.setPointerCapture(event.pointerId);
    },
    onPointerUp: (event: PointerEvent) => {
      const target = event.currentTarget as HTMLElement;
      const { wasPinch, isMoving } = end(event);
      const [x, y] = placeOfEvent(event);
      const isLong = event.timeStamp - Number(target.dataset.at ?? event.timeStamp) > LONG_PRESS_MS;
      performance.mark('fastsam-click');
      if (wasPinch) return;
      if (tool.value === 'point' && can && draft.value) {
        change({ ...draft.value, points: [...draft.value.points, [x, y, !(event.shiftKey || isLong)]] });
        return;
      }
      if (tool.value !== 'look' || (isMoving && zoom.value.size < 1)) return;
      const hits = stage.current?.hit(x, y, event.pointerType === 'touch') ?? [];
      const chosen = [...(stage.current?.selected ?? [])][0];
      // Again: the next larger one of those that lie here.
      const next = chosen === undefined ? -1 : hits.indexOf(chosen);
      focus(hits[next + 1] ?? hits[0] ?? -1);
    },
    onWheel: (event: WheelEvent) => {
      event.preventDefault();
      zoom.value = zoomAt(zoom.value, event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP, placeOfEvent(event));
    },
    onContextMenu: (event: MouseEvent) => event.preventDefault(),
  };
}
