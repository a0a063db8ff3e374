/** Short texts as greyscale pictures, in the font that comes with the package: a machine without fonts draws the same. */
import { createRequire } from 'node:module';
import sharp from 'sharp';
import type { Stamp } from '../addon/drawing.js';

/** Texts in memory: scores of two digits for a few classes. */
const MAX_STAMPS = 512;

export class TextStamps {
  readonly #stamps = new Map<string, Promise<Stamp>>();

  /** The text with a margin, `fontPixels` high without it. */
  render(text: string, fontPixels: number): Promise<Stamp> {
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

/** Legible at this size of the frame. */
export function fontPixelsFor(width: number, height: number): number {
  return Math.max(12, Math.round(Math.min(width, height) / 45));
}

async function renderText(text: string, fontPixels: number): Promise<Stamp> {
  const fontfile = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf');
  const escaped = text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character]!);
  const ink = await sharp({ text: { text: escaped, fontfile, font: `DejaVu Sans Bold ${fontPixels}`, dpi: 72 } })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  // Texts with and without descenders get labels of one height.
  const margin = Math.round(fontPixels / 4);
  const width = ink.info.width + 2 * margin;
  const height = Math.max(Math.round(fontPixels * 1.4), ink.info.height + 2);
  const alpha = new Uint8Array(width * height);
  const top = Math.min(Math.round(fontPixels * 0.3), height - ink.info.height);
  for (let y = 0; y < ink.info.height; y += 1) {
    alpha.set(ink.data.subarray(y * ink.info.width, (y + 1) * ink.info.width), (top + y) * width + margin);
  }
  return { alpha, width, height };
}
