/**
 * onnxruntime, loaded with its telemetry off: since 1.30 it otherwise keeps a device id and a queue of usage events below
 * ~/.cache/Microsoft, writes a log into the temporary folder, and sends both to its vendor. It reads
 * ORT_DISABLE_TELEMETRY from the environment of the process while it is loaded. `process.env` of a worker thread is a
 * copy of that environment; the addon sets the variable in the environment itself, also for users of the library. This is
 * the only place that loads onnxruntime.
 */
import { createRequire } from 'node:module';
import type * as OnnxRuntime from 'onnxruntime-node';
import { native } from '../../addon/addon.js';

// Loading the addon sets the variable.
native();

export const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof OnnxRuntime;
