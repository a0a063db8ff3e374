/** Most commands are tested in this process, from dist: here is that each of them also loads from the bundle. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const loader = fileURLToPath(new URL('../../bin/bundle.cjs', import.meta.url));
const bundle = fileURLToPath(new URL('../../dist/bundle/', import.meta.url));
/** Begin to work as soon as they are loaded. */
const STARTED = /^(?:main|child|build-process|[a-z]+-worker)\.cjs$/;

it('every file of the bundle loads, without a warning', async () => {
  const files = readdirSync(bundle).filter((name) => name.endsWith('.cjs') && !STARTED.test(name));
  expect(files.length).toBeGreaterThan(50);
  const script = `
    const bundle = new (require(${JSON.stringify(loader)}).Bundle)(${JSON.stringify(bundle)});
    for (const name of ${JSON.stringify(files)}) bundle.load('./' + name);
    process.exit()`;
  const { stdout, stderr } = await run(process.execPath, ['-e', script]);
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});

it('no file of the bundle imports when it runs: code that is kept cannot', () => {
  const importing = readdirSync(bundle).filter(
    (name) => name.endsWith('.cjs') && /\bimport\(/.test(readFileSync(join(bundle, name), 'utf8')),
  );
  expect(importing).toEqual([]);
});

describe('the code that is kept beside a bundle', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fastsamd-bundle-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const SOURCE = `
    const other = require('./other.cjs');
    exports.where = () => new Error('here').stack.split('\\n')[1];
    exports.answer = () => require('node:path').sep + other.word + typeof require('yaml').parse;`;
  /** Loads main.cjs in a process of its own; what it answers, and of which files V8 took the code that was kept. */
  const load = async (then = '') => {
    const script = `
      const vm = require('node:vm');
      const { Script } = vm;
      const taken = [];
      vm.Script = class extends Script {
        constructor(text, options) {
          super(text, options);
          if (this.cachedDataRejected === false) taken.push(options.filename.split('/').at(-1));
        }
      };
      const bundle = new (require(${JSON.stringify(loader)}).Bundle)(${JSON.stringify(folder)});
      const { where, answer } = bundle.load('./main.cjs');
      console.log(JSON.stringify({ said: answer(), where: where(), taken }));
      ${then}`;
    const { stdout } = await run(process.execPath, ['-e', script]);
    return JSON.parse(stdout) as { said: string; where: string; taken: string[] };
  };
  const said = '/ONEfunction';

  it('is taken for the source that it was made of, and for no other of the same length', async () => {
    // Found from the folder of the bundle, as packages are.
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
    await writeFile(join(folder, 'main.cjs'), SOURCE.replace("'yaml'", JSON.stringify(join(modules, 'yaml'))));
    await writeFile(join(folder, 'other.cjs'), "exports.word = 'ONE';");
    const where = expect.stringMatching(`${join(folder, 'main.cjs')}:3:27`);
    expect(await load('bundle.keepCode()')).toEqual({ said, where, taken: [] });
    const again = await load();
    expect(again).toEqual({ said, where, taken: ['main.cjs', 'other.cjs'] });

    await writeFile(join(folder, 'other.cjs'), "exports.word = 'TWO';");
    expect(await load()).toMatchObject({ said: said.replace('ONE', 'TWO'), taken: ['main.cjs'] });
  });

  it('is done without where a part of it is missing, or V8 refuses it', async () => {
    await writeFile(join(folder, 'other.cjs'), "exports.word = 'ONE';");
    const [code] = (await readdir(folder)).filter((name) => name.startsWith('code-'));
    const [main, other] = ['main.cjs', 'other.cjs'].map((name) => join(folder, code!, name)) as [string, string];
    await truncate(main, 1000);
    const bytes = await readFile(other);
    // Behind the hash, the words by which V8 knows its own version.
    await writeFile(other, bytes.fill(0x55, 32, 64));
    expect(await load()).toMatchObject({ said, taken: [] });
  });
});
