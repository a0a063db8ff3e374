import { existsSync } from 'node:fs';
import { native } from '../addon/addon.js';
import type { Platform } from './pipelines.js';

/** What only a Jetson has: its memory manager, or the file that says which Jetson Linux it runs. */
const JETSON_FILES = ['/dev/nvmap', '/dev/nvhost-ctrl', '/etc/nv_tegra_release'];

let found: Promise<Platform> | undefined;

/** Asked once. By the device and not by GStreamer's elements alone: DeepStream brings nvvidconv's kin to other machines too. */
export function platform(): Promise<Platform> {
  found ??= platformOf(
    JETSON_FILES.some((path) => existsSync(path)),
    native().hasGstElement,
  );
  return found;
}

export async function platformOf(isJetson: boolean, hasGstElement?: (name: string) => Promise<boolean>): Promise<Platform> {
  return isJetson && (await hasGstElement?.('nvvidconv')) ? 'jetson' : 'generic';
}
