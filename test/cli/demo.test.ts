import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCENE, SCENE_PROMPTS } from '../../src/cli/demo.js';
import { parsePrompts } from '../../src/domain/prompt.js';
import { openEngine } from '../../src/engine/open.js';
import { BUNDLED_MODEL } from '../../src/model/installed.js';
import { runPipeline } from '../../src/pipeline/pipeline.js';
import { openSource } from '../../src/source/open.js';
import { fastsamd } from '../helpers/command.js';

describe('fastsamd demo', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fastsamd-demo-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('segments the belt with the model in the box and says what the prompts found', async () => {
    const { code, stdout, stderr } = await fastsamd('demo', '--frames', '4', '--out', join(folder, 'demo.jpg'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^model {3}\S*models\/demo\.onnx$/m);
    expect(stdout).toMatch(/^source {2}test:conveyor/m);
    expect(stdout).toMatch(/ \d+ objects .*; station: (object \d+ \(0\.\d+\)|unmatched), pick: (object \d+ \(1\.00\)|unmatched)$/m);
    expect(stdout).toContain(`picture ${join(folder, 'demo.jpg')} (`);
    expect(await sharp(join(folder, 'demo.jpg')).metadata()).toMatchObject({ format: 'jpeg', width: 640, height: 640 });
  }, 60_000);

  it('inspects plates on the belt when asked to', async () => {
    const { code, stdout, stderr } = await fastsamd('demo', '--inspect', '--frames', '4', '--out', join(folder, 'plates.jpg'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^source {2}test:conveyor\?.*product=plate$/m);
    expect(await fastsamd('demo', '--inspect', '--source', 'test:shapes')).toMatchObject({ code: 2 });
  }, 60_000);

  it('asks nothing of a source that is not its own', async () => {
    const { code, stdout, stderr } = await fastsamd(
      'demo',
      '--source',
      'test:shapes?width=320&height=240',
      '--frames',
      '2',
      '--out',
      '/proc/demo.jpg',
    );
    expect(code).toBe(0);
    // A demo goes on without its picture, and says so.
    expect(stderr).toMatch(/^fastsamd: .*\/proc\/demo\.jpg/);
    expect(stdout).not.toContain('picture');
    expect(stdout).toMatch(/^frame .* objects/m);
    expect(stdout).not.toContain('station');
  }, 60_000);

  it('its prompts match now and then, each of them', async () => {
    const engine = await openEngine({ model: BUNDLED_MODEL });
    // One picture a second, for sixteen seconds.
    const source = await openSource(`${SCENE}&fps=1&frames=16&realtime=false`);
    const answers = new Map<string, Set<boolean>>(SCENE_PROMPTS.map(({ id }) => [id, new Set()]));
    await runPipeline({
      source,
      engine,
      segmentation: () => ({ conf: 0.4, iou: 0.7, maxDet: 300, snapToBorder: 'auto' }),
      prompts: () => ({ revision: 0, prompts: parsePrompts(SCENE_PROMPTS) }),
      deliver: async (result) => {
        for (const { id, matches } of result.answers) answers.get(id)!.add(matches.length > 0);
      },
    });
    await source.stop();
    await engine.stop();
    const both = new Set([true, false]);
    expect(answers).toEqual(
      new Map([
        ['station', both],
        ['pick', both],
        ['everything', new Set([true])],
      ]),
    );
  }, 60_000);
});
