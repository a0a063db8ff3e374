/** Pictures of verdicts: which of a camera are kept, and how they get onto the disk without anything waiting for them. */
import type { Logger } from 'pino';
import { native } from '../../addon/addon.js';
import type { CameraConfig } from '../../config/schema.js';
import type { EvidenceKind, Verdict } from '../../contract/inspection.js';
import type { Frame } from '../../domain/frame.js';
import { encodeJpeg } from '../../encode/snapshot.js';
import { annotateVerdict, type VerdictDrawing } from '../../encode/verdict-overlay.js';
import { messageOf } from '../../errors.js';
import type { EvidenceStore } from '../../record/evidence.js';
import { evidenceName } from '../../record/evidence-ring.js';
import type { StoredVerdict } from '../../record/protocol.js';
import type { VerdictRecord } from '../../record/record.js';
import type { StatusBoard } from '../../status/board.js';

export type EvidenceConfig = NonNullable<NonNullable<CameraConfig['inspection']>['evidence']>;

/** What was judged: outlines are those of `drawVerdict`. */
export interface Shot {
  readonly frame: Frame;
  readonly outlines: VerdictDrawing['outlines'];
}

/** The pictures of one camera. */
export interface CameraEvidence {
  /** The name under which pictures of this verdict are going to be kept; undefined for none. */
  nameFor(verdict: Verdict, eventId: string, atMs: number): string | undefined;
  /** Keeps the pictures of a verdict that is recorded and has a name for them. Returns at once; the caller keeps the frame. */
  keep(stored: StoredVerdict, shot: Shot): void;
}

/** Frames that wait for being written hold memory; one more is not kept. */
const MAX_WAITING = 8;
const ALERT = 'evidence-failing';

export interface EvidenceKeeperDeps {
  readonly store: Pick<EvidenceStore, 'write' | 'tidy'>;
  readonly record: Pick<VerdictRecord, 'call'>;
  readonly status: Pick<StatusBoard, 'setAlert' | 'clearAlert'>;
  readonly log: Logger;
}

/** One of all cameras: the disk is one, too. */
export class EvidenceKeeper {
  readonly #deps: EvidenceKeeperDeps;
  #waiting = 0;
  #writing = Promise.resolve();
  /** Verdicts whose pictures were not kept, since pictures were last kept. */
  #lost = 0;

  constructor(deps: EvidenceKeeperDeps) {
    this.#deps = deps;
  }

  /** `config` says which. */
  of({ keep = {}, original = true, quality = 90 }: EvidenceConfig): CameraEvidence {
    const seen: Record<Verdict, number> = { OK: 0, NOK: 0, UNSURE: 0 };
    return {
      nameFor: (verdict, eventId, atMs) => {
        const oneOf = keep[verdict] ?? (verdict === 'OK' ? 0 : 1);
        if (oneOf === 0) return undefined;
        seen[verdict] += 1;
        if ((seen[verdict] - 1) % oneOf !== 0) return undefined;
        if (this.#waiting < MAX_WAITING) return evidenceName(atMs, verdict, eventId);
        this.#fail(`verdicts come faster than their pictures can be written (${MAX_WAITING} wait)`);
        return undefined;
      },
      keep: (stored, shot) => {
        this.#waiting += 1;
        const frame = shot.frame.retain();
        const keepIt = async () => {
          try {
            await this.#write(stored, { ...shot, frame }, { original, quality });
          } catch (error) {
            this.#fail(messageOf(error));
          } finally {
            frame[Symbol.dispose]();
            this.#waiting -= 1;
          }
        };
        this.#writing = this.#writing.then(keepIt);
      },
    };
  }

  /** At the start, and now and then: pictures grow too old also while no part comes. Never rejects. */
  async tidy(): Promise<void> {
    try {
      await this.#deps.store.tidy(trustedNow());
    } catch (error) {
      this.#fail(messageOf(error));
    }
  }

  /** Resolves once what waits is written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #write(
    { camera, ts, verdict }: StoredVerdict,
    { frame, outlines }: Shot,
    { original, quality }: { readonly original: boolean; readonly quality: number },
  ): Promise<void> {
    const { store, record } = this.#deps;
    const { inspection, part, recipe, checks, evidence: name } = verdict;
    const title = [
      ...(recipe ? [`${recipe.id} r${recipe.revision}`] : []),
      `#${inspection}`,
      ...(part === undefined ? [] : [part]),
      ...verdict.reasons,
    ].join('  ');
    const pictures: Partial<Record<EvidenceKind, Uint8Array>> = {};
    if (original) pictures.original = await encodeJpeg(frame, { quality });
    const annotated = await annotateVerdict(frame, { verdict: verdict.verdict, title, checks, outlines });
    try {
      pictures.annotated = await encodeJpeg({ pixels: annotated, width: frame.width, height: frame.height }, { quality });
    } finally {
      annotated.release();
    }
    const written = await store.write({ camera, name: name!, verdict: verdict.verdict, atMs: Date.parse(ts), pictures }, trustedNow());
    if (written.length === 0) return this.#fail('there is no room for more; record.evidence.maxBytes, or the disk, is too small');
    await record.call('addPictures', { camera, inspection, name: name!, pictures: written });
    this.#recovered();
  }

  #fail(reason: string): void {
    const { status, log } = this.#deps;
    this.#lost += 1;
    const message = `pictures of verdicts are not kept: ${reason}`.slice(0, 1000);
    if (this.#lost === 1) log.error(message);
    status.setAlert(ALERT, { severity: 'warning', message });
  }

  #recovered(): void {
    if (this.#lost === 0 || this.#waiting > 1) return;
    this.#deps.log.info({ lost: this.#lost }, `pictures of verdicts are kept again; those of ${this.#lost} were not`);
    this.#deps.status.clearAlert(ALERT);
    this.#lost = 0;
  }
}

/** Removes what is too old of what earlier runs kept, where no camera keeps pictures now. Never rejects. */
export async function tidyLeftovers(store: Pick<EvidenceStore, 'tidy'>, log: Logger): Promise<void> {
  try {
    await store.tidy(trustedNow());
  } catch (error) {
    log.error(`pictures of earlier verdicts that are too old cannot be removed: ${messageOf(error)}`);
  }
}

/** Undefined where the clock is known to be wrong: a step must not make every picture too old. */
function trustedNow(): number | undefined {
  return native().clockSynced() === false ? undefined : Date.now();
}
