/** Help texts come from files that the build wrote, and are the parser's. */
import { describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../src/cli/cli.js';
import { commands } from '../../src/cli/commands/table.js';
import { type DeclaredCommand, declaredCommands } from '../../src/cli/manual/declared.js';
import { HELP_COLUMNS, preparedHelp } from '../../src/cli/prepared-help.js';
import { fastsamd } from '../helpers/command.js';

const flatten = (all: readonly DeclaredCommand[]): DeclaredCommand[] => all.flatMap((each) => [each, ...flatten(each.commands)]);

async function parsersHelp(args: readonly string[]): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    await runCommandLine(args);
    return log.mock.calls.map(([text]) => `${text}\n`).join('');
  } finally {
    log.mockRestore();
  }
}

describe('prepared help', () => {
  it('is there for every command and subcommand', async () => {
    const paths = flatten(await declaredCommands(commands)).map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) expect(preparedHelp([...path.split(' '), '--help']), path).toContain(`fastsamd ${path}`);
  });

  it.each([[[]], [['segment']], [['eval', 'coco']]])('is what the parser prints: %j', async (command) => {
    const args = [...command, '--help'];
    expect(preparedHelp(args)).toBe(await parsersHelp(args));
  });

  it('puts what a command alone has before what it shares, and what all have last', () => {
    const headings = preparedHelp(['inspect', '--help'])!.match(/^[A-Z].*:$/gm);
    expect(headings).toEqual(['Positionals:', 'Options:', 'Model:', 'Objects:', 'Prompts:', 'Global options:', 'Examples:']);
  });

  it('is printed by the command', async () => {
    const { code, stdout } = await fastsamd('segment', '--help');
    expect([code, stdout]).toEqual([0, preparedHelp(['segment', '--help'])]);
  });

  it('leaves narrow terminals, other words and other options to the parser', () => {
    expect(preparedHelp(['segment', '--help'], HELP_COLUMNS - 1)).toBeUndefined();
    for (const args of [
      [],
      ['--version'],
      ['segmnt', '--help'],
      ['segment', 'a.jpg', '--help'],
      ['../../../package', '--help'],
      ['--help', 'segment'],
    ])
      expect(preparedHelp(args), args.join(' ')).toBeUndefined();
  });
});

it('shows with --debug where in the sources an error arose', async () => {
  const { code, stderr } = await fastsamd('segmnt', '--debug');
  expect(code).toBe(2);
  expect(stderr).toContain('did you mean "segment"?');
  expect(stderr).toMatch(/src\/cli\/usage\.ts:\d+:\d+/);
});
