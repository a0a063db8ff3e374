/**
 * `make bench-track`: tracks by boxes on MOTChallenge sequences with given detections, beside ByteTrack's published rule.
 * TRACKING names a folder of sequences (default ../shared/tracking/mot17), each with det.txt, gt.txt and gmc.txt (camera
 * motion, frame by frame). Frames a second and size are MOT17's, by the sequence's number. The ceilings are what the given detections score
 * when the truth names them and takes out the mistakes: those of 0.6 and more, with which tracks begin and come back, and all from 0.1 on.
 */
import { scoreMotFrame } from '../../dist/eval/tracking/mot.js';
import { scoreTracking } from '../../dist/eval/tracking/scores.js';
import { ByteTrack } from './byte-track.mjs';
import { keepGoal } from './goals.mjs';
import { byTracker, byTruth, framesOf, readSequences } from './mot-sequences.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

/** Seeds of the irregular frames, fixed beforehand. */
const SEEDS = [1, 2, 3];
const sequences = readSequences('bench-track');

async function byByteTrack({ detections, fps }, frames, meanStep) {
  const tracker = new ByteTrack(fps / meanStep);
  const result = new Map();
  for (const frame of frames) {
    const boxes = (detections.get(frame) ?? []).map((b) => [b.x, b.y, b.width, b.height, b.score]);
    const tracks = tracker.update(boxes).map(({ id, box: [x, y, w, h] }) => ({ id, x, y, width: w, height: h, score: 1, class: 1 }));
    result.set(frame, tracks);
  }
  return result;
}

const MODES = [
  { name: 'all frames', step: 1, goal: 81 },
  { name: 'every 3rd', step: 3 },
  { name: 'every 6th', step: 6, goal: 80.5 },
  { name: 'irregular 1-5', step: 0, goal: 80 },
];
const METHODS = [
  { name: 'ByteTrack', run: (s, frames, step) => byByteTrack(s, frames, step || 3) },
  { name: 'fastsamd, camera motion unknown', run: (s, frames) => byTracker(s, frames, false) },
  { name: 'fastsamd, camera motion given', goals: true, run: (s, frames) => byTracker(s, frames, true) },
  { name: 'ceiling: strong boxes', run: (s, frames) => byTruth(s, frames, 0.6) },
  { name: 'ceiling: all boxes', run: (s, frames) => byTruth(s, frames, 0.1) },
];

say(`sequences: ${sequences.map(({ name }) => name).join(', ')}; switches of irregular frames are means of ${SEEDS.length} seeds\n`);
say(
  `${'frames'.padEnd(15)}${'tracker'.padEnd(34)}${'IDF1'.padStart(7)}${'HOTA'.padStart(7)}${'OWTA'.padStart(7)}${'MOTA'.padStart(7)}${'IDSW'.padStart(7)}  by sequence: IDF1/IDSW`,
);
/** The goals are for all sequences of MOT17's training set. */
const isWholeSet = sequences.length === 7;
const MOST_SWITCHES = 125;

for (const { name, step, goal } of MODES) {
  for (const method of METHODS) {
    const scored = [];
    const bySequence = new Map();
    const seeds = step === 0 ? SEEDS : [0];
    for (const sequence of sequences) {
      for (const seed of seeds) {
        const frames = framesOf(sequence.frames, step, seed);
        const result = await method.run(sequence, frames, step);
        const list = frames.map((frame) => scoreMotFrame(sequence.truth.get(frame) ?? [], result.get(frame)));
        scored.push(list);
        bySequence.set(sequence.name, [...(bySequence.get(sequence.name) ?? []), list]);
      }
    }
    const scores = scoreTracking(scored);
    const switches = Math.round(scores.switches / seeds.length);
    if (goal && method.goals) {
      keepGoal(
        `1 MOT17 ${sequences.map((s) => s.name).join(', ')}, ${name}: IDF1 / switches`,
        `${(100 * scores.idf1).toFixed(1)} / ${switches}`,
        `${goal} / ${MOST_SWITCHES} on all 7 sequences`,
        isWholeSet ? 100 * scores.idf1 >= goal && switches <= MOST_SWITCHES : undefined,
      );
    }
    const percent = (value) => (100 * value).toFixed(1).padStart(7);
    const each = [...bySequence].map(([of, lists]) => {
      const own = scoreTracking(lists);
      return `${of} ${(100 * own.idf1).toFixed(1)}/${Math.round(own.switches / seeds.length)}`;
    });
    say(
      `${name.padEnd(15)}${method.name.padEnd(34)}${percent(scores.idf1)}${percent(scores.hota)}${percent(scores.owta)}${percent(scores.mota)}${String(switches).padStart(7)}  ${each.join(', ')}`,
    );
  }
}
