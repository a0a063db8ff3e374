/** What the record and its thread say to each other. */
import type { EvidenceKind, Verdict, VerdictMessage } from '../contract/inspection.js';
import type { Recipe } from '../domain/recipe.js';

export interface RecordSettings {
  readonly file: string;
  /** Verdicts kept per node; beyond this the oldest are removed. */
  readonly maxVerdicts: number;
}

/** A trigger before it has its number. */
export interface NewTrigger {
  readonly camera: string;
  readonly trigger: string;
  readonly type: VerdictMessage['trigger']['type'];
  readonly part?: string | undefined;
  readonly meas?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

export interface RecordedTrigger extends NewTrigger {
  /** Counts from 1 for each camera, without gaps. */
  readonly inspection: number;
}

export interface StoredVerdict {
  /** Order of all verdicts of the node. */
  readonly seq: number;
  readonly camera: string;
  readonly ts: string;
  /** The same in every copy of the event. */
  readonly eventId: string;
  readonly verdict: VerdictMessage;
  /** SHA-256 over the one before and this one. */
  readonly hash: string;
}

export type NewVerdict = Omit<StoredVerdict, 'seq' | 'hash'>;

export interface StoredRecipe {
  readonly recipe: Recipe;
  readonly revision: number;
  readonly sha256: string;
  readonly atMs: number;
  readonly active: boolean;
}

export interface VerdictQuery {
  readonly camera?: string | undefined;
  readonly part?: string | undefined;
  readonly verdict?: Verdict | undefined;
  /** Numbers of the camera's inspections. */
  readonly before?: number | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs?: number | undefined;
  readonly limit: number;
  /** Position of the whole record after which to go on, for reading everything in order. */
  readonly afterSeq?: number | undefined;
}

/** Values of one check in the order of the inspections. */
export interface CheckValues {
  readonly id: string;
  readonly unit?: string | undefined;
  readonly lsl?: number | undefined;
  readonly usl?: number | undefined;
  readonly values: readonly number[];
}

/** A picture of a verdict that was written. */
export interface StoredPicture {
  readonly kind: EvidenceKind;
  readonly bytes: number;
  readonly sha256: string;
}

/** What `verify` found. */
export interface Verified {
  readonly verdicts: number;
  /** Pictures that are still kept. */
  readonly pictures: number;
  /** The first thing that was removed or changed. */
  readonly problem?: string | undefined;
}

/** One trigger that was accepted, or known already. */
export interface Accepted {
  readonly trigger: RecordedTrigger;
  /** It was accepted before: the same trigger again. */
  readonly known: boolean;
  /** Of a known trigger that is decided. */
  readonly verdict?: VerdictMessage | undefined;
}

/** The calls of the record, by name: arguments and answer. */
export interface RecordCalls {
  /** On the disk when answered. */
  accept: { ask: NewTrigger; answer: Accepted };
  /** On the disk when answered; the trigger must have been accepted. */
  decide: { ask: NewVerdict; answer: StoredVerdict };
  /** Both in one transaction, for triggers that no requester waits for. The verdict's number is filled in. */
  acceptAndDecide: { ask: { trigger: NewTrigger; verdict: NewVerdict }; answer: StoredVerdict };
  /** Triggers without a verdict, of earlier runs, oldest first. */
  pending: { ask: null; answer: RecordedTrigger[] };
  /** Verdicts of which it is not known whether their event reached the spool. */
  unpublished: { ask: null; answer: StoredVerdict[] };
  published: { ask: { upTo: number }; answer: null };
  verdicts: { ask: VerdictQuery; answer: StoredVerdict[] };
  /** Pictures of a verdict that has been decided: chained to it, so that `verify` finds one that is changed. */
  addPictures: { ask: { camera: string; inspection: number; name: string; pictures: readonly StoredPicture[] }; answer: null };
  pictures: { ask: { camera: string; inspection: number }; answer: StoredPicture[] };
  /** Removes nothing, and changes nothing: reads the whole chain, and the pictures that are still in this folder. */
  verify: { ask: { evidence?: string | undefined }; answer: Verified };
  /** Stores a revision unless the newest is the same. `ifRevision` undefined: whatever there is. */
  setRecipe: {
    ask: {
      camera: string;
      recipe: Recipe;
      sha256: string;
      ifRevision?: number | undefined;
      activate: boolean;
      by: string;
      atMs: number;
      /** Where good parts have taught its limits: how many, and how many standard deviations the limits are from the median. */
      lesson?: { parts: number; sigma: number } | undefined;
    };
    answer: { conflict: number } | { stored: StoredRecipe };
  };
  activateRecipe: {
    ask: { camera: string; recipe: string; revision?: number | undefined; by: string; atMs: number };
    answer: StoredRecipe | null;
  };
  recipe: { ask: { camera: string; recipe?: string | undefined; revision?: number | undefined }; answer: StoredRecipe | null };
  recipes: { ask: { camera: string }; answer: StoredRecipe[] };
  /** Of the newest `limit` values of each check under this revision. */
  checkValues: { ask: { camera: string; recipe: string; revision: number; limit: number }; answer: CheckValues[] };
  /** SHA-256 of the recipe file that was last taken over for this camera. */
  fileHash: { ask: { camera: string; set?: string | undefined }; answer: string | null };
}

export type CallName = keyof RecordCalls;
export type RecordRequest = { readonly [N in CallName]: { readonly name: N; readonly ask: RecordCalls[N]['ask'] } }[CallName];

/** To each request one answer, in their order; the first says that the record is open. Between them: where a damaged file was put. */
export type RecordAnswer = { readonly answer: unknown } | { readonly failed: string } | { readonly putAside: string };
