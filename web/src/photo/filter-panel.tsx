/** Which objects of the photo are shown, and how. */
import { MaskStyle } from '../ui/mask-style.js';
import { Slider } from '../ui/slider.js';
import type { Picture } from './picture.js';
import type { PhotoPrompts } from './prompts.js';

export function FilterPanel({ picture: { shown, style }, prompts: { iou, ask } }: { picture: Picture; prompts: PhotoPrompts }) {
  return (
    <section class="panel" aria-label="Objects">
      <h2>
        Objects <small>{countAbove(shown.value?.objects.scores, style.value.least)}</small>
      </h2>
      <div class="sliders">
        <Slider
          name="Confidence"
          value={style.value.least}
          shown={style.value.least.toFixed(2)}
          min={0.05}
          max={1}
          step={0.01}
          onInput={(next) => (style.value = { ...style.value, least: next })}
          onRelease={ask}
        />
        <Slider
          name="IoU"
          value={iou.value}
          shown={iou.value.toFixed(2)}
          min={0.1}
          max={1}
          step={0.05}
          onInput={(next) => (iou.value = next)}
          onRelease={ask}
        />
        <MaskStyle style={style.value} onStyle={(next) => (style.value = { ...style.value, ...next })} />
      </div>
    </section>
  );
}

function countAbove(scores: Float32Array | undefined, least: number): number {
  return scores?.filter((score) => score > least).length ?? 0;
}
