/** Cameras over TLS with a certificate that this machine does not know. */
import { expect } from 'vitest';
import { WatchedCamera } from './camera.js';

/** Expects the camera to be refused, and why; returns it opened with the permission to go on all the same. */
export async function insecureCamera(url: string): Promise<WatchedCamera> {
  await using refused = new WatchedCamera(url);
  await refused.untilPhase('lost');
  expect(refused.camera.status.reason).toMatch(/its certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\); .*insecureTls/);
  return new WatchedCamera(url, { options: { insecureTls: true } });
}
