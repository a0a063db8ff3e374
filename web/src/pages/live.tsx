/** Cameras: all of them as tiles, or one large with its prompts and objects. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hello, isDistrusted, obstacle, status } from '../link/link.js';
import { useAwake } from '../live/awake.js';
import { Camera } from '../live/camera.js';
import { Grid } from '../live/grid.js';
import { areKeysOn, isTyping } from '../live/keys.js';

export function Live() {
  const cameras = hello.value?.cameras.map(({ id }) => id) ?? [];
  useAwake();
  const chosen = useSignal<string | undefined>(location.hash.split('/')[1]);
  useEffect(() => {
    const follow = () => {
      chosen.value = location.hash.split('/')[1];
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  useEffect(() => {
    const pick = (event: KeyboardEvent) => {
      const camera = isTyping(event) || !areKeysOn.value ? undefined : cameras[Number(event.key) - 1];
      if (camera !== undefined) location.hash = `live/${camera}`;
    };
    addEventListener('keydown', pick);
    return () => removeEventListener('keydown', pick);
  }, [cameras.join()]);
  if (!hello.value)
    return (
      <p class="empty">
        {status.value !== 'offline'
          ? 'Connecting …'
          : isDistrusted.value
            ? 'No live connection.'
            : (obstacle.value ?? 'The daemon cannot be reached.')}
      </p>
    );
  if (cameras.length === 0)
    return (
      <p class="empty">
        No camera yet. Add one below <code>cameras:</code> in the configuration, then reload it.
      </p>
    );
  const camera = chosen.value && cameras.includes(chosen.value) ? chosen.value : cameras.length === 1 ? cameras[0]! : undefined;
  if (camera === undefined) return <Grid cameras={cameras} />;
  return <Camera key={camera} camera={camera} cameras={cameras} />;
}
