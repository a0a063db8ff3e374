import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseNames, readModelMetadata } from '../../src/model/onnx.js';
import { anchorCount, recognise } from '../../src/model/signature.js';
import { testModel } from '../helpers/onnx-model.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fastsamd-model-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, bytes: Uint8Array | string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, bytes);
  return path;
}

describe('model metadata', () => {
  it('is read past the graph', async () => {
    const path = await file(
      'named.onnx',
      testModel({ classes: 2, metadata: { names: "{0: 'nut', 1: \"bolt's\"}", imgsz: '[384, 640]', task: 'segment' } }),
    );
    const metadata = await readModelMetadata(path);
    expect(metadata.names).toEqual(['nut', "bolt's"]);
    expect(metadata.imgsz).toEqual([384, 640]);
    expect(metadata.entries.get('task')).toBe('segment');
  });

  it('may be missing', async () => {
    const metadata = await readModelMetadata(await file('plain.onnx', testModel()));
    expect(metadata.names).toEqual([]);
    expect(metadata.imgsz).toBeUndefined();
  });

  it.each([
    ['text', 'this is a text file, not a model\n'.repeat(20)],
    ['empty', ''],
    ['truncated', testModel().subarray(0, 5000)],
  ])('says so when a file is %s', async (name, bytes) => {
    const path = await file(`${name}.onnx`, bytes);
    await expect(readModelMetadata(path)).rejects.toMatchObject({ code: 'MODEL_CORRUPT', message: expect.stringContaining(path) });
  });

  it.each([
    ['by its content', 'renamed.onnx', 'PK\x03\x04rest'],
    ['by its name', 'old.pt', '\x80\x02rest'],
  ])('says how to import a PyTorch file, known %s', async (_, name, bytes) => {
    const path = await file(name, bytes);
    const message = `${path}: a PyTorch file, not an ONNX model; import it first: fastsamd model import ${path}`;
    await expect(readModelMetadata(path)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED', message });
  });

  it.each([
    // As Python's repr writes them.
    [
      String.raw`{0: 'a\xa0b', 1: 'c\rd', 2: '\u200be', 3: "it's", 4: 'a\'b"c', 5: 'back\\n', 6: '\U0001f600', 7: '\x00'}`,
      ['a\u00a0b', 'c\rd', '\u200be', "it's", 'a\'b"c', 'back\\n', '😀', '\0'],
    ],
    // Unknown escapes stay, as in Python.
    [String.raw`{0: '\d\777\U00110000'}`, ['\\d\u01ff\\U00110000']],
  ])('reads the escapes of class names as Python does: %s', (literal, names) => {
    expect(parseNames(literal)).toEqual(names);
  });

  it('says so when there is no file, or a directory', async () => {
    await expect(readModelMetadata(join(directory, 'none.onnx'))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    await expect(readModelMetadata(directory)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
  });
});

describe('class names', () => {
  it.each([
    ["{0: 'person', 1: 'bicycle'}", ['person', 'bicycle']],
    ["{0: 'object'}", ['object']],
    ["{1: 'b'}", ['class 0', 'b']],
    ["{0: 'it\\'s'}", ["it's"]],
    ['{}', []],
    ["{0: 'open", []],
    ['import os', []],
    [undefined, []],
  ])('%s', (literal, names) => {
    expect(parseNames(literal)).toEqual(names);
  });
});

describe('the YOLOv8-seg contract', () => {
  it('has the published anchor counts', () => {
    expect([anchorCount(640, 640), anchorCount(1024, 1024), anchorCount(640, 384), anchorCount(1024, 576)]).toEqual([
      8400, 21504, 5040, 12096,
    ]);
  });

  it('is recognised by shape among the six outputs of a raw export', () => {
    const outputs = [
      { name: 'a', dims: [1, 32, 8400] },
      { name: 'b', dims: [1, 65, 80, 80] },
      { name: 'c', dims: [1, 65, 40, 40] },
      { name: 'd', dims: [1, 32, 160, 160] },
      { name: 'e', dims: [1, 65, 20, 20] },
      { name: 'f', dims: [1, 37, 8400] },
    ];
    expect(recognise('model', 640, 640, outputs)).toEqual({ detections: 'f', proto: 'd', classes: 1, anchors: 8400 });
  });

  it('is refused with the shapes that were found', () => {
    const outputs = [{ name: 'output0', dims: [1, 84, 8400] }];
    expect(() => recognise('yolov8n.onnx', 640, 640, outputs)).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringMatching(/yolov8n\.onnx.*output0 \[1, 84, 8400\]/) }),
    );
  });

  it('says what to export when non-maximum suppression is inside', () => {
    const outputs = [
      { name: 'output0', dims: [1, 300, 38] },
      { name: 'output1', dims: [1, 32, 160, 160] },
    ];
    expect(() => recognise('m.onnx', 640, 640, outputs)).toThrow(/non-maximum suppression inside.*nms=False/);
  });
});
