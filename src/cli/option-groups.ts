/** Headings of help texts, for options that several commands share. */
import type { Options } from 'yargs';

/** These options, which help texts list below a heading of their own. */
export function grouped<const T extends Readonly<Record<string, Options>>>(heading: string, options: T): T {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, group: `${heading}:` }])) as T;
}
