/** The answer of read/tracks for one camera. */
import { toTimestamp } from '../contract/common.js';
import type { TracksData } from '../contract/tracking.js';
import type { FrameResult } from '../domain/result.js';
import { boxOf } from '../domain/segments.js';

export interface TracksContext {
  readonly camera: string;
  readonly bootId: string;
  readonly zonesOf: (track: number) => string[];
}

/** `result`: the latest one; undefined before the first. */
export function tracksOf(result: FrameResult | undefined, { camera, bootId, zonesOf }: TracksContext): TracksData[number] {
  if (!result?.tracks) return { camera, bootId, seq: null, capturedAt: null, tracks: [], lost: [] };
  const { tracks, segments, sequence, captured } = result;
  return {
    camera,
    bootId,
    seq: sequence,
    capturedAt: toTimestamp(captured.wallMs),
    tracks: [...tracks.ids.entries()].flatMap(([index, track]) => {
      if (track === 0) return [];
      const parent = tracks.parents[index]!;
      const zones = zonesOf(track);
      return [
        {
          track,
          bbox: rounded(boxOf(segments, index)),
          score: round(segments.scores[index]!, 4),
          ageMs: Math.round(tracks.agesMs[index]!),
          ...(parent ? { parent } : {}),
          motion: { vx: round(tracks.velocities[2 * index]!, 1), vy: round(tracks.velocities[2 * index + 1]!, 1) },
          ...(zones.length > 0 ? { zones } : {}),
        },
      ];
    }),
    lost: tracks.lost.map(({ id, box, unseenMs }) => ({ track: id, bbox: rounded(box), unseenMs: Math.round(unseenMs) })),
  };
}

function rounded([x1, y1, x2, y2]: readonly [number, number, number, number]): [number, number, number, number] {
  return [round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1)];
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
