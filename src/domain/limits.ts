/**
 * Limits on what comes from outside, in one place: each is checked before memory is taken for what it limits. Those of
 * camera streams are in native/capture/guard.h, those of the embedded broker's clients in its own module.
 */

/** Most pixels of a still picture (8192 × 8192): 200 MB once it is decoded. */
export const MAX_PICTURE_PIXELS = 2 ** 26;
/** Most pixels of a still picture that is read in parts (32768 × 32768): no part of it depends on the whole. */
export const MAX_PARTED_PIXELS = 2 ** 30;
/** The longest side of a frame, see native/core/image.h. */
export const MAX_PICTURE_SIDE = 32_768;
/** Most pixels of a job's picture (8192 × 6144): decoded, 150 MB. */
export const MAX_JOB_PIXELS = 50_331_648;
/** Seconds that a still picture may take to decode. */
export const PICTURE_TIMEOUT_S = 20;
/** Most pixels of a model's input (2048 × 2048): 50 MB for each frame in flight. */
export const MAX_MODEL_INPUT_PIXELS = 2 ** 22;
/** Most bytes of one unpacked entry of a checkpoint; the largest tensor of FastSAM-x has 15 MB. */
export const MAX_CHECKPOINT_ENTRY_BYTES = 2 ** 26;
/** Milliseconds that the tokenizer and the text encoder may take for the texts of one change of prompts. */
export const TEXT_TIMEOUT_MS = 15_000;
