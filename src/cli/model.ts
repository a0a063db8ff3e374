/** `fastsamd model list | pull | import | info | verify`. */
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../durable.js';
import { openEngine } from '../engine/open.js';
import { FastsamError } from '../errors.js';
import { megabytes } from '../model/bytes.js';
import { download } from '../model/download.js';
import { type Imported, importCheckpoint } from '../model/import.js';
import { inspectModel, type ModelFacts } from '../model/inspect.js';
import { BUNDLED_MODEL, fileNameOf, installedFilesOf, modelDirectories, resolveModel } from '../model/installed.js';
import { demandPublished, entryNamed, type ManifestEntry, type RemoteFile, readManifest, type TextModelEntry } from '../model/manifest.js';
import { startByteProgress } from './progress.js';
import { say } from './terminal.js';

function imageSizeOf(text: string | undefined, fallback: readonly [number, number]): readonly [number, number] {
  if (text === undefined) return fallback;
  const match = /^(\d{2,4})(?:[x,](\d{2,4}))?$/i.exec(text);
  if (!match) throw new FastsamError('USAGE', `--imgsz ${text}: expected 640, 1024 or height x width, as in 384x640`);
  const height = Number(match[1]);
  return [height, match[2] === undefined ? height : Number(match[2])];
}

function reportImport({ path, names, parameters, gflops, bytes }: Imported, seconds: number): void {
  const classes = names.length === 1 ? 'class-agnostic' : `${names.length} classes`;
  say(
    `wrote ${path}: ${megabytes(bytes)}, ${classes}, ${(parameters / 1e6).toFixed(1)} M parameters, ${gflops.toFixed(1)} GFLOPs, in ${seconds.toFixed(1)} s`,
  );
}

async function convert(checkpoint: string, output: string, imageSize: readonly [number, number], half: boolean): Promise<void> {
  const begin = performance.now();
  reportImport(await importCheckpoint(checkpoint, output, { imageSize, half }), (performance.now() - begin) / 1000);
}

/** The bundled model as the list shows it; it is not in the manifest, because there is nothing to fetch. */
const BUNDLED_ENTRY = {
  name: 'demo',
  kind: 'yolov8-seg',
  title: 'Parts of the drawn conveyor belt, for trying things',
  licence: 'Apache-2.0',
};

export async function listModels({ json }: { readonly json: boolean }): Promise<void> {
  const models = await Promise.all((await readManifest()).map(async (entry) => ({ ...entry, installed: await installedFilesOf(entry) })));
  if (json) return say(JSON.stringify([...models, { ...BUNDLED_ENTRY, installed: [BUNDLED_MODEL] }]));
  for (const { installed, ...entry } of models) {
    const { name, title, licence } = entry;
    const bytes = filesOf(entry).reduce((sum, file) => sum + file.bytes, 0);
    say(`${name.padEnd(12)} ${title}, ${megabytes(bytes)}, ${licence}`);
    say(`${''.padEnd(12)} ${installed.length > 0 ? `installed: ${installed.join(', ')}` : `not installed; fastsamd model pull ${name}`}`);
  }
  const { name, title, licence } = BUNDLED_ENTRY;
  say(`${name.padEnd(12)} ${title}, ${licence}`);
  say(`${''.padEnd(12)} comes with fastsamd: ${BUNDLED_MODEL}`);
}

export interface PullArguments {
  readonly name: string;
  readonly imgsz?: string | undefined;
  readonly half: boolean;
  readonly from?: string | undefined;
}

export async function pullModel({ name, imgsz, half, from }: PullArguments): Promise<void> {
  const entry = entryNamed(await readManifest(), name);
  const [directory] = modelDirectories();
  say(`${entry.title}, licence of the weights: ${entry.licence}`);
  if (entry.kind === 'text-model') {
    if (imgsz !== undefined || half) throw new FastsamError('USAGE', `--imgsz and --half are for checkpoints; ${name} is used as it is`);
    return pullTextModel(entry, join(directory, name), from);
  }
  const imageSize = imageSizeOf(imgsz, entry.inputSize);
  if (from !== undefined) await demandPublished(from, name, entry.checkpoint);
  const checkpoint = from ?? (await fetched(name, entry.checkpoint, join(directory, entry.checkpoint.file)));
  await makeDirectory(directory);
  await convert(checkpoint, join(directory, fileNameOf(entry, { imageSize, half })), imageSize, half);
}

