/** Pictures of verdicts: a separate thread writes those that cameras hand in. */
import { compiledModule } from '../compiled.js';
import type { EvidenceKind } from '../contract/inspection.js';
import { WorkerClient } from '../worker/client.js';
import type { EvidenceSettings, NewEvidence, WrittenPicture } from './evidence-ring.js';

export type EvidenceCalls = {
  write: { request: { evidence: NewEvidence; nowMs: number | undefined }; response: WrittenPicture[] };
  tidy: { request: { nowMs: number | undefined }; response: null };
  read: { request: { camera: string; name: string; kind: EvidenceKind }; response: Uint8Array | undefined };
};

export class EvidenceStore {
  readonly #settings: EvidenceSettings;
  #client: Promise<WorkerClient<EvidenceCalls>> | undefined;

  /** Nothing is started before the first call. */
  constructor(settings: EvidenceSettings) {
    this.#settings = settings;
  }

  /**
   * Resolves once the pictures are on the disk; empty where there is no room for them. `nowMs` undefined: the time is not known for
   * certain. Errors: OUTPUT_UNWRITABLE.
   */
  async write(evidence: NewEvidence, nowMs: number | undefined): Promise<WrittenPicture[]> {
    return (await this.#started()).call('write', { evidence, nowMs });
  }

  /** Removes leftovers of unfinished writes, and pictures that are too old by `nowMs`. Errors: OUTPUT_UNWRITABLE. */
  async tidy(nowMs: number | undefined): Promise<void> {
    await (await this.#started()).call('tidy', { nowMs });
  }

  /** A JPEG file; undefined when it is not kept (any more). */
  async read(camera: string, name: string, kind: EvidenceKind): Promise<Uint8Array | undefined> {
    return (await this.#started()).call('read', { camera, name, kind });
  }

  /** After the calls under way. */
  async close(): Promise<void> {
    await (await this.#client)?.stop();
  }

  #started(): Promise<WorkerClient<EvidenceCalls>> {
    this.#client ??= WorkerClient.start<EvidenceCalls, null>({
      script: compiledModule('./evidence-worker.js', import.meta.url),
      name: 'evidence',
      settings: this.#settings,
      failure: 'OUTPUT_UNWRITABLE',
    }).then(({ client }) => client);
    return this.#client;
  }
}
