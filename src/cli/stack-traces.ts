/**
 * Stack traces that name the sources in place of the bundle. `process.setSourceMapsEnabled` reads the map of every module as
 * it loads, and keeps it: a third of the start of a command, 11 MB of a daemon. Here a map is read when a stack trace that
 * needs it is.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';

/** By the path of the module; undefined for a module without a map. One for each file of the bundle at most. */
const maps = new Map<string, SourceMap | undefined>();

/** `bundle`: the path of the folder whose modules have maps, with a slash at its end. */
export function nameSourcesInStackTraces(bundle: string): void {
  Error.prepareStackTrace = (error, calls) => {
    const lines = calls.map((call) => `\n    at ${withSource(String(call), bundle)}`);
    return `${Error.prototype.toString.call(error)}${lines.join('')}`;
  };
}

/** `name (path:line:column)` with the file, line and column of the source. */
function withSource(call: string, bundle: string): string {
  const start = call.indexOf(bundle);
  const [, file, line, column, after = ''] = (start < 0 ? undefined : /^(.+):(\d+):(\d+)(\)?)$/.exec(call.slice(start))) ?? [];
  if (file === undefined) return call;
  const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
  if (entry === undefined || !('originalSource' in entry)) return call;
  const source = resolve(dirname(file), entry.originalSource);
  return `${call.slice(0, start)}${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}${after}`;
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(`${file}.map`));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
