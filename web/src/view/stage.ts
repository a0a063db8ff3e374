/** One canvas with the newest frame of a camera, or a photo: decoding, colours, hit tests. No Preact in here. */
import type { ViewMeta } from '../../../src/contract/console.js';
import { readJpeg, readView, type View } from '../../../src/contract/view-message.js';
import { boxIou, colourOf, Identities } from './colours.js';
import { createRenderer, PAINT, type Renderer, type Style } from './renderer.js';

export interface Shown extends View<ViewMeta> {
  /** [objects] numbers that stay with an object from frame to frame. */
  readonly ids: Uint32Array;
}

export interface StageStyle extends Style {
  /** Objects with a lower score are left out. */
  readonly least: number;
  readonly masks: 'all' | 'matched' | 'none';
}

const NEAR_CELLS = 4;

/** `?renderer=2d` or `webgl2` in the address: for machines whose WebGL draws wrongly, or is better than the browser says. */
export function wantedRenderer(): string | undefined {
  return new URLSearchParams(location.search).get('renderer') ?? undefined;
}

export class Stage {
  style: StageStyle = { opacity: 0.35, contours: true, least: 0, masks: 'all' };
  /** The frame on the screen. */
  shown: Shown | undefined;
  isFrozen = false;
  /** Object under the pointer, selected objects: by index into the frame shown. */
  hovered = -1;
  selected: ReadonlySet<number> = new Set();
  /** The object whose exact outline lies over the picture: its edge in the map would be a second, rougher line. */
  outlined = -1;
  /** Called after a frame was drawn. */
  onFrame: (shown: Shown) => void = () => undefined;
  /** Bitmaps that are open: never more than two. */
  openBitmaps = 0;
  drawn = 0;
  readonly #canvas: HTMLCanvasElement;
  readonly #identities = new Identities();
  #renderer: Renderer;
  #bitmap: ImageBitmap | undefined;
  #pending: { readonly bytes: Uint8Array<ArrayBuffer>; readonly drawn: () => void } | undefined;
  #isBusy = false;
  #isClosed = false;
  #isPlaced = false;

  constructor(canvas: HTMLCanvasElement, renderer?: string) {
    this.#canvas = canvas;
    this.#renderer = createRenderer(canvas, renderer);
  }

  get rendererName(): string {
    return this.#renderer.name;
  }

  /** The newest frame; one that waits is replaced by it. `drawn` is called once it is on the screen, or never will be. */
  frame(bytes: Uint8Array<ArrayBuffer>, drawn: () => void): void {
    this.#pending?.drawn();
    this.#pending = { bytes, drawn };
    if (!this.#isBusy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#pending && !this.#isClosed) {
      const { bytes, drawn } = this.#pending;
      this.#pending = undefined;
      try {
        if (!this.isFrozen) await this.#show(bytes);
        else await nextFrame();
      } catch {
        // A frame that cannot be shown is left out; the next one comes.
      }
      drawn();
    }
    this.#isBusy = false;
  }

