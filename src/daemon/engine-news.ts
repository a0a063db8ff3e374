/** What a node says about its engine while it opens and when it breaks. */
import type { Logger } from 'pino';
import type { BuildProgress } from '../engine/tensorrt/build.js';
import { isFastsamError } from '../errors.js';
import type { StatusBoard } from '../status/board.js';

/** A builder may report many times a second; a state is for people. */
const INTERVAL_MS = 1000;

/** Publishes the state `building-engine` with how far the build is, and logs each new phase. */
export function buildReporter(status: Pick<StatusBoard, 'setState'>, log: Logger): (progress: BuildProgress) => void {
  let lastText = '';
  let lastAt = Number.NEGATIVE_INFINITY;
  return ({ text, fraction }) => {
    const now = performance.now();
    const fresh = text !== lastText;
    if (!fresh && now - lastAt < INTERVAL_MS && fraction !== 1) return;
    if (fresh) log.info(text);
    lastText = text;
    lastAt = now;
    const percent = fraction === null ? '' : `: ${Math.floor(fraction * 100)} %`;
    status.setState('building-engine', `${text}${percent}`);
  };
}

/** A lost GPU stays lost in this process: the node is degraded until the service manager has started another. */
export function lastStateAfter(error: unknown): 'stopping' | 'degraded' {
  return isFastsamError(error, 'ENGINE_LOST') ? 'degraded' : 'stopping';
}
