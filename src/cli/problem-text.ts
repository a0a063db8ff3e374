import { isFastsamError, messageOf } from '../errors.js';
import { withoutControls } from '../printable.js';

/** What a command says about the error that ended it: one line per problem (a configuration may have several); with `debug` the stack. */
export function problemText(error: unknown, debug: boolean): string {
  const text = isFastsamError(error) ? error.message : `internal error: ${messageOf(error)}${debug ? '' : ' (--debug shows where)'}`;
  const lines = text.split('\n').map((line) => `fastsamd: ${withoutControls(line)}\n`);
  if (debug && error instanceof Error) lines.push(`${error.stack}\n`);
  return lines.join('');
}
