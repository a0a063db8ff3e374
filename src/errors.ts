/**
 * The one error class of the project. Every failure a caller can meet carries a code; the guards below are the
 * recovery decisions taken on those codes, so that no caller compares message texts.
 */

const EXIT_CODES = {
  /** The command line is wrong. */
  USAGE: 2,
  /** A configuration file is unreadable, not YAML, or breaks the schema. */
  CONFIG_INVALID: 2,
  /** A prompt breaks the schema or its limits. */
  PROMPT_INVALID: 2,
  /** No such file, directory or device. */
  SOURCE_NOT_FOUND: 3,
  /** The URI scheme, container or codec is not one we can open. */
  SOURCE_UNSUPPORTED: 3,
  /** The bytes are there and are not an image or a video. */
  SOURCE_CORRUPT: 3,
  /** A source that was streaming broke off. */
  SOURCE_LOST: 3,
  /** The source did not answer in time. */
  SOURCE_TIMEOUT: 3,
  /** A capture pipeline that does not stop: its thread is abandoned, and what it holds stays held. */
  SOURCE_WEDGED: 1,
  MODEL_NOT_FOUND: 3,
  MODEL_CORRUPT: 3,
  /** The file is a model, with inputs or outputs that are not YOLOv8-seg's. */
  MODEL_UNSUPPORTED: 3,
  /** Annotations or results of an evaluation that contradict themselves or each other. */
  DATASET_INVALID: 3,
  OUTPUT_UNWRITABLE: 3,
  /** Text prompts were asked for, and there is no text model that can answer them. */
  TEXT_UNAVAILABLE: 3,
  /** The configured backend is not part of this build or not on this machine. */
  ENGINE_UNAVAILABLE: 1,
  /** Inference failed on a frame. */
  ENGINE_FAILED: 1,
  /** The GPU is lost to this process for good: only a new one can go on. */
  ENGINE_LOST: 1,
  /** An engine file that was made for another TensorRT, GPU or model: to be built again. */
  ENGINE_STALE: 3,
  /** An engine file that is cut short, damaged or none: to be built again. */
  ENGINE_CORRUPT: 3,
  /** An int8 engine that was not compared with its model yet, or failed. */
  ENGINE_UNVERIFIED: 1,
  /** Surfaces that were taught with another model: to be taught again. */
  TAUGHT_STALE: 3,
  /** A lesson of a camera that has none. */
  TEACH_NOT_RUNNING: 1,
  /** A camera is being taught already. */
  TEACH_RUNNING: 1,
  /** A frame in which nothing of the recipe could be measured. */
  TEACH_NO_PART: 1,
  /** Too few good parts, or too little measured of them. */
  TEACH_INCOMPLETE: 1,
  /** A request over MQTT that cannot be understood or is not allowed. */
  REQUEST_INVALID: 1,
  /** A request that this node's configuration does not permit. */
  REQUEST_FORBIDDEN: 1,
  /** `ifRevision` did not match the applied prompt revision. */
  REVISION_CONFLICT: 1,
  RATE_LIMITED: 1,
  /** Following, lines and zones were asked of a camera that does not track. */
  TRACKING_OFF: 2,
  BROKER_UNREACHABLE: 1,
  /** A file could not be fetched: the network, the server or the address. */
  DOWNLOAD_FAILED: 1,
  /** Another daemon uses the state directory. */
  STATE_LOCKED: 1,
  /** A job that has ended the process that did it twice. */
  JOB_POISON: 1,
  /** The native addon is missing or does not load. */
  NATIVE_UNAVAILABLE: 1,
  /** The caller used an object in a way its documentation forbids (after stop, twice, …). */
  MISUSE: 1,
  OUT_OF_MEMORY: 1,
  /** A defect of fastsamd itself. */
  INTERNAL: 1,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

/** An error with a code and one line for humans that says what was expected and what to do. */
export class FastsamError extends Error {
  override readonly name = 'FastsamError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export function isFastsamError(error: unknown, ...codes: ErrorCode[]): error is FastsamError {
  return error instanceof FastsamError && (codes.length === 0 || codes.includes(error.code));
}

/** Process exit code for an error: 2 usage and configuration, 3 unusable input, 1 anything else. */
export function exitCodeOf(error: unknown): number {
  return isFastsamError(error) ? EXIT_CODES[error.code] : 1;
}

/** True when opening the source again later may succeed: the camera is away, not wrong. */
export function isSourceRetryable(error: unknown): boolean {
  return isFastsamError(error, 'SOURCE_LOST', 'SOURCE_TIMEOUT', 'SOURCE_NOT_FOUND', 'SOURCE_CORRUPT');
}

/** True when building the engine file again helps. */
export function isEngineRebuildable(error: unknown): boolean {
  return isFastsamError(error, 'ENGINE_STALE', 'ENGINE_CORRUPT');
}

/** True when the sender of an MQTT request is at fault and must be told so; anything else is ours. */
export function isRequesterFault(error: unknown): boolean {
  return isFastsamError(
    error,
    'REQUEST_INVALID',
    'REQUEST_FORBIDDEN',
    'PROMPT_INVALID',
    'REVISION_CONFLICT',
    'RATE_LIMITED',
    'TEXT_UNAVAILABLE',
    'TRACKING_OFF',
    'TEACH_NOT_RUNNING',
    'TEACH_RUNNING',
    'TEACH_NO_PART',
    'TEACH_INCOMPLETE',
  );
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** Narrowing helper for system errors (`ENOENT`, `ECONNREFUSED`, …). */
export function systemCodeOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
