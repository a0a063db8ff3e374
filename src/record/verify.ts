/** Whether a record is as it was written. */
import { createHash } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { VerdictMessage } from '../contract/inspection.js';
import { chained, factOf, GENESIS } from './chain.js';
import { evidencePath, readEvidence } from './evidence-ring.js';
import type { Verified } from './protocol.js';
import type { AuditRow, PictureRow, VerdictRow } from './tables.js';

/** False of a record that an older fastsamd wrote, and that is only read. */
export function hasPictures(database: Database.Database): boolean {
  return database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'pictures'").get() !== undefined;
}

/** Pictures that are no longer there were removed to make room: the record cannot tell that from somebody deleting them. */
function verifyPictures(database: Database.Database, folder: string | undefined): Pick<Verified, 'pictures' | 'problem'> {
  let pictures = 0;
  if (!hasPictures(database)) return { pictures };
  const rows = database.prepare(
    'SELECT v.camera, v.inspection, v.body, v.hash AS before, p.* FROM pictures p JOIN verdicts v ON v.seq = p.seq ORDER BY p.seq',
  );
  for (const row of rows.iterate() as IterableIterator<PictureRow>) {
    const { camera, inspection, kind, name, sha256 } = row;
    const which = `the ${kind} picture of inspection ${inspection} of ${camera}`;
    const isSame = row.hash === chained(row.before, [kind, name, sha256]) && (JSON.parse(row.body) as VerdictMessage).evidence === name;
    if (!isSame) return { pictures, problem: `what is recorded of ${which} was changed` };
    const path = folder === undefined ? undefined : evidencePath(folder, camera, name, kind);
    const picture = path === undefined ? undefined : readEvidence(path);
    if (!picture) continue;
    if (createHash('sha256').update(picture).digest('hex') !== sha256) return { pictures, problem: `${which} was changed` };
    pictures += 1;
  }
  return { pictures };
}

/** Whether every verdict, audited change and picture is as it was recorded. `evidence`: the folder of the pictures. */
export function verify(database: Database.Database, evidence: string | undefined): Verified {
  const { verdicts, problem } = verifyChain(database);
  return problem === undefined ? { verdicts, ...verifyPictures(database, evidence) } : { verdicts, pictures: 0, problem };
}

function verifyChain(database: Database.Database): { verdicts: number; problem?: string } {
  let hash = factOf(database, 'anchor') ?? GENESIS;
  let expected = Number(factOf(database, 'anchor seq') ?? 0) + 1;
  let verdicts = 0;
  for (const row of database.prepare('SELECT * FROM verdicts ORDER BY seq').iterate() as IterableIterator<
    VerdictRow & { verdict: string; part: string | null }
  >) {
    if (row.seq !== expected) return { verdicts, problem: `verdict ${expected} is missing` };
    const next = chained(hash, [row.camera, String(row.inspection), String(row.at), row.event, row.body]);
    const body = JSON.parse(row.body) as VerdictMessage;
    const isSame =
      next === row.hash && body.inspection === row.inspection && body.verdict === row.verdict && (body.part ?? null) === row.part;
    if (!isSame) return { verdicts, problem: `verdict ${row.seq} (inspection ${row.inspection} of ${row.camera}) was changed` };
    hash = next;
    expected += 1;
    verdicts += 1;
  }
  const { seq } = (database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'verdicts'").get() as { seq: number } | undefined) ?? {
    seq: 0,
  };
  if (seq >= expected) return { verdicts, problem: `verdicts ${expected} to ${seq} are missing` };
  let audit = GENESIS;
  let number = 1;
  for (const row of database.prepare('SELECT * FROM audit ORDER BY number').iterate() as IterableIterator<AuditRow>) {
    audit = chained(audit, [String(row.at), row.by, row.what, row.body]);
    if (row.number !== number || row.hash !== audit) return { verdicts, problem: `the audit trail was changed at entry ${number}` };
    number += 1;
  }
  return { verdicts };
}
