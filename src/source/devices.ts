/** V4L2 cameras by names that survive replugging: /dev/videoN is renumbered whenever a camera comes or goes. */
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { FastsamError } from '../errors.js';

/** Where the kernel and udev keep their files; a test names other folders. */
export interface DeviceRoots {
  readonly dev: string;
  readonly sys: string;
}

const ROOTS: DeviceRoots = { dev: '/dev', sys: '/sys' };

export interface DeviceNames {
  /** /dev/videoN, as it is now. */
  readonly path: string;
  /** Stable names, as they follow `v4l2:`. */
  readonly stable: readonly string[];
}

/**
 * The device node that `name`, what follows `v4l2:`, stands for at this moment: a path (/dev/video0,
 * /dev/v4l/by-id/…), `by-id/NAME`, `by-path/NAME`, `serial/NUMBER` or a number: 0 for the first camera. Errors: SOURCE_NOT_FOUND while it is not plugged in,
 * SOURCE_UNSUPPORTED for anything else.
 */
export async function resolveDevice(name: string, roots: DeviceRoots = ROOTS): Promise<string> {
  if (/^\d+$/.test(name)) return numbered(Number(name), roots);
  const [kind, ...rest] = name.split('/');
  const id = rest.join('/');
  if (kind === 'serial' && id !== '') {
    const device = (await listDevices(roots)).find(({ stable }) => stable.includes(name));
    if (device) return device.path;
    throw new FastsamError('SOURCE_NOT_FOUND', `v4l2:${name}: no camera with this serial number is plugged in ("fastsamd camera list")`);
  }
  const linked = (kind === 'by-id' || kind === 'by-path') && id !== '' && !id.includes('/');
  const path = linked ? join(roots.dev, 'v4l', name) : name;
  if (!isAbsolute(path)) {
    throw new FastsamError(
      'SOURCE_UNSUPPORTED',
      `v4l2:${name}: expected /dev/videoN, by-id/NAME, by-path/NAME or serial/NUMBER ("fastsamd camera list")`,
    );
  }
  const device = await realpath(path).catch((cause) => {
    throw new FastsamError('SOURCE_NOT_FOUND', `v4l2:${name}: no such device; is the camera plugged in? ("fastsamd camera list")`, {
      cause,
    });
  });
  if (!device.startsWith(`${roots.dev}/`) || (await stat(device)).isDirectory()) {
    throw new FastsamError('SOURCE_UNSUPPORTED', `v4l2:${name}: not a video device`);
  }
  return device;
}

/** The camera that OpenCV and Ultralytics call `number`; 0 is the first one there is, should /dev/video0 be gone. */
async function numbered(number: number, roots: DeviceRoots): Promise<string> {
  const paths = (await listDevices(roots)).map(({ path }) => path);
  const path = paths.find((each) => each === join(roots.dev, `video${number}`)) ?? (number === 0 ? paths[0] : undefined);
  if (path !== undefined) return path;
  const known = paths.length > 0 ? `expected one of ${paths.join(', ')}` : 'no camera is plugged in';
  throw new FastsamError('SOURCE_NOT_FOUND', `camera ${number}: ${known} ("fastsamd camera list")`);
}

/** Every video node with its stable names, in the order of their numbers. A camera may have several nodes. */
export async function listDevices(roots: DeviceRoots = ROOTS): Promise<DeviceNames[]> {
  const nodes = (await entries(join(roots.sys, 'class/video4linux'))).filter((name) => /^video\d+$/.test(name));
  nodes.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  const links = await Promise.all(['by-id', 'by-path'].map((kind) => linksOf(roots, kind)));
  return Promise.all(
    nodes.map(async (node) => {
      const serial = await serialOf(roots, node);
      const linked = links.flat().filter(({ target }) => target === node);
      return {
        path: join(roots.dev, node),
        stable: [...linked.map(({ name }) => name), ...(serial === undefined ? [] : [`serial/${serial}`])],
      };
    }),
  );
}

async function linksOf(roots: DeviceRoots, kind: string): Promise<{ name: string; target: string }[]> {
  const folder = join(roots.dev, 'v4l', kind);
  return Promise.all(
    (await entries(folder)).map(async (name) => ({
      name: `${kind}/${name}`,
      target: basename(await readlink(join(folder, name)).catch(() => '')),
    })),
  );
}

/** Of a USB camera, and only on its first node, the one that captures. */
async function serialOf(roots: DeviceRoots, node: string): Promise<string | undefined> {
  const folder = join(roots.sys, 'class/video4linux', node);
  const index = await attribute(join(folder, 'index'));
  // `device` leads to the USB interface; the serial number belongs to the device that it is part of.
  const part = await realpath(join(folder, 'device')).catch(() => folder);
  const serial = await attribute(join(dirname(part), 'serial'));
  return serial !== '' && (index === '0' || index === '') ? serial : undefined;
}

async function attribute(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}

function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
