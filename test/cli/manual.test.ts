/** The manual page and the completions of shells: complete, and understood by what reads them. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/table.js';
import { type DeclaredCommand, declaredCommands } from '../../src/cli/manual/declared.js';
import { fastsamd } from '../helpers/command.js';

const has = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).error === undefined;
const flatten = (all: readonly DeclaredCommand[]): DeclaredCommand[] => all.flatMap((each) => [each, ...flatten(each.commands)]);

it('names options in words with dashes', async () => {
  for (const { path, options } of flatten(await declaredCommands(commands))) {
    for (const { name } of options) expect(name, path).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  }
});

let prefix = '';
beforeAll(async () => {
  prefix = join(await mkdtemp(join(tmpdir(), 'fastsamd-manual-')), 'usr');
  execFileSync(process.execPath, ['scripts/write-manual.mjs', prefix], { cwd: new URL('../../', import.meta.url) });
});
afterAll(() => rm(join(prefix, '..'), { recursive: true }));
const share = (...names: string[]) => join(prefix, 'share', ...names);

describe('the manual page', () => {
  const page = async () => gunzipSync(await readFile(share('man/man1/fastsamd.1.gz'))).toString();

  it('has every command, with every option', async () => {
    const declared = await declaredCommands(commands);
    expect(declared.map(({ name }) => name)).toEqual(commands.map(({ command }) => command.split(' ')[0]));
    const text = (await page()).replaceAll('\\-', '-');
    for (const { path, commands: below, options } of flatten(declared)) {
      if (below.length > 0) continue;
      const section = text.split('.SS ').find((each) => new RegExp(`^"fastsamd ${path}["<[ ]`).test(each));
      expect(section, path).toBeDefined();
      for (const { name } of options) expect(section, `${path} --${name}`).toContain(`\\fB--${name}\\fR`);
    }
  });

  it.skipIf(!has('groff', '--version'))('is read without a warning (needs groff)', async () => {
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-Kutf8'], { input: await page(), encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('fastsamd model pull fastsam-s --imgsz 384x640');
  });
});

/** What a line completes to, in the script of a shell. */
type Cases = readonly (readonly [readonly string[], readonly string[]])[];
const cases: Cases = [
  [['seg'], ['segment']],
  [
    ['segment', '--mas'],
    ['--mask', '--mask-files'],
  ],
  [
    ['segment', 'x.jpg', '--mask', ''],
    ['bbox', 'png', 'polygon', 'rle'],
  ],
  [['model', 'pu'], ['pull']],
  [['model', 'pull', 'fastsam-s', '--hal'], ['--half']],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh'],
  ],
  [['eval', 'co'], ['coco']],
];

describe('completion', () => {
  it.skipIf(!has('bash', '--version')).each(cases)('in bash: %j', (words, expected) => {
    const script = `source "$0"; COMP_WORDS=(fastsamd "$@"); COMP_CWORD=$#; _fastsamd; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['-c', script, share('bash-completion/completions/fastsamd'), ...words], { encoding: 'utf8' });
    expect(out.trim().split('\n').sort()).toEqual(expected);
  });

  it('in bash: of an option with = behind it, and files where only they fit', () => {
    const script = `source "$0"; COMP_WORDS=(fastsamd "$@"); COMP_CWORD=$#; _fastsamd; echo "\${COMPREPLY[*]}"`;
    const complete = (...words: string[]) =>
      execFileSync('bash', ['-c', script, share('bash-completion/completions/fastsamd'), ...words], { encoding: 'utf8' }).trim();
    expect(complete('segment', '--mask', '=', 'po')).toBe('polygon');
    expect(complete('segment', '--out', '')).toBe('');
    expect(complete('segment', 'pho')).toBe('');
  });

  it.skipIf(!has('fish', '--version')).each(cases)('in fish (where it is installed): %j', (words, expected) => {
    const line = ['fastsamd', ...words].join(' ');
    const script = `source ${share('fish/vendor_completions.d/fastsamd.fish')}; complete -C "${line}"`;
    const out = execFileSync('fish', ['--no-config', '-c', script], { encoding: 'utf8' });
    const found = out
      .trim()
      .split('\n')
      .map((each) => each.split('\t')[0]);
    expect(found.sort()).toEqual(expected);
  });

  it.skipIf(!has('zsh', '--version'))('in zsh: the script is read (where it is installed)', () => {
    // What the functions hand to zsh's own completion, for the words behind the cursor's.
    const script = `_arguments() { print -rl -- "$@" }; _describe() { print -rl -- $commands }; source "$0"; words=(); _fastsamd_model_pull; _fastsamd_segment`;
    const out = execFileSync('zsh', ['-f', '-c', script, share('zsh/vendor-completions/_fastsamd')], { encoding: 'utf8' });
    expect(out).toContain('*--half[Store weights as float16\\: half the file.]');
    expect(out).toContain('*--mask[How masks are written with --json.]:mask:(rle polygon bbox png)');
  });

  it('comes from the command for the shell that is named, or that of the user', async () => {
    const { stdout } = await fastsamd('completion', 'bash');
    expect(stdout).toBe(await readFile(share('bash-completion/completions/fastsamd'), 'utf8'));
    expect(await fastsamd('completion', 'tcsh')).toMatchObject({ code: 2, stderr: expect.stringContaining('shell') });
  });
});
