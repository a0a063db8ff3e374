// Writes the manual page and the completions of shells below PREFIX/share: write-manual.mjs PREFIX
// zsh looks into site-functions below /usr/local, and into vendor-completions in what Debian packages install.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { commands as table } from '../dist/cli/commands/table.js';
import { COMPLETION_SCRIPTS } from '../dist/cli/manual/completion-scripts.js';
import { declaredCommands } from '../dist/cli/manual/declared.js';
import { manPage } from '../dist/cli/manual/man-page.js';

const [prefix] = process.argv.slice(2);
if (prefix === undefined) {
  process.stderr.write('usage: write-manual.mjs PREFIX\n');
  process.exit(2);
}
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const commands = await declaredCommands(table);
const files = {
  'man/man1/fastsamd.1.gz': gzipSync(manPage(commands, version), { level: 9 }),
  'bash-completion/completions/fastsamd': COMPLETION_SCRIPTS.bash(commands),
  [`zsh/${/(^|\/)usr$/.test(prefix) ? 'vendor-completions' : 'site-functions'}/_fastsamd`]: COMPLETION_SCRIPTS.zsh(commands),
  'fish/vendor_completions.d/fastsamd.fish': COMPLETION_SCRIPTS.fish(commands),
};
for (const [name, content] of Object.entries(files)) {
  const path = join(prefix, 'share', name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
