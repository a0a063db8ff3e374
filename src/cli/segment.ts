/** `fastsamd segment`: one-shot segmentation of files, directories or cameras; the counterpart of FastSAM's Inference.py. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { isImagePath } from '../addon/picture-kinds.js';
import type { Frame } from '../domain/frame.js';
import { FastsamError } from '../errors.js';
import { demandRange, segmentationOf } from './model-options.js';
import { openModel } from './open-model.js';
import type { AnnotatedOutput } from './output.js';
import { Inputs } from './overwriting.js';
import { promptsOf } from './prompts-of.js';
import type { SegmentArguments } from './segment-sources.js';
import { expandSources } from './source-words.js';
import { asksForTracks } from './track-options.js';

export async function segment(args: SegmentArguments): Promise<void> {
  const segmentation = { ...segmentationOf(args), ...(args.edges === undefined ? {} : { edges: EDGES }) };
  demandRange('--min-iou', args['min-iou'], 0, 1);
  if (args.frames !== undefined) demandRange('--frames', args.frames, 1, 1e9, true);
  if (args['text-threshold'] !== undefined) demandRange('--text-threshold', args['text-threshold'], -1, 1);
  demandTiles(args);
  const prompts = promptsOf(args);
  const sources = await expandSources(args.source);
  const tracking = asksForTracks(args) ? (await import('./track-run.js')).trackingOf(args) : undefined;
  const marks = tracking ? (frame: Frame, width: number) => tracking.marks(frame, width) : undefined;
  let output: AnnotatedOutput | undefined;
  if (args.out !== undefined) {
    const { AnnotatedOutput } = await import('./output.js');
    output = new AnnotatedOutput(args.out, prompts, await Inputs.of(sources), marks);
    await output.check();
  }
  const [engine, { segmentSources }] = await Promise.all([
    // A warm-up takes as long as the picture itself.
    openModel({ ...args, warmUp: sources.length > 1 || !isImagePath(sources[0]!) }),
    // By then the engine's thread loads the network; meanwhile this one loads the decoder of pictures and the rest.
    nextTurn().then(() => import('./segment-sources.js')),
  ]);
  await segmentSources(sources, args, { engine, segmentation, prompts, output, tracking });
}

/** As SAM's evaluation draws them, and `fastsamd eval edges`. */
const EDGES = { boundaryOnly: true, byScore: true } as const;

/** Errors: USAGE. */
function demandTiles(args: SegmentArguments): void {
  const { tile, overlap, track, follow, line, zone, mot, edges } = args;
  if (tile === undefined) return;
  if (edges !== undefined) throw new FastsamError('USAGE', '--tile: boundaries are those of a whole picture; leave out --edges');
  demandRange('--tile', tile, 64, 8192, true);
  demandRange('--overlap', overlap, 0, 0.9);
  if (track || follow || line || zone || mot !== undefined)
    throw new FastsamError('USAGE', '--tile: objects of tiles are not tracked; leave out --track, --follow, --line, --zone and --mot');
}
