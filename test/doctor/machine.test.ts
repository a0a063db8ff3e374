import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checkMachine, type Machine } from '../../src/doctor/machine.js';
import { type Check, table } from '../../src/doctor/report.js';
import { sensorFiles } from '../../src/telemetry/sensors/files.js';
import { readSensors } from '../../src/telemetry/sensors/readings.js';
import { machines, plant, type Tree } from '../helpers/sysfs.js';

function machine(tree: Tree, changes: Partial<Machine> = {}): Machine {
  const root = mkdtempSync(`${tmpdir()}/fastsamd-doctor-`);
  plant(root, tree);
  const readings = readSensors(sensorFiles({ root }), { folders: [] });
  rmSync(root, { recursive: true });
  return {
    readings,
    groups: { mine: ['fastsamd', 'video', 'render'], all: ['root', 'video', 'render', 'fastsamd'], root: false },
    devices: [{ path: '/dev/video0', accessible: true }],
    tensorrt: '10.3.0.30',
    cuda: '12.6.68',
    clock: { year: 2026, synchronized: true },
    state: { folder: '/var/lib/fastsamd', writable: true, freeBytes: 5e9 },
    ...changes,
  };
}

function found(name: string, tree: Tree, changes?: Partial<Machine>): Check {
  return checkMachine(machine(tree, changes)).find((check) => check.name === name)!;
}

const nano = machines.orinNanoJetPack6;

describe('doctor', () => {
  it('finds nothing wrong with a machine that is well, and says what it has', () => {
    const checks = checkMachine(machine({ ...nano, 'sys/class/hwmon/hwmon3/oc1_event_cnt': 0 }));
    expect(checks.map(({ name, status }) => [name, status])).toEqual(
      ['groups', 'devices', 'jetpack', 'power mode', 'heat and power', 'sensors', 'state folder', 'clock'].map((name) => [name, 'ok']),
    );
    expect(checks[2]!.detail).toBe('JetPack 6.1 or 6.2 (Jetson Linux 36.4.3), TensorRT 10.3.0.30, CUDA 12.6.68');
  });

  it.each<[string, string, Tree, Partial<Machine>, string, RegExp, RegExp]>([
    [
      'groups',
      'missing',
      nano,
      { groups: { mine: [], all: ['video', 'render'], root: false } },
      'problem',
      /not in video and render/,
      /usermod -aG video,render/,
    ],
    ['groups', 'root', nano, { groups: { mine: [], all: [], root: true } }, 'warning', /running as root/, /sudo -u fastsamd/],
    [
      'devices',
      'closed',
      nano,
      { devices: [{ path: '/dev/video0', accessible: false }] },
      'problem',
      /no access to \/dev\/video0/,
      /see groups/,
    ],
    ['devices', 'none', nano, { devices: [] }, 'warning', /neither a camera nor a GPU/, /network cameras/],
    [
      'jetpack',
      'another TensorRT',
      nano,
      { tensorrt: '8.6.2' },
      'warning',
      /comes with TensorRT 10\.3, CUDA 12\.6; this machine has TensorRT 8\.6\.2/,
      /nvidia-jetpack/,
    ],
    ['jetpack', 'none', nano, { tensorrt: null, cuda: null }, 'warning', /TensorRT not found, CUDA not found/, /nvidia-jetpack/],
    [
      'jetpack',
      'too old',
      { 'etc/nv_tegra_release': '# R32 (release), REVISION: 7.1, GCID: 1' },
      {},
      'problem',
      /32\.7\.1 is not supported/,
      /JetPack 5\.1/,
    ],
    ['heat and power', 'throttled', machines.agxOrinJetPack6, {}, 'warning', /cpu-throttle-alert/, /fan/],
    ['heat and power', 'weak supply', nano, {}, 'warning', /1 under-voltage/, /power supply/],
    [
      'sensors',
      'garbage',
      { ...nano, 'sys/class/devfreq/17000000.gpu/device/load': 'x' },
      {},
      'warning',
      /1 cannot be used; .*load/,
      /null in telemetry/,
    ],
    [
      'state folder',
      'closed',
      nano,
      { state: { folder: '/x', writable: false, freeBytes: null } },
      'problem',
      /\/x cannot be written/,
      /stateDir/,
    ],
    [
      'state folder',
      'full',
      nano,
      { state: { folder: '/x', writable: true, freeBytes: 2 ** 28 } },
      'warning',
      /256 MiB are free/,
      /make room/,
    ],
    ['clock', 'never set', nano, { clock: { year: 1970, synchronized: false } }, 'problem', /1970/, /set-ntp/],
    ['clock', 'drifting', nano, { clock: { year: 2026, synchronized: false } }, 'warning', /not synchronized/, /set-ntp/],
  ])('%s: %s', (name, _, tree, changes, status, detail, remedy) => {
    expect(found(name, tree, changes)).toEqual({
      name,
      status,
      detail: expect.stringMatching(detail),
      remedy: expect.stringMatching(remedy),
    });
  });

  it.each([
    ['orinNxJetPack5', '8.5.2.2', '11.4.315'],
    ['agxOrinJetPack6', '8.6.2.3', '12.2.140'],
    ['thorJetPack7', '10.13.3', '13.0.48'],
    ['orinNanoJetPack7', '10.16.0', '13.2.1'],
  ] as const)('%s with what its JetPack brings', (name, tensorrt, cuda) => {
    expect(found('jetpack', machines[name], { tensorrt, cuda }).status).toBe('ok');
  });

  it('a power mode that somebody chose is no warning', () => {
    const { status, detail } = found('power mode', machines.orinNxJetPack5);
    expect(status).toBe('ok');
    expect(detail).toMatch(/15W \(2\), which limits the clocks \(sudo nvpmodel -p/);
  });

  it('skips on a PC what only a Jetson has', () => {
    expect(found('jetpack', machines.pc)).toMatchObject({
      status: 'skipped',
      detail: expect.stringMatching(/no Jetson \(OptiPlex 7090\)/),
    });
    expect(found('power mode', machines.pc).status).toBe('skipped');
  });

  it('shows a table with the remedies', () => {
    const checks: Check[] = [
      { name: 'clock', status: 'ok', detail: 'synchronized' },
      { name: 'groups', status: 'problem', detail: 'not in video', remedy: 'usermod' },
    ];
    expect(table(checks)).toBe(
      [
        'ok       clock   synchronized',
        'problem  groups  not in video',
        '                 → usermod',
        '',
        '1 ok, 0 warnings, 1 problems, 0 skipped',
        '',
      ].join('\n'),
    );
  });
});
