/** `--save-txt`, `--save-masks`, `--cutouts` and `--coco`: results as files that other tools read. */
import { grouped } from './option-groups.js';

export const exportOptions = grouped('Files for other tools', {
  'save-txt': {
    type: 'string',
    requiresArg: true,
    describe: 'Folder for a .txt per frame: class and outline of each object, 0…1 (a YOLO segmentation dataset).',
  },
  'save-masks': { type: 'string', requiresArg: true, describe: 'Folder for a black and white PNG per object, as large as the frame.' },
  'mask-files': {
    choices: ['objects', 'map'] as const,
    default: 'objects' as const,
    describe: 'What --save-masks writes: a PNG per object, or one 16 bit map per frame with the number of the object + 1.',
  },
  cutouts: { type: 'string', requiresArg: true, describe: 'Folder for a PNG per object: the object alone, transparent around it.' },
  coco: { type: 'string', requiresArg: true, describe: 'JSON file for all frames: a COCO dataset with masks as RLE.' },
  edges: {
    type: 'string',
    requiresArg: true,
    describe: 'Soft boundaries of everything, as grey levels: a .png for one picture, or a folder for a .png per frame. Not with TensorRT.',
  },
  geojson: {
    type: 'string',
    requiresArg: true,
    describe: 'GeoJSON file: outlines in longitude and latitude, of georeferenced pictures (GeoTIFF, or a world file beside them).',
  },
  epsg: { type: 'number', describe: 'Coordinate system of the pictures, where they do not say, as in 32616; with --geojson.' },
  regularize: { type: 'boolean', default: false, describe: 'Give the outlines of --geojson right angles, as buildings have them.' },
});

export interface ExportArguments {
  readonly 'save-txt'?: string | undefined;
  readonly 'save-masks'?: string | undefined;
  readonly 'mask-files': 'objects' | 'map';
  readonly cutouts?: string | undefined;
  readonly coco?: string | undefined;
  readonly edges?: string | undefined;
  readonly geojson?: string | undefined;
  readonly epsg?: number | undefined;
  readonly regularize: boolean;
}
