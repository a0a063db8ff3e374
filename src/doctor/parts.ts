/** Checks of what a configuration names: the addon, the model, each camera, the broker. Everything is tried, and bounded. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { native } from '../addon/addon.js';
import type { TensorRtAddon } from '../addon/tensorrt.js';
import { reachable } from '../config/reachable.js';
import type { CameraConfig, Config } from '../config/schema.js';
import { sourceName, withoutSource } from '../config/source-name.js';
import { sourceOptions } from '../daemon/camera-options.js';
import { engineOptions } from '../daemon/node-engine.js';
import { openEngine } from '../engine/open.js';
import { tensorRt } from '../engine/tensorrt/available.js';
import { type ErrorCode, FastsamError, isFastsamError, messageOf } from '../errors.js';
import { openConnection } from '../mqtt/connection.js';
import { topicsOf } from '../mqtt/topics.js';
import { createSource } from '../source/open.js';
import { croppedFrame } from '../source/source.js';
import { type Check, ok, problem, skipped, warning } from './report.js';

const CAMERA_MS = 15_000;
const MODEL_MS = 120_000;
const BROKER_MS = 10_000;

export function checkAddon(): Check {
  try {
    const { features } = native();
    if (!features.gstreamer)
      return warning(
        'addon',
        'built without GStreamer: no cameras, no videos',
        'install libgstreamer-plugins-base1.0-dev, then make build',
      );
    return ok('addon', `loads, with GStreamer${features.tensorrt ? ' and TensorRT' : ', without TensorRT'}`);
  } catch (error) {
    return problem('addon', messageOf(error), 'make build');
  }
}

/** Whether TensorRT, which is loaded when it is first used, can be used. */
export async function checkTensorRt(): Promise<Check> {
  const name = 'TensorRT';
  let addon: TensorRtAddon;
  try {
    addon = tensorRt();
  } catch {
    return skipped(name, 'not part of this build: onnxruntime runs the network');
  }
  try {
    const { tensorrt, cuda, device } = await within(MODEL_MS, addon.platform());
    return ok(name, `TensorRT ${tensorrt}, CUDA ${cuda} on ${device}`);
  } catch (error) {
    return warning(name, messageOf(error), 'fine where onnxruntime runs the network (model.backend)');
  }
}

/**
 * Loads the configured model, or the one at `small` in the same way, and runs it once. A TensorRT engine that has to be built
 * first is not: that takes minutes and writes a file.
 */
export async function checkModel({ model }: Config, small?: string): Promise<Check> {
  const name = small === undefined ? 'model' : 'small model';
  let missing: string | undefined;
  const onBuild = ({ text }: { readonly text: string }) => {
    missing = text;
    throw new FastsamError('ENGINE_STALE', text);
  };
  try {
    const engine = await within(MODEL_MS, openEngine({ ...engineOptions(model, small), onBuild }));
    try {
      const [ms] = await within(MODEL_MS, engine.measureNetwork(1));
      const { name: called, backend, inputHeight, inputWidth } = engine.model;
      return ok(name, `${called} on ${backend}, input ${inputHeight}×${inputWidth}, ${ms!.toFixed(0)} ms an inference`);
    } finally {
      await engine.stop();
    }
  } catch (error) {
    if (missing !== undefined)
      return warning(
        name,
        `not tried, its engine is still to be built (${missing})`,
        'the daemon builds it at its start; "fastsamd engine build" does it now',
      );
    return problem(name, messageOf(error), 'fastsamd model list shows what is installed, fastsamd model verify checks it');
  }
}

/** Opens the camera as the daemon does, takes one frame and cuts its region of interest out. */
export async function checkCamera(config: CameraConfig): Promise<Check> {
  const name = `camera ${config.id}`;
  let at: 'opening' | 'waiting' | 'cutting' = 'opening';
  try {
    const source = await createSource(config.source, sourceOptions(config));
    try {
      await within(CAMERA_MS, source.open(), 'SOURCE_TIMEOUT');
      at = 'waiting';
      const first = await within(CAMERA_MS, source[Symbol.asyncIterator]().next(), 'SOURCE_TIMEOUT');
      if (first.done) return problem(name, 'opens and sends no frame', 'look at the camera itself');
      at = 'cutting';
      using picture = config.roi ? croppedFrame(first.value, config.roi) : first.value;
      return ok(name, `${picture.width}×${picture.height} ${picture.format}`);
    } finally {
      await within(CAMERA_MS, source.stop(), 'SOURCE_TIMEOUT');
    }
  } catch (error) {
    const why = withoutSource(messageOf(error), config.source);
    // Of these no frame is expected before something happens.
    if (at === 'waiting' && (config.expectIdle || config.watch) && isFastsamError(error, 'SOURCE_TIMEOUT'))
      return warning(name, 'opens and has sent no frame yet', 'trigger it, or put a picture into its folder, while it is being checked');
    if (at === 'cutting' && isFastsamError(error, 'SOURCE_UNSUPPORTED'))
      return problem(name, why, 'set its roi in pixels of its frames, after they are turned and scaled');
    return problem(name, why, 'only one process can have a V4L2 camera: stop the service before you check it');
  }
}

/**
 * Connects, subscribes to what the node may be asked, and sends a message to itself. The embedded broker can be tried only
 * while the daemon runs.
 */
export async function checkBroker({ mqtt, node }: Config): Promise<Check> {
  const name = 'broker';
  const config = reachable(mqtt);
  const topics = topicsOf(config.prefix, node);
  const topic = topics.response('doctor');
  const payload = randomUUID();
  let arrived: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const abort = new AbortController();
  try {
    const connection = await within(
      BROKER_MS,
      openConnection({
        config,
        clientId: `fastsamd-doctor-${payload.slice(0, 8)}`,
        will: { topic, payload: '', qos: 0, retain: false },
        onMessage: (message) => {
          if (message.payload.toString() === payload) arrived();
        },
        signal: abort.signal,
      }),
    );
    try {
      const denied: string[] = [];
      const may = async (what: string, attempt: Promise<void>) => {
        await within(BROKER_MS, attempt).catch((error: unknown) => denied.push(`${what} (${messageOf(error)})`));
      };
      for (const filter of topics.requests) await may(`subscribe to ${filter}`, connection.subscribe(filter));
      await may(`subscribe to ${topic}`, connection.subscribe(topic));
      const begin = performance.now();
      await may(`publish on ${topic}`, connection.publish({ topic, payload, qos: 1, retain: false }));
      if (denied.length > 0)
        return problem(
          name,
          `${sourceName(config.url)}: may not ${denied.join(', nor ')}`,
          `allow the user ${topics.base}/# to read and write in the broker's ACL`,
        );
      await within(BROKER_MS, arrival);
      return ok(name, `${sourceName(config.url)}, a round trip of ${(performance.now() - begin).toFixed(0)} ms on ${topics.base}/#`);
    } finally {
      await connection.close(1000);
    }
  } catch (error) {
    if (mqtt.broker === 'embedded' && isFastsamError(error, 'BROKER_UNREACHABLE'))
      return skipped(name, `the embedded one, at ${sourceName(config.url)}: it answers while the daemon runs`);
    return problem(name, `${sourceName(config.url)}: ${messageOf(error)}`, 'check mqtt.url, the broker, the password file, and the ACL');
  } finally {
    abort.abort();
  }
}

async function within<T>(ms: number, work: Promise<T>, code: ErrorCode = 'INTERNAL'): Promise<T> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new FastsamError(code, `no answer within ${ms / 1000} s`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
