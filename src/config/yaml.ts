/** YAML text → plain value, with the position of every key; hostile files are refused before they cost anything. */
import {
  CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { messageOf } from '../errors.js';
import type { KeyPath } from './json-schema.js';

const MAX_TOKENS = 200_000;
const MAX_NESTING = 100;
const MAX_ALIASES = 100;

/** 1-based, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlProblem {
  /** Absent when the problem is the file as a whole. */
  readonly position?: Position;
  readonly message: string;
}

export type YamlResult =
  | { readonly ok: true; readonly value: unknown; positionOf(path: KeyPath): Position }
  | { readonly ok: false; readonly problems: readonly YamlProblem[] };

/**
 * The limit a text breaks, if any: the parser recurses over nesting and builds an object for each token. Block nesting
 * is bounded by the indentation of a line and the indicators on it, flow nesting by the open brackets.
 */
function brokenLimit(text: string): string | undefined {
  let tokens = 0;
  let brackets = 0;
  let columns = 0;
  let startsLine = true;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MAX_TOKENS) return `more than ${MAX_TOKENS} YAML tokens; expected a configuration`;
    const type = CST.tokenType(token);
    if (type === 'newline') columns = 0;
    else if (type === 'flow-seq-start' || type === 'flow-map-start') brackets += 1;
    else if (type === 'flow-seq-end' || type === 'flow-map-end') brackets -= 1;
    else if (type === 'space' && startsLine) columns = token.length;
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind') columns += 1;
    if (brackets > MAX_NESTING || (columns > MAX_NESTING && type?.endsWith('-ind'))) return `nested deeper than ${MAX_NESTING} levels`;
    startsLine = type === 'newline';
  }
  return undefined;
}

/** The parser's own check compares every key with every other: minutes for a large map. */
function duplicateKeys(document: Document): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) found.push({ offset: key.range?.[0] ?? 0, message: `duplicate key "${name}"; expected it once` });
        seen.add(name);
      }
    },
  });
  return found;
}

/** Where the key at `path` is written; for a key that is not there, the innermost one around it. */
function offsetOf(document: Document, path: KeyPath): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    let written: Node | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (isScalar(pair?.key)) written = pair.key;
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      if (isNode(node)) written = node;
    }
    if (!written?.range) break;
    offset = written.range[0];
  }
  return offset;
}

function inOurWords(error: YAMLError, text: string): string {
  const [start, end] = error.pos;
  switch (error.code) {
    case 'TAG_RESOLVE_FAILED':
      return `the tag ${text.slice(start, end)} is not supported; expected plain YAML`;
    case 'MULTIPLE_DOCS':
      return 'a second YAML document; expected one';
    default:
      return `not valid YAML: ${error.message}`;
  }
}

/** YAML 1.2 core: one document, text keys, no tags, no merge keys. */
export function parseYaml(text: string): YamlResult {
  const limit = brokenLimit(text);
  if (limit !== undefined) return { ok: false, problems: [{ message: limit }] };

  const lines = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
    resolveKnownTags: false,
  });
  const problems = [...document.errors, ...document.warnings].map((error) => ({ offset: error.pos[0], message: inOurWords(error, text) }));
  if (problems.length === 0) problems.push(...duplicateKeys(document));
  if (problems.length > 0) return { ok: false, problems: problems.map(({ offset, message }) => ({ position: position(offset), message })) };

  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return { ok: true, value, positionOf: (path) => position(offsetOf(document, path)) };
  } catch (error) {
    return { ok: false, problems: [{ message: `not valid YAML: ${messageOf(error)}` }] };
  }
}
