import type { ConsoleUser } from '../contract/console.js';

/** Whether the user may see this camera. */
export function maySee({ cameras }: ConsoleUser, camera: string): boolean {
  return cameras === undefined || cameras.includes(camera);
}
