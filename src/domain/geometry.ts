/**
 * How a frame lies in the network's input: scaled evenly by the letterbox, padded to the input size. A value that
 * travels with the tensor. All members are integers, in pixels; `left` and `top` are the padding before the content.
 */
export interface LetterboxGeometry {
  readonly frameWidth: number;
  readonly frameHeight: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly contentWidth: number;
  readonly contentHeight: number;
  readonly left: number;
  readonly top: number;
}
