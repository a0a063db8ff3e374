/** The thread that writes and reads pictures of verdicts: a slow disk must not stop frames, nor the record. */
import { workerData } from 'node:worker_threads';
import { FastsamError, messageOf } from '../errors.js';
import { serve } from '../worker/server.js';
import type { EvidenceCalls } from './evidence.js';
import { EvidenceRing, type EvidenceSettings, evidencePath, readEvidence } from './evidence-ring.js';

const settings = workerData as EvidenceSettings;

void serve<EvidenceCalls, null>(() => {
  const ring = new EvidenceRing(settings);
  const writable = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw new FastsamError('OUTPUT_UNWRITABLE', `${settings.folder}: ${messageOf(cause)}; expected a writable folder with space`, {
        cause,
      });
    }
  };
  let isOpen = false;
  const open = () => {
    if (!isOpen) ring.open();
    isOpen = true;
  };
  return {
    loaded: null,
    handlers: {
      write: ({ evidence, nowMs }) =>
        writable(() => {
          open();
          return ring.write(evidence, nowMs);
        }),
      tidy: ({ nowMs }) =>
        writable(() => {
          open();
          if (nowMs !== undefined) ring.removeOld(nowMs);
          return null;
        }),
      read: ({ camera, name, kind }) => {
        const path = evidencePath(settings.folder, camera, name, kind);
        return path === undefined ? undefined : readEvidence(path);
      },
    },
    close: () => undefined,
  };
});
