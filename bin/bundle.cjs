/**
 * Loads the files of dist/bundle, with the code that V8 compiled of them when the bundle was built: compiling takes a third of the
 * processor time of a short command beyond that of Node itself. V8 compares no more than the length of a source with such
 * code, so the code is kept with the hash of its source. Each version of Node and kind of processor has a folder of its own;
 * what V8 refuses or what is not there is compiled as usual. Threads and child processes load their files without it. Code
 * that is kept cannot import(), only require().
 */
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const HASH_BYTES = 32;
// The new line is taken off again with lineOffset: a stack trace names the lines and columns of the file.
const [HEAD, TAIL] = ['(function (exports, require, module, __filename, __dirname) {\n', '\n})'];

const sha256 = (source) => createHash('sha256').update(source).digest();

/** Undefined where there is no code of this very source. */
function codeOf(file, hash) {
  try {
    const kept = readFileSync(file);
    return hash.equals(kept.subarray(0, HASH_BYTES)) ? kept.subarray(HASH_BYTES) : undefined;
  } catch {
    return undefined;
  }
}

/** The bundle of a folder: `load('./main.cjs')` is as `require` in that folder. */
exports.Bundle = class Bundle {
  #folder;
  #code;
  #require;
  #modules = new Map();
  #scripts = new Map();

  constructor(folder) {
    this.#folder = folder;
    this.#code = join(folder, `code-${process.version}-${process.arch}`);
    this.#require = createRequire(join(folder, 'main.cjs'));
  }

  load = (id) => {
    if (!id.startsWith('./')) return this.#require(id);
    const known = this.#modules.get(id);
    if (known) return known.exports;
    const module = { exports: {} };
    this.#modules.set(id, module);
    const filename = join(this.#folder, id);
    const source = readFileSync(filename);
    const hash = sha256(source);
    const script = new Script(`${HEAD}${source.toString('utf8')}${TAIL}`, {
      filename,
      lineOffset: -1,
      cachedData: codeOf(join(this.#code, id), hash),
    });
    this.#scripts.set(id, { script, hash });
    script.runInThisContext().call(module.exports, module.exports, this.load, module, filename, this.#folder);
    return module.exports;
  };

  /** Writes the code of the files that are loaded, with all of their functions that have run. */
  keepCode() {
    mkdirSync(this.#code, { recursive: true });
    for (const [id, { script, hash }] of this.#scripts)
      writeFileSync(join(this.#code, id), Buffer.concat([hash, script.createCachedData()]));
  }
};
