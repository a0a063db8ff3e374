/** clients/python against a daemon behind a real mosquitto. PYTHON names another interpreter than Debian's. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../helpers/command.js';
import { Broker, hasMosquitto } from '../helpers/mosquitto.js';
import { writeTestModel } from '../helpers/onnx-model.js';

const CLIENT = fileURLToPath(new URL('../../clients/python', import.meta.url));
const INSPECTION = fileURLToPath(new URL('../../docs/inspection.md', import.meta.url));
const python = process.env.PYTHON ?? '/usr/bin/python3';

function hasPaho(): boolean {
  try {
    execFileSync(python, ['-c', 'import paho.mqtt.client, numpy'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const PROGRAM = `
import json, sys
from fastsamd import Node, RequestError, to_mask

with Node("line-3", port=int(sys.argv[1])) as node:
    answer = node.request("prompt/set", camera="belt", prompts=[{"type": "box", "box": [0, 0, 600, 600], "id": "station"}])
    try:
        node.request("prompt/set", camera="belt", prompts=[{"type": "box", "box": [0]}])
    except RequestError as error:
        refused = error.code
    results = node.results("belt", timeout=20)
    result = next(r for r in results if r["promptRevision"] == answer["revision"] and r["objects"])
    found = result["objects"][0]
    mask = to_mask(found["mask"])
    rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
    print(json.dumps({
        "refused": refused, "area": [int(mask.sum()), found["area"]], "shape": list(mask.shape),
        "frame": [result["frame"]["height"], result["frame"]["width"]], "prompts": found["prompts"],
        "extent": [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])], "bbox": found["bbox"],
    }))
`;

/** Two iterations over one camera; the second goes on when the first has ended. */
const TWO_READERS = `
import json, sys
from fastsamd import Node

with Node("line-3", port=int(sys.argv[1])) as node:
    one, two = node.results("belt", timeout=20), node.results("belt", timeout=20)
    both = next(one)["camera"] == next(two)["camera"] == "belt"
    one.close()
    print(json.dumps({"both": both, "again": next(two)["camera"] == "belt"}))
`;

/** No node, a wrong password, and masks that are none. */
const ERRORS = `
import json, sys
from fastsamd import Node, to_mask

told = []
def tell(action):
    try:
        action()
    except Exception as error:
        told.append([type(error).__name__, str(error)])

port = int(sys.argv[1])
def enter(password):
    with Node("line-3", port=port, username="camera", password=password):
        pass
tell(lambda: enter("wrong"))
with Node("line-3", port=port, username="camera", password="right") as node:
    tell(lambda: node.request("read/ping", timeout=0.1))
    tell(lambda: next(node.results("belt", timeout=0.1)))
tell(lambda: to_mask({"size": [2, 3], "png": ""}))
tell(lambda: to_mask({"size": [2, 3], "counts": "5"}))
tell(lambda: to_mask({"size": [2, 3], "counts": "P"}))
print(json.dumps(told))
`;

/** `input`: what is typed. */
function program(text: string, port: number, input = '') {
  const running = promisify(execFile)(python, ['-c', text, String(port)], {
    env: { ...process.env, PYTHONPATH: CLIENT, PYTHONDONTWRITEBYTECODE: '1' },
  });
  running.child.stdin?.end(input);
  return running;
}

/** The example of docs/inspection.md, with the broker of a test. */
async function teachingExample(port: number): Promise<string> {
  const [, example = ''] = /From Python, .*?```python\n(.*?)```/s.exec(await readFile(INSPECTION, 'utf8'))!;
  expect(example).toContain('host="broker.local"');
  return example.replace('host="broker.local"', `port=${port}`);
}

