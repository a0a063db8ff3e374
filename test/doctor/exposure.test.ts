import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { exposures } from '../../src/doctor/exposure.js';
import { PartFile } from '../../src/model/part-file.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fastsamd-exposure-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('tells of root and of secrets that every user can read, once each', async () => {
  const file = join(folder, 'password');
  writeFileSync(file, 'secret');
  const config = parseConfig(
    JSON.stringify({
      model: { path: 'm' },
      cameras: [{ id: 'a', source: 'rtsp://h/x', passwordFile: file }],
      mqtt: { username: 'u', passwordFile: file },
    }),
    'c.yaml',
  );
  chmodSync(file, 0o644);
  expect(await exposures(config, 1000)).toEqual([`${file}: every user of this machine can read it; chmod 640`]);
  chmodSync(file, 0o640);
  expect(await exposures(config, 1000)).toEqual([]);
  expect(await exposures(config, 0)).toEqual([expect.stringMatching(/^runs as root/)]);
  await rm(file);
  expect(await exposures(config, 1000)).toEqual([]);
});

it('a download does not write through a link that somebody left under the name of its part', async () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'untouched');
  const target = join(folder, 'model.onnx');
  symlinkSync(victim, `${target}.part`);
  const part = new PartFile(target);
  await expect(part.open()).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  await part.restart('"tag"');
  {
    await using writer = await part.open();
    await writer.append(Buffer.from('model'));
  }
  expect(readFileSync(victim, 'utf8')).toBe('untouched');
  expect(existsSync(`${target}.part`)).toBe(true);
});
