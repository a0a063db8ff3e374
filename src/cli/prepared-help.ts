/** Help texts that the build prepared. The parser, which writes them, takes longer to load than Node itself takes to start. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compiledModule } from '../compiled.js';

/** Columns of help texts where the terminal has so many, and where there is no terminal. */
export const HELP_COLUMNS = 100;

/** Stands in prepared texts for the folder of the documentation, which an installation may move. */
export const DOCUMENTATION_MARK = '{documentation}';

export const DOCUMENTATION = fileURLToPath(new URL('../../docs', import.meta.url));

/** What `fastsamd ...args` prints when that is a help text; undefined when the parser has to find out. */
export function preparedHelp(args: readonly string[], columns = process.stdout.columns ?? HELP_COLUMNS): string | undefined {
  const command = args.slice(0, -1);
  if (args.at(-1) !== '--help' || columns < HELP_COLUMNS || !command.every((word) => /^[a-z-]+$/.test(word))) return undefined;
  const file = compiledModule(`../bundle/help/${['fastsamd', ...command].join(' ')}.txt`, import.meta.url);
  try {
    return readFileSync(file, 'utf8').replace(DOCUMENTATION_MARK, DOCUMENTATION);
  } catch {
    return undefined;
  }
}
