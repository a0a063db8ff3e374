/** Pictures for people: the frame with masks filled in colour, outlined, and labelled with class and score. */
import { createRequire } from 'node:module';
import sharp from 'sharp';
import type { Frame } from '../domain/frame.js';
import type { FrameResult } from '../domain/result.js';
import type { Segments } from '../domain/segments.js';
import { type NativeFrame, native, type OverlayObject, type Stamp } from '../native.js';
import { asSegments } from './masks.js';
import { objectsToSend } from './result.js';

/** Label texts in memory: scores of two digits for a few classes. */
const MAX_STAMPS = 512;
const GOLDEN_RATIO = 0.618034;

export class Overlay {
  readonly #stamps = new Map<string, Promise<Stamp>>();

  /** The annotated frame as tightly packed RGB. */
  async draw(frame: Frame, result: FrameResult, objects: 'matched' | 'all'): Promise<Uint8Array> {
    const merged = result.answers.flatMap((answer) => answer.merged ?? []);
    if (merged.length === 0) return this.#drawObjects(frame.pixels as NativeFrame, result, objectsToSend(result, objects));
    let rgb = await native().toRgb(frame.pixels as NativeFrame);
    const { width, height } = frame;
    for (const [k, runs] of merged.entries()) {
      const canvas = native().createFrame(rgb, { width, height, format: 'rgb' });
      rgb = await native().drawOverlay(canvas, asSegments(runs, width, height), [{ index: 0, color: colorOf(k) }]);
      canvas.release();
    }
    return rgb;
  }

  async #drawObjects(pixels: NativeFrame, result: FrameResult, indices: Uint32Array): Promise<Uint8Array> {
    const { segments } = result;
    const fontPixels = Math.max(12, Math.round(Math.min(pixels.width, pixels.height) / 45));
    const overlays = Array.from(indices, async (index): Promise<OverlayObject> => {
      const label = await this.#stamp(labelOf(segments, result.model.labels, index), fontPixels);
      return { index, color: colorOf(index), label };
    });
    return native().drawOverlay(pixels, segments, await Promise.all(overlays));
  }

  #stamp(text: string, fontPixels: number): Promise<Stamp> {
    const key = `${fontPixels} ${text}`;
    let stamp = this.#stamps.get(key);
    if (!stamp) {
      if (this.#stamps.size >= MAX_STAMPS) this.#stamps.clear();
      stamp = renderText(text, fontPixels);
      this.#stamps.set(key, stamp);
    }
    return stamp;
  }
}

function labelOf(segments: Segments, labels: readonly string[], index: number): string {
  const score = segments.scores[index]!.toFixed(2);
  const label = labels[segments.classes[index]!];
  return label ? `${label} ${score}` : score;
}

/** Neighbouring indices get hues far apart. Packed 0xRRGGBB. */
function colorOf(index: number): number {
  const hue = (index * GOLDEN_RATIO) % 1;
  const channel = (shift: number) => {
    const t = Math.abs(((hue + shift) % 1) * 6 - 3) - 1;
    return Math.round(255 * (0.15 + 0.85 * Math.min(Math.max(t, 0), 1)));
  };
  return (channel(0) << 16) | (channel(2 / 3) << 8) | channel(1 / 3);
}

async function renderText(text: string, fontPixels: number): Promise<Stamp> {
  const fontfile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
  const escaped = text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);
  const { data, info } = await sharp({ text: { text: escaped, fontfile, font: `DejaVu Sans ${fontPixels}`, dpi: 72 } })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { alpha: data, width: info.width, height: info.height };
}