  async #show(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const jpeg = readJpeg(bytes);
    // Another thread decodes the picture while this one reads the rest of the message.
    const decoding = jpeg && createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
    let view: View<ViewMeta>;
    try {
      view = readView<ViewMeta>(bytes);
    } catch (error) {
      void decoding?.then(
        (bitmap) => bitmap.close(),
        () => undefined,
      );
      throw error;
    }
    const ids = this.#identities.assign(view.objects);
    const bitmap = await decoding;
    if (bitmap) this.openBitmaps += 1;
    // The screen shows the canvas at its next refresh anyway. A hidden tab waits here and asks for no more frames.
    if (document.hidden) await nextFrame();
    if (this.#isClosed || this.isFrozen) {
      this.#free(bitmap);
      return;
    }
    const before = this.shown;
    this.shown = { ...view, ids };
    this.#keepChoice(before, ids);
    this.#free(this.#bitmap);
    this.#bitmap = bitmap;
    this.fit();
    this.#renderer.setPicture({ bitmap, map: view.map });
    this.redraw();
    this.drawn += 1;
    this.onFrame(this.shown);
  }

  /** What was hovered or selected stays so, by what the object is and not by its rank. */
  #keepChoice(before: Shown | undefined, ids: Uint32Array): void {
    const move = (index: number) => (before && index >= 0 ? ids.indexOf(before.ids[index] ?? 0) : -1);
    this.hovered = move(this.hovered);
    this.selected = new Set([...this.selected].map(move).filter((index) => index >= 0));
  }

  #free(bitmap: ImageBitmap | undefined): void {
    if (!bitmap) return;
    bitmap.close();
    this.openBitmaps -= 1;
  }

  /** The canvas has as many pixels as the screen shows of it. */
  fit(): void {
    const { shown } = this;
    if (!shown) return;
    this.#place(shown);
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const width = Math.max(1, Math.min(1600, Math.round((this.#canvas.clientWidth || shown.part.width) * ratio)));
    const height = Math.max(1, Math.round((width * shown.part.height) / shown.part.width));
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
  }

  /** A canvas that shows a part of the frame lies where that part is; its parent is as large as the whole frame. */
  #place({ part, frame }: Shown): void {
    const isWhole = part.width === frame.width && part.height === frame.height;
    if (isWhole && !this.#isPlaced) return;
    this.#isPlaced = true;
    const percent = (value: number, of: number) => `${(100 * value) / of}%`;
    Object.assign(this.#canvas.style, {
      left: percent(part.x, frame.width),
      top: percent(part.y, frame.height),
      width: percent(part.width, frame.width),
      height: percent(part.height, frame.height),
    });
  }

  redraw(): void {
    if (this.shown) this.#renderer.draw(this.#colours(this.shown), this.style);
  }

  /** Whether the filter lets an object through. */
  isShown(index: number): boolean {
    const { shown, style } = this;
    if (!shown || style.masks === 'none') return false;
    const { scores, prompts } = shown.objects;
    return scores[index]! >= style.least && (style.masks === 'all' || prompts[index] !== 0);
  }

  #colours({ regions, objects, ids, meta }: Shown): Uint8Array<ArrayBuffer> {
    const table = new Uint8Array(4 * regions.length);
    // A prompt for everything answers with everything: that is no answer to point at.
    let telling = 0;
    for (const [k, { type }] of meta.answers.entries()) if (type !== 'everything' && k < 32) telling |= 1 << k;
    for (const [region, list] of regions.entries()) {
      let top = -1;
      for (const index of list) {
        if (index === this.hovered || this.selected.has(index)) {
          top = index;
          break;
        }
        if (top < 0 && this.isShown(index)) top = index;
      }
      if (top < 0) continue;
      const isActive = top === this.hovered || this.selected.has(top);
      const paint =
        isActive && top !== this.outlined
          ? PAINT.active
          : isActive || (objects.prompts[top]! & telling) !== 0
            ? PAINT.matched
            : PAINT.plain;
      table.set([...colourOf(ids[top]!), paint], 4 * region);
    }
    return table;
  }

  /** Objects at a place of the frame (0…1), the smallest first, as the filter lets them through. */
  hit(x: number, y: number, isTouch = false): number[] {
    const { shown } = this;
    if (!shown) return [];
    const { width, height, cells } = shown.map;
    const { part, frame } = shown;
    const at = (column: number, row: number) =>
      column < 0 || row < 0 || column >= width || row >= height
        ? []
        : [...shown.regions[cells[row * width + column]!]!].filter((index) => this.isShown(index));
    const column = Math.floor(((x * frame.width - part.x) / part.width) * width);
    const row = Math.floor(((y * frame.height - part.y) / part.height) * height);
    const found = at(column, row);
    if (found.length > 0 || !isTouch) return found;
    for (let reach = 1; reach <= NEAR_CELLS; reach += 1) {
      for (const [dx, dy] of [
        [reach, 0],
        [-reach, 0],
        [0, reach],
        [0, -reach],
      ] as const) {
        const near = at(column + dx, row + dy);
        if (near.length > 0) return near;
      }
    }
    return [];
  }

  /** The object that fills a box (0…1) best, by their boxes: a guess until the server answers. */
  guessBox([x1, y1, x2, y2]: readonly [number, number, number, number]): number {
    const { shown } = this;
    if (!shown) return -1;
    const { width, height } = shown.frame;
    const box = Uint16Array.of(x1 * width, y1 * height, x2 * width, y2 * height);
    let best = -1;
    let most = 0.1;
    for (let i = 0; i < shown.objects.count; i += 1) {
      const iou = boxIou(box, 0, shown.objects.boxes, 4 * i);
      if (iou > most) {
        most = iou;
        best = i;
      }
    }
    return best;
  }

  close(): void {
    this.#isClosed = true;
    this.#pending?.drawn();
    this.#pending = undefined;
    this.#free(this.#bitmap);
    this.#bitmap = undefined;
    this.#renderer.close();
  }
}

function nextFrame(): Promise<number> {
  return new Promise(requestAnimationFrame);
}
