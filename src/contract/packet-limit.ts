/** Finds MQTT packets that are too large from their fixed headers, before anything keeps their bytes. */

const MORE = 0x80;
const LENGTH_BITS = 0x7f;
/** MQTT 3.1.1 2.2.3: the remaining length takes four bytes at most. */
const MAX_LENGTH_BYTES = 4;

export class PacketLimit {
  /** Bytes of the present packet that are still to come. */
  #left = 0;
  /** Of the length field that is being read; undefined before the first byte of a packet. */
  #lengthBytes: number | undefined;
  #length = 0;

  /** `maxBytes` may change with what the sender is allowed. */
  constructor(public maxBytes: number) {}

  /** Follows the stream; the size of the packet that is larger than `maxBytes` or malformed, once one begins. */
  exceeded(chunk: Uint8Array): number | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
        continue;
      }
      const byte = chunk[at]!;
      at += 1;
      if (this.#lengthBytes === undefined) {
        this.#lengthBytes = 0;
        this.#length = 0;
        continue;
      }
      this.#length += (byte & LENGTH_BITS) * 128 ** this.#lengthBytes;
      this.#lengthBytes += 1;
      if ((byte & MORE) !== 0) {
        if (this.#lengthBytes === MAX_LENGTH_BYTES) return Number.POSITIVE_INFINITY;
        continue;
      }
      if (this.#length > this.maxBytes) return this.#length;
      this.#left = this.#length;
      this.#lengthBytes = undefined;
    }
    return undefined;
  }
}
