/**
 * Whether `model` is the name of a model (`fastsam-s`, `fastsam-s-384x640`) rather than the path of a file. A bare word
 * is a name: whatever has a slash or a dot in it is a path.
 */
export function isModelName(model: string): boolean {
  return /^[A-Za-z0-9][\w-]{0,63}$/.test(model);
}
