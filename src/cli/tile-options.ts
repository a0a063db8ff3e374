/** `--tile` and `--overlap`: large pictures, tile by tile. */
import { grouped } from './option-groups.js';

export const tileOptions = grouped('Large pictures', {
  tile: {
    type: 'number',
    describe: 'Segment in tiles of this many pixels a side, joined at the seams: for pictures much larger than the model’s input (1024).',
  },
  overlap: { type: 'number', default: 0.2, describe: 'Share of a tile that neighbours have in common; with --tile.' },
});

export interface TileArguments {
  readonly tile?: number | undefined;
  readonly overlap: number;
}
