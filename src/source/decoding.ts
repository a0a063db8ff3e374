/** Who decodes a source's stream on this machine, and where its frames lie. */
import { native } from '../addon/addon.js';
import type { Decoder } from '../domain/picture.js';
import type { CapturePlan } from './gst-source.js';
import { type Platform, staysInPlace, usesHardware } from './pipelines.js';
import { platform } from './platform.js';
import type { SourceOptions, Way } from './source.js';

/** What the pipelines need to know of the machine. */
export interface Machine {
  readonly platform: Platform;
  /** A GPU may read frames where the hardware leaves them: there are libnvbufsurface and an addon with TensorRT. */
  readonly sharesMemory: boolean;
}

async function thisMachine(): Promise<Machine> {
  const addon = native();
  const found = await platform();
  return { platform: found, sharesMemory: found === 'jetson' && addon.tensorrt !== undefined && !!(await addon.hasDeviceMemory?.()) };
}

/** The pipeline that `build` makes for the machine, what is asked for and this way, or for the next that the machine has. */
export async function decodingPlan(
  { decoder = 'auto', deviceMemory = true }: Pick<SourceOptions, 'decoder' | 'deviceMemory'>,
  way: Way,
  build: (machine: Platform, decoder: Decoder, inPlace: boolean) => string | Promise<string>,
  machine?: Machine,
): Promise<Pick<CapturePlan, 'pipeline' | 'decoder' | 'next'>> {
  const { platform: found, sharesMemory } = machine ?? (await thisMachine());
  const chosen = way === 'cpu' ? 'cpu' : decoder;
  const hardware = usesHardware(found, chosen);
  const pipeline = await build(found, chosen, way === 'in place' && deviceMemory && hardware && sharesMemory);
  const withoutHardware = hardware && decoder === 'auto' ? ('cpu' as const) : undefined;
  // Elsewhere than on a Jetson decodebin is left to the processor's decoders: the decoders of a graphics card leave frames in its memory.
  return {
    pipeline,
    decoder: hardware || chosen === 'hardware' ? chosen : 'cpu',
    // A file's frames, and some that are turned and scaled, are copied from the first.
    next: staysInPlace(pipeline) ? 'copied' : withoutHardware,
  };
}
