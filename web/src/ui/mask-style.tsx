/** How masks are drawn over a picture. */
import type { Style } from '../view/renderer.js';
import { Slider } from './slider.js';

export function MaskStyle({ style, onStyle }: { style: Style; onStyle: (next: Partial<Style>) => void }) {
  return (
    <>
      <Slider
        name="Opacity"
        value={style.opacity}
        shown={`${Math.round(100 * style.opacity)} %`}
        min={0}
        max={0.9}
        step={0.05}
        onInput={(next) => onStyle({ opacity: next })}
      />
      <label class="check">
        <input type="checkbox" checked={style.contours} onChange={(event) => onStyle({ contours: event.currentTarget.checked })} /> Contours
      </label>
    </>
  );
}
