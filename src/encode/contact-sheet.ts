/** A picture sheet: many judged parts as one picture, for people who would rather look than read a table. */
import sharp from 'sharp';
import type { Verdict } from '../contract/inspection.js';

/** The longer side of a part on the sheet, in pixels. */
const TILE = 320;
const GAP = 8;
/** Parts on one sheet; of more, parts that are not OK stay. */
const ROOM = 240;

interface Tile {
  readonly verdict: Verdict;
  /** JPEG, since a raw picture takes ten times the memory. */
  readonly picture: Buffer;
}

/** Collects judged parts in their order; holds at most `room` small pictures in memory. */
export class ContactSheet {
  readonly #tiles: Tile[] = [];
  #left = 0;
  readonly #room: number;

  constructor(room = ROOM) {
    this.#room = room;
  }

  /** Parts that the sheet has no room for. */
  get left(): number {
    return this.#left;
  }

  /** Adds a part. `rgb` is its annotated picture, tightly packed. */
  async add(verdict: Verdict, rgb: Uint8Array, { width, height }: { readonly width: number; readonly height: number }): Promise<void> {
    if (this.#tiles.length >= this.#room) {
      this.#left += 1;
      if (verdict === 'OK') return;
      const good = this.#tiles.findIndex((tile) => tile.verdict === 'OK');
      if (good < 0) return;
      this.#tiles.splice(good, 1);
    }
    const picture = await sharp(rgb, { raw: { width, height, channels: 3 } })
      .resize({ width: TILE, height: TILE, fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 90 })
      .toBuffer();
    this.#tiles.push({ verdict, picture });
  }

  /** Writes the sheet; the format follows from the ending of `path`. Nothing is written for no parts. Errors: sharp's. */
  async write(path: string): Promise<void> {
    const count = this.#tiles.length;
    if (count === 0) return;
    // About 4 : 3, without columns that would stay empty.
    const rows = Math.ceil(count / Math.ceil(Math.sqrt((count * 4) / 3)));
    const columns = Math.ceil(count / rows);
    const pitch = TILE + GAP;
    await sharp({
      create: { width: columns * pitch + GAP, height: rows * pitch + GAP, channels: 3, background: '#f2f2f2' },
    })
      .composite(
        this.#tiles.map(({ picture }, index) => ({
          input: picture,
          left: GAP + (index % columns) * pitch,
          top: GAP + Math.floor(index / columns) * pitch,
        })),
      )
      .toFile(path);
  }
}
