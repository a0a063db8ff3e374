/** A range with its name and its value in words. */

interface SliderProps {
  readonly name: string;
  readonly value: number;
  /** The value as it is shown. */
  readonly shown: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** While the thumb moves. */
  readonly onInput: (value: number) => void;
  /** Once it is released. */
  readonly onRelease?: () => void;
}

export function Slider({ name, value, shown, min, max, step, onInput, onRelease }: SliderProps) {
  return (
    <label>
      {name} <output>{shown}</output>
      <input
        aria-label={name}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        onInput={(event) => onInput(Number(event.currentTarget.value))}
        onChange={onRelease}
      />
    </label>
  );
}
