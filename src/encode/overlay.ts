/** Pictures for people: the frame with masks filled in colour, outlined, boxed and labelled, and the prompts. */

import { native } from '../addon/addon.js';
import type { OverlayObject } from '../addon/drawing.js';
import type { NativeFrame } from '../addon/frame.js';
import type { Frame } from '../domain/frame.js';
import type { Prompt } from '../domain/prompt.js';
import type { FrameResult } from '../domain/result.js';
import { boxOf } from '../domain/segments.js';
import { placeLabels } from './label-layout.js';
import { asSegments } from './masks.js';
import { inkOn, ObjectColours, paletteColour } from './object-colours.js';
import { drawPrompts, lineWidth, type Marks } from './prompt-marks.js';
import { objectsToSend } from './result.js';
import { fontPixelsFor, TextStamps } from './text-stamp.js';
import { trackColour } from './track-marks.js';

export interface DrawOptions {
  /** With prompts: only the objects they matched, or all. Without prompts always all. */
  readonly objects: 'matched' | 'all';
  /** Drawn with what became of them; none when absent. */
  readonly prompts?: readonly Prompt[];
  /** What else is drawn, for lines of this width. */
  readonly marks?: (lineWidth: number) => Marks;
}

/** Draws the frames of one stream: colours stay with the objects from one frame to the next. */
export class Overlay {
  readonly #stamps = new TextStamps();
  readonly #colours = new ObjectColours();

  /** The annotated frame as tightly packed RGB. A still has nothing in common with the picture before it. */
  async draw(frame: Frame, result: FrameResult, { objects, prompts = [], marks }: DrawOptions): Promise<Uint8Array> {
    if (frame.ptsNs === null) this.#colours.forget();
    const merged = result.answers.flatMap((answer) => answer.merged ?? []);
    const rgb =
      merged.length > 0
        ? await this.#drawMerged(frame, merged)
        : await this.#drawObjects(frame.pixels as NativeFrame, result, objectsToSend(result, objects));
    return drawPrompts(
      rgb,
      frame,
      prompts,
      result.answers,
      this.#stamps,
      fontPixelsFor(frame.width, frame.height),
      marks?.(lineWidth(frame)),
    );
  }

  async #drawMerged(frame: Frame, merged: readonly Uint32Array[]): Promise<Uint8Array> {
    let rgb = await native().toRgb(frame.pixels as NativeFrame);
    const { width, height } = frame;
    for (const [k, runs] of merged.entries()) {
      const canvas = native().createFrame(rgb, { width, height, format: 'rgb' });
      rgb = await native().drawOverlay(canvas, asSegments(runs, width, height), [{ index: 0, color: paletteColour(k) }]);
      canvas.release();
    }
    return rgb;
  }

  async #drawObjects(pixels: NativeFrame, result: FrameResult, indices: Uint32Array): Promise<Uint8Array> {
    const { segments } = result;
    const ids = result.tracks?.ids;
    const assigned = this.#colours.assign(segments);
    const colours = assigned.map((colour, index) => (ids?.[index] ? trackColour(ids[index]) : colour));
    const fontPixels = fontPixelsFor(pixels.width, pixels.height);
    const shown = [...indices];
    const stamps = await Promise.all(shown.map((index) => this.#stamps.render(labelOf(result, index), fontPixels)));
    // In descending score: of two labels in one place the surer one stays.
    const boxes = shown.map((index) => boxOf(segments, index));
    const places = placeLabels(boxes, stamps, pixels);
    const overlays = shown.map((index, k): OverlayObject => {
      const color = colours[index]!;
      const place = places[k];
      return { index, color, box: true, ...(place && { label: { ...stamps[k]!, ...place, ink: inkOn(color) } }) };
    });
    // Small objects on top of the large ones that they lie on.
    overlays.sort((a, b) => segments.areas[b.index]! - segments.areas[a.index]!);
    return native().drawOverlay(pixels, segments, overlays);
  }
}

function labelOf({ segments, model, tracks }: FrameResult, index: number): string {
  const score = segments.scores[index]!.toFixed(2);
  const label = model.labels[segments.classes[index]!];
  const id = tracks?.ids[index];
  return [id ? `#${id}` : '', label ?? '', score].filter((part) => part !== '').join(' ');
}