describe.skipIf(!hasMosquitto || !hasPaho())('the client for Python (needs mosquitto, and Python with paho-mqtt and numpy)', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-python-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('sets prompts, is told what is refused, and gives masks as arrays', { timeout: 120_000 }, async () => {
    await using broker = await Broker.start();
    const model = await writeTestModel(join(folder, 'three.onnx'));
    const config = {
      node: 'line-3',
      stateDir: join(folder, 'state'),
      model: { path: model },
      mqtt: { url: `mqtt://127.0.0.1:${broker.port}` },
      cameras: [{ id: 'belt', source: 'test:shapes', maxFps: 5 }],
    };
    await writeFile(join(folder, 'node.yaml'), JSON.stringify(config));
    const daemon = start('run', '--config', join(folder, 'node.yaml'));
    try {
      await daemon.line(/camera belt: streaming/);
      const { stdout } = await program(PROGRAM, broker.port);
      const told = JSON.parse(stdout);
      expect(told.refused).toBe('PROMPT_INVALID');
      expect(told.shape).toEqual(told.frame);
      expect(told.prompts).toEqual(['station']);
      expect(told.area[0]).toBe(told.area[1]);
      for (const [k, edge] of [0, 1].entries()) expect(told.extent[edge]).toBeGreaterThanOrEqual(Math.floor(told.bbox[k]) - 1);
      for (const k of [2, 3]) expect(told.extent[k]).toBeLessThanOrEqual(Math.ceil(told.bbox[k]));

      const { stdout: two } = await program(TWO_READERS, broker.port);
      expect(JSON.parse(two)).toEqual({ both: true, again: true });
    } finally {
      daemon.process.kill('SIGTERM');
      await daemon.outcome;
    }
  });

  it('teaches from good parts as the documentation says', { timeout: 120_000 }, async () => {
    await using broker = await Broker.start();
    const recipe = {
      recipe: 'three',
      trigger: { type: 'mqtt' },
      objects: { parts: {} },
      checks: [{ id: 'size', measure: 'diameter', of: 'parts', each: true, max: 10_000 }],
    };
    await writeFile(join(folder, 'three.yaml'), JSON.stringify(recipe));
    const config = {
      node: 'line-3',
      stateDir: join(folder, 'state-teach'),
      model: { path: await writeTestModel(join(folder, 'teach.onnx')) },
      mqtt: { url: `mqtt://127.0.0.1:${broker.port}`, admin: true },
      cameras: [{ id: 'station-2', source: 'test:shapes', maxFps: 10, inspection: { recipe: join(folder, 'three.yaml') } }],
    };
    await writeFile(join(folder, 'teach.yaml'), JSON.stringify(config));
    const observer = await broker.observe('fastsam/v1/line-3/#');
    const daemon = start('run', '--config', join(folder, 'teach.yaml'));
    try {
      await observer.untilJson('fastsam/v1/line-3/cameras/station-2/inspection', ({ state }) => state === 'ready');
      // Enter after each of the first four parts: the fifth completes the lesson.
      const { stdout } = await program(await teachingExample(broker.port), broker.port, '\n'.repeat(4));
      expect(stdout).toContain("1 parts, missing: [{'message': '1 good parts; expected at least 5, better 20'}");
      expect(stdout).toMatch(/4 parts, missing: .*Enter$/);
      const asked = 'print(json.dumps(node.request("recipe/get", camera="station-2")["data"]))';
      const { stdout: answer } = await program(
        `import json, sys\nfrom fastsamd import Node\nwith Node("line-3", port=int(sys.argv[1])) as node:\n    ${asked}`,
        broker.port,
      );
      expect(JSON.parse(answer)).toMatchObject({ revision: 2, active: true });
    } finally {
      daemon.process.kill('SIGTERM');
      await daemon.outcome;
    }
  });

  it('says what is wrong', { timeout: 60_000 }, async () => {
    await using broker = await Broker.start({ users: { camera: 'right' } });
    const { stdout } = await program(ERRORS, broker.port);
    expect(JSON.parse(stdout)).toEqual([
      ['ConnectionError', expect.stringMatching(/^the broker refuses the login: /)],
      ['TimeoutError', 'read/ping: no answer within 0.1 s'],
      ['TimeoutError', 'fastsam/v1/line-3/cameras/belt/result: no result within 0.1 s'],
      ['ValueError', 'expected a mask as RLE; set publish.maskEncoding: rle for this camera'],
      ['ValueError', 'the runs of the mask do not fill a frame of 3 x 2 pixels'],
      ['ValueError', 'the runs of the mask end early'],
    ]);
  });
});
