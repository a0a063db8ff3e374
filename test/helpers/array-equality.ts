/**
 * Two typed arrays of the same bytes are equal at once. `toEqual` goes through them element by element, which takes seconds for each
 * megabyte of a picture or a model; it still does when bytes differ, and then decides and shows where.
 */
import { expect } from 'vitest';

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function equalBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || a.constructor !== b.constructor) return undefined;
  return bytesOf(a).equals(bytesOf(b)) || undefined;
}

// Files that share a process share their testers.
const shared = globalThis as { fastsamdArrayEquality?: true };
if (!shared.fastsamdArrayEquality) expect.addEqualityTesters([equalBytes]);
shared.fastsamdArrayEquality = true;
