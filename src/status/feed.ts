/**
 * What the node says once and does not keep: results, summaries, events, telemetry, pictures. Parts of the node write to the feed;
 * transports subscribe. What is kept until it changes is on the status board.
 */
import type { CameraEvent, SummaryMessage, TelemetryMessage } from '../contract/messages.js';

/** Of an event that may have been published before. */
export interface EventIdentity {
  readonly eventId: string;
  readonly ts: string;
}

/** A method must return at once and must not throw. */
export interface FeedListener {
  /** `json`: the encoded ResultMessage. */
  result?(camera: string, json: string): void;
  summary?(camera: string, message: SummaryMessage): void;
  event?(camera: string, event: CameraEvent, identity?: EventIdentity): void;
  telemetry?(message: TelemetryMessage): void;
  /** A JPEG file. */
  snapshot?(camera: string, jpeg: Buffer): void;
  /** A JPEG file: a picture of a verdict. */
  evidence?(camera: string, jpeg: Buffer): void;
}

export class Feed implements Required<FeedListener> {
  readonly #listeners = new Set<FeedListener>();

  /** From the next message on. Returns how to end that. */
  subscribe(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  result(camera: string, json: string): void {
    for (const listener of this.#listeners) listener.result?.(camera, json);
  }

  summary(camera: string, message: SummaryMessage): void {
    for (const listener of this.#listeners) listener.summary?.(camera, message);
  }

  event(camera: string, event: CameraEvent, identity?: EventIdentity): void {
    for (const listener of this.#listeners) listener.event?.(camera, event, identity);
  }

  telemetry(message: TelemetryMessage): void {
    for (const listener of this.#listeners) listener.telemetry?.(message);
  }

  snapshot(camera: string, jpeg: Buffer): void {
    for (const listener of this.#listeners) listener.snapshot?.(camera, jpeg);
  }

  evidence(camera: string, jpeg: Buffer): void {
    for (const listener of this.#listeners) listener.evidence?.(camera, jpeg);
  }
}
