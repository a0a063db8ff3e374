/**
 * Stack traces that name the sources in place of the bundle. `process.setSourceMapsEnabled` reads the map of every module as
 * it loads, and keeps it: a third of the start of a command, 11 MB of a daemon. Here a map is read when a stack trace that
 * needs it is.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/** By the URL of the module; undefined for a module without a map. One for each file of the bundle at most. */
const maps = new Map<string, SourceMap | undefined>();

/** `bundle`: the URL of the folder whose modules have maps. */
export function nameSourcesInStackTraces(bundle: string): void {
  Error.prepareStackTrace = (error, calls) => {
    const lines = calls.map((call) => `\n    at ${withSource(String(call), bundle)}`);
    return `${Error.prototype.toString.call(error)}${lines.join('')}`;
  };
}

/** `name (URL:line:column)` with the file, line and column of the source. */
function withSource(call: string, bundle: string): string {
  const [, before, url, line, column, after] = /^(.*?)(file:\/\/\S+):(\d+):(\d+)(\)?)$/.exec(call) ?? [];
  if (url === undefined || !url.startsWith(bundle)) return call;
  const entry = mapOf(url)?.findEntry(Number(line) - 1, Number(column) - 1);
  if (entry === undefined || !('originalSource' in entry)) return call;
  const source = fileURLToPath(new URL(entry.originalSource, url));
  return `${before}${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}${after}`;
}

function mapOf(url: string): SourceMap | undefined {
  if (!maps.has(url)) maps.set(url, readMap(`${url}.map`));
  return maps.get(url);
}

function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(url), 'utf8')));
  } catch {
    return undefined;
  }
}
