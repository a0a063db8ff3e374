import { native } from '../addon/addon.js';
import type { Platform } from './pipelines.js';

let found: Promise<Platform> | undefined;

/** What GStreamer has to offer on this machine, asked once: a Jetson has nvvidconv. */
export function platform(): Promise<Platform> {
  const { hasGstElement } = native();
  found ??= (hasGstElement?.('nvvidconv') ?? Promise.resolve(false)).then((jetson) => (jetson ? 'jetson' : 'generic'));
  return found;
}
