/** What lies over the picture: points and boxes of a draft, names and trails of objects. */
import type { ReadonlySignal } from '@preact/signals';
import { type Draft, ordered } from '../ui/draft.js';
import { colourOf, cssOf } from '../view/colours.js';
import type { Shown } from '../view/stage.js';
import type { Trails } from '../view/trails.js';
import type { Corner } from './pointer.js';

export function Marks({ draft, corner }: { draft: Draft | undefined; corner: Corner }) {
  if (!draft) return null;
  const box = draft.box && ordered(draft.box);
  const percent = (value: number) => `${100 * value}%`;
  return (
    <svg class="marks" aria-hidden="true">
      {box ? <rect x={percent(box[0])} y={percent(box[1])} width={percent(box[2] - box[0])} height={percent(box[3] - box[1])} /> : null}
      {draft.box
        ? handlesOf(draft.box).map(([x, y], k) => (
            <circle key={`handle-${k}`} class={k === corner ? 'handle moved' : 'handle'} cx={percent(x)} cy={percent(y)} r="6" />
          ))
        : null}
      {draft.points.map(([x, y, isObject], k) => (
        <circle key={k} class={isObject ? 'object' : 'background'} cx={percent(x)} cy={percent(y)} r="7" />
      ))}
    </svg>
  );
}

/** The corners by which a box is changed, the two that the keys move first. */
export function handlesOf([x1, y1, x2, y2]: NonNullable<Draft['box']>): [number, number][] {
  return [
    [x1, y1],
    [x2, y2],
    [x1, y2],
    [x2, y1],
  ];
}

/** Of a picture: more names would hide it. */
const MAX_TAGS = 24;

/** Names beside the objects that answer a prompt, that are tracked, chosen or under the pointer; trails of tracks. Drawn with each frame. */
interface TagsProps {
  readonly drawn: ReadonlySignal<Shown | undefined>;
  readonly trails: Trails;
  readonly focused: number;
  readonly hovered: ReadonlySignal<number>;
}

export function Tags({ drawn, trails, focused, hovered }: TagsProps) {
  const shown = drawn.value;
  if (!shown) return null;
  const { objects, frame, ids, meta } = shown;
  const tags: { index: number; text: string; isTrackAlone: boolean }[] = [];
  for (let index = 0; index < objects.count && tags.length < MAX_TAGS; index += 1) {
    const names = meta.answers
      .filter(({ type }, k) => type !== 'everything' && k < 32 && ((objects.prompts[index]! >>> k) & 1) === 1)
      .map(({ id }) => id);
    const track = objects.tracks[index]!;
    const isActive = index === focused || index === hovered.value;
    const isTrackAlone = names.length === 0 && !isActive;
    if (track > 0) names.unshift(`#${track}`);
    if (isActive) names.push(`${track > 0 ? '' : `#${index} `}${objects.scores[index]!.toFixed(2)}`);
    if (names.length > 0) tags.push({ index, text: names.join(' '), isTrackAlone });
  }
  return (
    <>
      <svg class="marks trails" viewBox={`0 0 ${frame.width} ${frame.height}`} preserveAspectRatio="none" aria-hidden="true">
        {trails.list().map(({ track, points }) => (
          <polyline key={track} points={points.map((point) => point.join()).join(' ')} stroke={cssOf(colourOf(track))} />
        ))}
      </svg>
      <div class="tags" aria-hidden="true">
        {tags.map(({ index, text, isTrackAlone }) => (
          <span
            key={ids[index]}
            class={isTrackAlone ? 'track-alone' : ''}
            style={`left:${(100 * objects.boxes[4 * index]!) / frame.width}%;top:${(100 * objects.boxes[4 * index + 1]!) / frame.height}%;--colour:${cssOf(colourOf(ids[index]!))}`}
          >
            {text}
          </span>
        ))}
      </div>
    </>
  );
}
