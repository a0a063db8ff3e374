/** Texts as the numbers that a text encoder reads. */
import { Tokenizer as Encoding } from '@huggingface/tokenizers';
import { readBounded } from '../../durable.js';
import { FastsamError, messageOf } from '../../errors.js';

const MAX_TOKENIZER_BYTES = 64 * 1024 * 1024;

export interface Tokens {
  /** [contextLength]; what is too long keeps its end mark and loses what stands before it. */
  readonly ids: readonly number[];
  /** Before cutting and padding, start and end included. */
  readonly count: number;
}

export class Tokenizer {
  readonly #encoding: Encoding;

  private constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  /** Reads a `tokenizer.json`; takes up to a second. Errors: MODEL_NOT_FOUND, MODEL_CORRUPT. */
  static async load(path: string): Promise<Tokenizer> {
    let text: string;
    try {
      text = await readBounded(path, MAX_TOKENIZER_BYTES);
    } catch (cause) {
      throw new FastsamError('MODEL_NOT_FOUND', `${path}: no readable tokenizer: ${messageOf(cause)}`, { cause });
    }
    try {
      return new Tokenizer(new Encoding(JSON.parse(text), {}));
    } catch (cause) {
      throw new FastsamError('MODEL_CORRUPT', `${path}: not a tokenizer: ${messageOf(cause)}`, { cause });
    }
  }

  encode(text: string, contextLength: number, padId: number): Tokens {
    const { ids } = this.#encoding.encode(text);
    const count = ids.length;
    const cut = count > contextLength ? [...ids.slice(0, contextLength - 1), ids.at(-1)!] : ids;
    return { ids: [...cut, ...new Array<number>(contextLength - cut.length).fill(padId)], count };
  }
}
