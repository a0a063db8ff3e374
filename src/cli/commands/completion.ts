/** Options of `fastsamd completion`. */
import type { CompletionArguments } from '../manual/completion.js';
import type { Command, CommandEntry } from './command.js';
import { SHELLS } from './shells.js';

/** The command that completes all commands of `table`. */
export function completionOf(table: readonly CommandEntry[]): Command<CompletionArguments> {
  return {
    builder: (yargs) =>
      yargs
        .positional('shell', { choices: SHELLS, describe: 'For which shell; that of $SHELL when absent.' })
        .example('$0 completion bash > ~/.local/share/bash-completion/completions/fastsamd', 'bash')
        .example('$0 completion zsh > ~/.zfunc/_fastsamd', 'zsh, where ~/.zfunc is in $fpath')
        .example('$0 completion fish > ~/.config/fish/completions/fastsamd.fish', 'fish')
        .epilogue('make install and the Debian package put them in place.'),
    handler: async (args) => (await import('../manual/completion.js')).printCompletion(args, table),
  };
}
