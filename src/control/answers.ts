/** Remembers answers by request id, so that a repeated request (QoS 1 delivers at least once) is applied once. */
import { createHash } from 'node:crypto';
import { FastsamError } from '../errors.js';

const CAPACITY = 256;

interface Remembered<T> {
  readonly digest: string;
  readonly answer: Promise<T>;
}

export class Answers<T> {
  readonly #byId = new Map<string, Remembered<T>>();

  /**
   * The answer to the request `id`, computed by `apply` unless it is known or under way. A failed request is
   * forgotten: nothing was applied, so that it may be repeated.
   * Errors: REQUEST_INVALID when the id was used for a request with another payload; what `apply` throws.
   */
  once(id: string, payload: Buffer, apply: () => Promise<T>): Promise<T> {
    const digest = createHash('sha256').update(payload).digest('base64');
    const known = this.#byId.get(id);
    if (known) {
      if (known.digest === digest) return known.answer;
      return Promise.reject(new FastsamError('REQUEST_INVALID', `id "${id}" was used for another request; expected a new id`));
    }
    const answer = apply();
    this.#byId.set(id, { digest, answer });
    answer.catch(() => {
      if (this.#byId.get(id)?.answer === answer) this.#byId.delete(id);
    });
    if (this.#byId.size > CAPACITY) this.#byId.delete(this.#byId.keys().next().value!);
    return answer;
  }
}
