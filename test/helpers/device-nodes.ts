/**
 * Devices of machines with an NVIDIA GPU: the character devices of /proc/devices, and the nodes that NVIDIA's container
 * toolkit hands to a container on such a machine (and cameras and a GPIO chip, which it leaves out), with the region that each belongs to ("misc" for those of the misc driver,
 * which are allowed by path only).
 */
export interface DeviceTable {
  readonly procDevices: string;
  /** Path of a node → its region in /proc/devices. */
  readonly nodes: Readonly<Record<string, string>>;
}

const COMMON = {
  1: 'mem',
  4: 'tty',
  5: '/dev/tty',
  10: 'misc',
  13: 'input',
  29: 'fb',
  81: 'video4linux',
  226: 'drm',
  234: 'media',
  254: 'gpiochip',
};

const GPU_PARTS = ['as', 'channel', 'ctrl', 'ctxsw', 'dbg', 'power', 'prof', 'prof-ctx', 'prof-dev', 'sched', 'tsg'];
const CAMERA = {
  '/dev/video0': 'video4linux',
  '/dev/media0': 'media',
  '/dev/dri/card0': 'drm',
  '/dev/dri/renderD128': 'drm',
  '/dev/gpiochip0': 'gpiochip',
};

function table(regions: Readonly<Record<number, string>>, nodes: Readonly<Record<string, string>>): DeviceTable {
  const lines = Object.entries({ ...COMMON, ...regions }).map(([major, name]) => `${major.padStart(3)} ${name}`);
  return { procDevices: `Character devices:\n${lines.join('\n')}\n\nBlock devices:\n  8 sd\n259 blkext\n`, nodes };
}

const named = (names: readonly string[], path: (name: string) => string, region: string) =>
  Object.fromEntries(names.map((name) => [path(name), region]));

/** JetPack 5: the GPU's nodes lie in /dev and in /dev/nvgpu, the codecs' in /dev. */
function jetpack5(gpu: string): DeviceTable {
  return table(
    { 195: 'nvidia', 242: 'nvhost', 505: 'nvsciipc', 506: gpu, 507: 'host1x-fence' },
    {
      ...CAMERA,
      ...named(['as', 'ctrl', 'ctxsw', 'dbg', 'power', 'prof', 'sched', 'tsg'], (part) => `/dev/nvhost-${part}-gpu`, gpu),
      '/dev/nvhost-gpu': gpu,
      ...named(GPU_PARTS, (part) => `/dev/nvgpu/igpu0/${part}`, gpu),
      ...named(
        ['ctrl', 'vic', 'nvdec', 'msenc', 'nvjpg', 'nvjpg1', 'ofa', 'nvdla0', 'ctrl-nvdla0'],
        (unit) => `/dev/nvhost-${unit}`,
        'nvhost',
      ),
      '/dev/nvmap': 'misc',
      '/dev/nvsciipc': 'nvsciipc',
      '/dev/host1x-fence': 'host1x-fence',
      '/dev/nvidia0': 'nvidia',
      '/dev/nvidiactl': 'nvidia',
    },
  );
}

function jetpack6(l4tHost: string): DeviceTable {
  const gpu = '17000000.gpu';
  return table(
    { 195: 'nvidia', 234: 'media', 239: l4tHost, 500: 'nvsciipc', 502: gpu, 507: 'host1x-fence' },
    {
      ...CAMERA,
      ...named(['as', 'ctrl', 'ctxsw', 'dbg', 'power', 'prof', 'sched', 'tsg'], (part) => `/dev/nvhost-${part}-gpu`, gpu),
      '/dev/nvhost-gpu': gpu,
      ...named(GPU_PARTS, (part) => `/dev/nvgpu/igpu0/${part}`, gpu),
      ...named(['ctrl-nvdla0', 'ctrl-nvdla1', 'ctrl-pva0'], (unit) => `/dev/nvhost-${unit}`, l4tHost),
      '/dev/nvmap': 'misc',
      '/dev/nvsciipc': 'nvsciipc',
      '/dev/host1x-fence': 'host1x-fence',
      '/dev/nvidia0': 'nvidia',
      '/dev/nvidiactl': 'nvidia',
      '/dev/nvidia-modeset': 'nvidia',
    },
  );
}

const THOR = '0000:01:00.0';

export const DEVICES: Readonly<Record<string, DeviceTable>> = {
  'Xavier, JetPack 5': jetpack5('17000000.gv11b'),
  'Orin, JetPack 5': jetpack5('17000000.ga10b'),
  'Orin, JetPack 6': jetpack6('nvhost-nvdla'),
  'Orin, JetPack 7': jetpack6('host1x-nvhost'),
  'Thor, JetPack 7': table(
    { 195: 'nvidia', 240: 'nvidia-uvm', 241: 'nvidia-caps', 500: 'nvsciipc', 502: THOR, 507: 'host1x-fence' },
    {
      ...CAMERA,
      ...named(GPU_PARTS, (part) => `/dev/nvgpu/igpu-${THOR}/${part}`, THOR),
      '/dev/nvmap': 'misc',
      '/dev/nvsciipc': 'nvsciipc',
      '/dev/host1x-fence': 'host1x-fence',
      '/dev/nvidia0': 'nvidia',
      '/dev/nvidiactl': 'nvidia',
      '/dev/nvidia-uvm': 'nvidia-uvm',
    },
  ),
  'a PC with a card': table(
    { 195: 'nvidia-frontend', 236: 'nvidia-uvm', 237: 'nvidia-caps' },
    {
      ...CAMERA,
      '/dev/nvidia0': 'nvidia-frontend',
      '/dev/nvidiactl': 'nvidia-frontend',
      '/dev/nvidia-uvm': 'nvidia-uvm',
      '/dev/nvidia-uvm-tools': 'nvidia-uvm',
      '/dev/nvidia-caps/nvidia-cap1': 'nvidia-caps',
    },
  ),
};

/** The nodes that a unit with these DeviceAllow= values shuts out, as systemd's manual (systemd.resource-control) defines them. */
export function deniedNodes({ procDevices, nodes }: DeviceTable, allowed: readonly string[]): string[] {
  const character = procDevices.slice(0, procDevices.indexOf('Block devices:'));
  const regions = new Set([...character.matchAll(/^\s*\d+ (.+)$/gm)].map(([, name]) => name!));
  const patterns = allowed.flatMap((entry) => /^char-(\S+) rw$/.exec(entry)?.[1] ?? []).map(glob);
  const paths = new Set(allowed.flatMap((entry) => /^(\/dev\/\S+) rw$/.exec(entry)?.[1] ?? []));
  return Object.entries(nodes)
    .filter(([path, region]) => {
      if (!regions.has(region)) throw new Error(`${path}: no region ${region}`);
      return !paths.has(path) && !patterns.some((pattern) => pattern.test(region));
    })
    .map(([path]) => path);
}

/** A shell pattern of `*` and `?`. */
function glob(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`);
}
