/**
 * Where identities are lost on MOTChallenge sequences: `node test/bench/identity-changes.mjs [STEP]` (1, 3, 6; default 1) lists every frame
 * in which an object has another track than before, with the time since then and what became of the track before; then how often each
 * happened, and how many of the true boxes had a track, a detection that no track used, or none. TRACKING names a folder of sequences.
 */
import { byTracker, framesOf, namesOf, readSequences } from './mot-sequences.mjs';

const say = (line) => process.stdout.write(`${line}\n`);
const step = Number(process.argv[2] ?? 1);
/** Detections that begin tracks and bring them back. */
const STRONG = 0.6;

/** What the track that an object had before does now. */
function fateOf(before, owners, lost) {
  if (owners.has(before)) return owners.get(before) === 0 ? 'shows nobody' : 'shows another person';
  return lost.some(({ id }) => id === before) ? 'is lost' : 'has ended';
}

for (const sequence of readSequences('identity-changes')) {
  const { name, truth, fps } = sequence;
  const latest = new Map();
  const known = new Set();
  const causes = new Map();
  const boxesOf = { tracked: 0, strong: 0, weak: 0, none: 0 };
  await byTracker(sequence, framesOf(sequence.frames, step, 0), true, (frame, boxes, { ids, lost }) => {
    const people = (truth.get(frame) ?? []).filter(({ class: kind, score }) => kind === 1 && score !== 0);
    const tracked = boxes.map((box, i) => ({ ...box, id: ids[i] })).filter(({ id }) => id !== 0);
    const names = namesOf(truth.get(frame) ?? [], tracked);
    const shown = namesOf(truth.get(frame) ?? [], boxes);
    const owners = new Map(tracked.map(({ id }, i) => [id, names[i]]));
    for (const { id: person } of people) {
      const index = names.indexOf(person);
      if (index < 0) {
        const detection = boxes[shown.indexOf(person)];
        boxesOf[detection === undefined ? 'none' : detection.score >= STRONG ? 'strong' : 'weak'] += 1;
        continue;
      }
      boxesOf.tracked += 1;
      const { id } = tracked[index];
      const before = latest.get(person);
      if (before !== undefined && before.id !== id) {
        const cause = `its track ${fateOf(before.id, owners, lost)}, ${known.has(id) ? "another's took over" : 'a new one began'}`;
        causes.set(cause, (causes.get(cause) ?? 0) + 1);
        const gapMs = Math.round((1000 * (frame - before.frame)) / fps);
        say(`${name} frame ${frame}: person ${person}, track ${before.id} -> ${id} after ${gapMs} ms: ${cause}`);
      }
      latest.set(person, { id, frame });
    }
    for (const { id } of tracked) known.add(id);
  });
  const all = Object.values(boxesOf).reduce((sum, count) => sum + count, 0);
  say(
    `${name}: of ${all} true boxes ${boxesOf.tracked} have a track, ${boxesOf.strong} a strong detection without one, ${boxesOf.weak} a weak one, ${boxesOf.none} none`,
  );
  for (const [cause, count] of [...causes].sort((a, b) => b[1] - a[1])) say(`${String(count).padStart(5)} ${cause}`);
}
