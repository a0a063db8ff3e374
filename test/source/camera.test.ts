import { describe, expect, it } from 'vitest';
import { WatchedCamera } from '../helpers/camera.js';

const SCENE = 'test:shapes?width=64&height=48&fps=100';

describe('a camera', () => {
  it('is closed while it is paused, and opened again when it resumes', async () => {
    await using watched = new WatchedCamera(SCENE);
    await watched.more(2);
    await watched.camera.pause();
    await watched.untilPhase('paused');
    const frames = watched.frames;
    await watched.camera.resume();
    await watched.more(2);
    expect(watched.phases).toEqual(['connecting', 'streaming', 'paused', 'connecting', 'streaming']);
    expect(watched.frames).toBeGreaterThanOrEqual(frames + 2);
    // It was not lost.
    expect(watched.camera.status.reconnects).toBe(0);
  });

  it('can be paused before it is opened', async () => {
    await using watched = new WatchedCamera(SCENE);
    await watched.camera.pause();
    await watched.untilPhase('paused');
    expect(watched.frames).toBe(0);
    await watched.camera.resume();
    await watched.more();
  });

  it('rests at the end of its source until it is restarted', async () => {
    await using watched = new WatchedCamera(`${SCENE}&frames=3`);
    await watched.untilPhase('ended');
    await watched.camera.restart();
    await watched.until(() => watched.phases.filter((phase) => phase === 'ended').length === 2);
    expect(watched.phases).toEqual(['connecting', 'streaming', 'ended', 'connecting', 'streaming', 'ended']);
  });

  it('resumes when it is restarted, and restarts while it waits for a camera that is away', async () => {
    await using watched = new WatchedCamera('v4l2:/dev/video99');
    await watched.untilPhase('lost');
    const attempts = watched.phases.length;
    await watched.camera.restart();
    await watched.until(() => watched.phases.length >= attempts + 2);
    await watched.camera.pause();
    await watched.untilPhase('paused');
    await watched.camera.restart();
    await watched.untilPhase('lost');
    expect(watched.camera.status.reason).toContain('/dev/video99');
  });

  it('ends its frames when it is stopped, in any state', async () => {
    for (const phase of ['streaming', 'paused', 'lost', 'ended']) {
      const uri = { streaming: SCENE, paused: SCENE, lost: 'v4l2:/dev/video99', ended: `${SCENE}&frames=1` }[phase]!;
      const watched = new WatchedCamera(uri);
      if (phase === 'paused') await watched.camera.pause();
      await watched.untilPhase(phase);
      await watched.camera.stop();
      await watched.ended;
      expect(watched.phase).toBe(phase);
    }
  });
});
