/**
 * ByteTrack (Zhang et al. 2022) by its published rule, as a baseline: boxes [x, y, w, h, score], the Kalman filter over
 * x, y, aspect and height with one step a frame, two stages by score, unconfirmed tracks, a buffer in frames.
 */
import { assign } from '../../dist/eval/tracking/assignment.js';

const LOW = 0.1;
const MATCH = 0.9;
const SECOND_MATCH = 0.5;
const UNCONFIRMED_MATCH = 0.7;
const DUPLICATE = 0.85;
const BUFFER_AT_30_FPS = 30;

/** One coordinate and its velocity; ByteTrack's matrices are diagonal in everything but these pairs. */
class Axis {
  constructor(value, deviation, velocityDeviation) {
    Object.assign(this, { value, velocity: 0, p: deviation ** 2, pv: 0, v: velocityDeviation ** 2 });
  }
  predict(deviation, velocityDeviation) {
    this.value += this.velocity;
    this.p += 2 * this.pv + this.v + deviation ** 2;
    this.pv += this.v;
    this.v += velocityDeviation ** 2;
  }
  update(measured, deviation) {
    const total = this.p + deviation ** 2;
    const [gain, velocityGain] = [this.p / total, this.pv / total];
    const error = measured - this.value;
    this.value += gain * error;
    this.velocity += velocityGain * error;
    this.v -= velocityGain * this.pv;
    this.pv -= gain * this.pv;
    this.p -= gain * this.p;
  }
}

class Track {
  constructor([x, y, w, h], frame, confirmed) {
    this.axes = [
      new Axis(x + w / 2, h / 10, h / 16),
      new Axis(y + h / 2, h / 10, h / 16),
      new Axis(w / h, 1e-2, 1e-5),
      new Axis(h, h / 10, h / 16),
    ];
    Object.assign(this, { id: 0, confirmed, lost: false, start: frame, seen: frame });
  }
  get box() {
    const [cx, cy, aspect, h] = this.axes.map(({ value }) => value);
    return [cx - (aspect * h) / 2, cy - h / 2, aspect * h, h];
  }
  predict() {
    const h = this.axes[3].value;
    if (this.lost) this.axes[3].velocity = 0;
    for (const [k, axis] of this.axes.entries()) axis.predict(k === 2 ? 1e-2 : h / 20, k === 2 ? 1e-5 : h / 160);
  }
  update([x, y, w, h], frame) {
    const height = this.axes[3].value;
    for (const [k, value] of [x + w / 2, y + h / 2, w / h, h].entries()) this.axes[k].update(value, k === 2 ? 1e-1 : height / 20);
    Object.assign(this, { confirmed: true, lost: false, seen: frame });
  }
}

function iou(a, b) {
  const width = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  return (width * height) / (a[2] * a[3] + b[2] * b[3] - width * height);
}

/** Pairs of least total cost, none above the limit: an unmatched row and column together cost the limit. */
function match(tracks, boxes, limit, fuse) {
  const n = boxes.length;
  const cost = new Float64Array(tracks.length * n);
  for (const [i, track] of tracks.entries()) {
    const box = track.box;
    for (const [j, other] of boxes.entries()) cost[i * n + j] = Math.min(1 - iou(box, other) * (fuse ? other[4] : 1) - limit, 0);
  }
  const pairs = [];
  for (const [i, j] of assign(cost, tracks.length, n).entries()) if (j >= 0 && cost[i * n + j] < 0) pairs.push([i, j]);
  const rows = new Set(pairs.map(([i]) => i));
  const columns = new Set(pairs.map(([, j]) => j));
  return { pairs, tracks: tracks.filter((_, i) => !rows.has(i)), boxes: boxes.filter((_, j) => !columns.has(j)) };
}

export class ByteTrack {
  #tracked = [];
  #lost = [];
  #frame = 0;
  #next = 1;
  #buffer;
  #high;
  #birth;

  /** `fps`: of the frames that it gets. */
  constructor(fps, { high = 0.6, birth = high + 0.1 } = {}) {
    this.#high = high;
    this.#birth = birth;
    this.#buffer = Math.floor((fps / 30) * BUFFER_AT_30_FPS);
  }

  /** [{ id, box: [x, y, w, h] }] of one frame. */
  update(detections) {
    this.#frame += 1;
    const frame = this.#frame;
    const high = detections.filter(({ 4: score }) => score > this.#high);
    const low = detections.filter(({ 4: score }) => score > LOW && score < this.#high);
    const pool = [...this.#tracked.filter(({ confirmed }) => confirmed), ...this.#lost];
    for (const track of pool) track.predict();
    const active = [];
    const take = (tracks, boxes, { pairs }) => {
      for (const [i, j] of pairs) {
        tracks[i].update(boxes[j], frame);
        active.push(tracks[i]);
      }
    };
    const first = match(pool, high, MATCH, true);
    take(pool, high, first);
    const seenBefore = first.tracks.filter(({ lost }) => !lost);
    const second = match(seenBefore, low, SECOND_MATCH, false);
    take(seenBefore, low, second);
    const unconfirmed = this.#tracked.filter(({ confirmed }) => !confirmed);
    const third = match(unconfirmed, first.boxes, UNCONFIRMED_MATCH, true);
    take(unconfirmed, first.boxes, third);
    for (const box of third.boxes) {
      if (box[4] < this.#birth) continue;
      const track = new Track(box, frame, frame === 1);
      track.id = this.#next;
      this.#next += 1;
      active.push(track);
    }
    for (const track of second.tracks) track.lost = true;
    const lost = [...this.#lost, ...second.tracks].filter((track) => track.lost && frame - track.seen <= this.#buffer);
    const duplicates = new Set();
    for (const a of active) {
      for (const b of lost) {
        if (iou(a.box, b.box) > DUPLICATE) duplicates.add(a.seen - a.start > b.seen - b.start ? b : a);
      }
    }
    this.#tracked = active.filter((track) => !duplicates.has(track));
    this.#lost = lost.filter((track) => !duplicates.has(track));
    return this.#tracked.filter(({ confirmed }) => confirmed).map(({ id, box }) => ({ id, box }));
  }
}
