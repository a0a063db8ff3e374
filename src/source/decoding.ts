/** Who decodes a source's stream on this machine. */
import type { Decoder } from '../domain/picture.js';
import type { CapturePlan } from './gst-source.js';
import { type Platform, usesHardware } from './pipelines.js';
import { platform } from './platform.js';

/**
 * The pipeline that `build` makes for this machine and the decoder asked for; with `cpuOnly`, after the hardware has failed,
 * for the processor.
 */
export async function decodingPlan(
  decoder: Decoder = 'auto',
  cpuOnly: boolean,
  build: (machine: Platform, decoder: Decoder) => string | Promise<string>,
): Promise<Pick<CapturePlan, 'pipeline' | 'decoder' | 'mayFallBack'>> {
  const machine = await platform();
  const chosen = cpuOnly ? 'cpu' : decoder;
  const hardware = usesHardware(machine, chosen);
  // Elsewhere than on a Jetson decodebin is left to the processor's decoders: the decoders of a graphics card leave frames in its memory.
  return {
    pipeline: await build(machine, chosen),
    decoder: hardware || chosen === 'hardware' ? chosen : 'cpu',
    mayFallBack: hardware && decoder === 'auto',
  };
}