function filesOf(entry: ManifestEntry): readonly RemoteFile[] {
  return entry.kind === 'text-model' ? entry.files : [entry.checkpoint];
}

/** Puts every file into `directory`, downloaded or from the folder `from`. */
async function pullTextModel({ name, files }: TextModelEntry, directory: string, from: string | undefined): Promise<void> {
  await makeDirectory(directory);
  for (const remote of files) {
    const path = join(directory, remote.file);
    if (from === undefined) {
      await fetched(name, remote, path);
      continue;
    }
    await demandPublished(join(from, remote.file), name, remote);
    await copyFile(join(from, remote.file), path);
  }
  say(`installed ${directory}; use it as text.model: ${name}, or --text-model ${name}`);
}

/** The file's path, downloaded unless it is there. */
async function fetched(name: string, remote: RemoteFile, path: string): Promise<string> {
  if (existsSync(path)) {
    await demandPublished(path, name, remote);
    return path;
  }
  say(`downloading ${remote.url} (${megabytes(remote.bytes)})`);
  const progress = await startByteProgress(remote.bytes);
  try {
    await download({ remote, path, onProgress: progress.reached });
  } finally {
    progress.stop();
  }
  return path;
}

export interface ImportArguments {
  readonly file: string;
  readonly imgsz?: string | undefined;
  readonly half: boolean;
  readonly output?: string | undefined;
}

export async function importModel({ file, imgsz, half, output }: ImportArguments): Promise<void> {
  await convert(file, output ?? `${file.replace(/\.pt$/i, '')}.onnx`, imageSizeOf(imgsz, [640, 640]), half);
}

export interface FileArguments {
  readonly file: string;
  readonly json: boolean;
}

export async function printModel({ file, json }: FileArguments): Promise<void> {
  const facts = await inspectModel(await resolveModel(file));
  if (json) return say(JSON.stringify(facts));
  const { gflops, source, sourceSha256, task } = facts.metadata;
  const tensors = (list: ModelFacts['inputs']) => list.map(({ name, shape }) => `${name} [${shape.join(', ')}]`).join(', ') || undefined;
  const rows: [string, string | undefined][] = [
    ['file', `${facts.path} (${facts.kind}, ${megabytes(facts.bytes)})`],
    ['sha256', facts.sha256],
    ['known as', facts.knownAs ?? undefined],
    ['imported from', source && `${source}, sha256 ${sourceSha256}`],
    ['task', task],
    ['input', facts.imageSize ? `${facts.imageSize.join('×')} (height × width)` : undefined],
    [
      'classes',
      facts.names.length > 0
        ? `${facts.names.length}: ${facts.names.slice(0, 8).join(', ')}${facts.names.length > 8 ? ', …' : ''}`
        : undefined,
    ],
    ['inputs', tensors(facts.inputs)],
    ['outputs', tensors(facts.outputs)],
    ['parameters', facts.parameters === null ? undefined : `${(facts.parameters / 1e6).toFixed(2)} M`],
    ['GFLOPs', gflops],
  ];
  for (const [name, value] of rows) if (value !== undefined) say(`${name.padEnd(14)} ${value}`);
}

export async function verifyModel({ file, json }: FileArguments): Promise<void> {
  const path = await resolveModel(file);
  const facts = await inspectModel(path);
  if (facts.kind === 'checkpoint' && facts.knownAs === null) {
    throw new FastsamError('MODEL_UNSUPPORTED', `${path}: its sha256 ${facts.sha256} is not one of those in the manifest`);
  }
  const engine = facts.kind === 'onnx' ? await openEngine({ model: path }) : undefined;
  await engine?.stop();
  const result = {
    path,
    ok: true,
    knownAs: facts.knownAs,
    ...(engine ? { input: [engine.model.inputHeight, engine.model.inputWidth], classes: Math.max(engine.model.labels.length, 1) } : {}),
  };
  if (json) return say(JSON.stringify(result));
  say(
    engine
      ? `${path}: ok: runs, input ${engine.model.inputHeight}×${engine.model.inputWidth}, has the YOLOv8-seg outputs`
      : `${path}: ok: is ${facts.knownAs}`,
  );
}
