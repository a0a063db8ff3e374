/** What lies over the picture: points and boxes of a draft, names of objects. */
import type { ViewAnswer } from '../../../src/contract/console.js';
import { type Draft, ordered } from '../ui/draft.js';
import { colourOf, cssOf } from '../view/colours.js';
import type { Shown, Stage } from '../view/stage.js';

export function Marks({ draft }: { draft: Draft | undefined }) {
  if (!draft) return null;
  const box = draft.box && ordered(draft.box);
  const percent = (value: number) => `${100 * value}%`;
  return (
    <svg class="marks" aria-hidden="true">
      {box ? <rect x={percent(box[0])} y={percent(box[1])} width={percent(box[2] - box[0])} height={percent(box[3] - box[1])} /> : null}
      {draft.points.map(([x, y, isObject], k) => (
        <circle key={k} class={isObject ? 'object' : 'background'} cx={percent(x)} cy={percent(y)} r="7" />
      ))}
    </svg>
  );
}

/** Names beside the objects that answer a prompt, and beside the one that is chosen. */
export function Tags({
  stage,
  shown,
  answers,
  focused,
}: {
  stage: Stage | undefined;
  shown: Shown | undefined;
  answers: readonly ViewAnswer[];
  focused: number;
}) {
  if (!shown || stage?.shown === undefined) return null;
  const { objects, frame } = shown;
  const tags: { index: number; text: string }[] = [];
  for (let index = 0; index < objects.count && tags.length < 24; index += 1) {
    const names = answers.filter(({ type }, k) => type !== 'everything' && k < 32 && ((objects.prompts[index]! >>> k) & 1) === 1);
    if (index === focused) tags.push({ index, text: `#${index} ${objects.scores[index]!.toFixed(2)}` });
    else if (names.length > 0) tags.push({ index, text: names.map(({ id }) => id).join(', ') });
  }
  return (
    <div class="tags" aria-hidden="true">
      {tags.map(({ index, text }) => (
        <span
          key={shown.ids[index]}
          style={`left:${(100 * objects.boxes[4 * index]!) / frame.width}%;top:${(100 * objects.boxes[4 * index + 1]!) / frame.height}%;--colour:${cssOf(colourOf(shown.ids[index]!))}`}
        >
          {text}
        </span>
      ))}
    </div>
  );
}
