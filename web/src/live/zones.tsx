/** Lines and zones of a camera over its picture, with what they have counted. */
import type { CountsMessage, ZonesMessage } from '../../../src/contract/tracking.js';
import { topics } from '../link/link.js';

type Point = readonly [x: number, y: number];
type Size = { readonly width: number; readonly height: number };

/** 0…1 of the frame. */
function relative(points: readonly Point[], space: 'pixel' | 'normalized', { width, height }: Size): Point[] {
  return space === 'normalized' ? [...points] : points.map(([x, y]) => [x / width, y / height]);
}

export function Zones({ camera, frame }: { camera: string; frame: Size | undefined }) {
  const message = topics.value.get(`cameras/${camera}/zones`) as ZonesMessage | undefined;
  const counts = topics.value.get(`cameras/${camera}/counts`) as CountsMessage | undefined;
  if (!message || !frame) return null;
  const lines = message.lines.map(({ id, from, to, space }) => ({ id, ends: relative([from, to], space, frame) }));
  const zones = message.zones.map(({ id, polygon, space }) => ({ id, corners: relative(polygon, space, frame) }));
  const percent = (value: number) => `${100 * value}%`;
  return (
    <>
      <svg class="marks zones" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
        {zones.map(({ id, corners }) => (
          <polygon key={id} points={corners.map((corner) => corner.join()).join(' ')} />
        ))}
        {lines.map(({ id, ends: [from, to] }) => (
          <line key={id} x1={from![0]} y1={from![1]} x2={to![0]} y2={to![1]} />
        ))}
      </svg>
      <ul class="tags places" aria-label="Lines and zones">
        {lines.map(({ id, ends: [from, to] }) => (
          <li key={id} style={`left:${percent((from![0] + to![0]) / 2)};top:${percent((from![1] + to![1]) / 2)}`}>
            {id} <b>{counts?.lines[id]?.in ?? 0}</b> in · <b>{counts?.lines[id]?.out ?? 0}</b> out
          </li>
        ))}
        {zones.map(({ id, corners }) => {
          // Inside, at the upper left: beyond the frame it would be cut off.
          const left = Math.max(Math.min(...corners.map(([x]) => x)), 0);
          const top = Math.max(Math.min(...corners.map(([, y]) => y)), 0);
          return (
            <li key={id} class="zone" style={`left:${percent(left)};top:${percent(top)}`}>
              {id} <b>{counts?.zones[id]?.inside ?? 0}</b> inside · {counts?.zones[id]?.entered ?? 0} entered
            </li>
          );
        })}
      </ul>
    </>
  );
}
