/** `fastsamd completion`. */
import { basename } from 'node:path';
import { FastsamError } from '../../errors.js';
import type { CommandEntry } from '../commands/command.js';
import { SHELLS, type Shell } from '../commands/shells.js';
import { COMPLETION_SCRIPTS } from './completion-scripts.js';
import { declaredCommands } from './declared.js';

export interface CompletionArguments {
  readonly shell?: Shell | undefined;
}

export async function printCompletion({ shell }: CompletionArguments, table: readonly CommandEntry[]): Promise<void> {
  const name = shell ?? basename(process.env.SHELL ?? '');
  const known = SHELLS.find((each) => each === name);
  if (!known) throw new FastsamError('USAGE', `expected ${SHELLS.join(', ')}, as in "fastsamd completion bash"`);
  process.stdout.write(COMPLETION_SCRIPTS[known](await declaredCommands(table)));
}
