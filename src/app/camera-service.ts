/** What MQTT requests may do to the cameras of this node. */
import { FastsamError } from '../errors.js';
import type { CameraService } from '../publish/services.js';
import type { CameraTask } from './camera-task.js';

export function cameraService(tasks: () => readonly CameraTask[]): CameraService {
  const task = (id: string): CameraTask => {
    const found = tasks().find((each) => each.id === id);
    if (found) return found;
    const known = tasks()
      .map((each) => each.id)
      .join(', ');
    throw new FastsamError('REQUEST_INVALID', `no camera "${id}"; expected one of ${known || '(none yet: the node is starting)'}`);
  };
  return {
    snapshot: async (id) => task(id).snapshot(),
    pause: async (id) => task(id).pause(),
    resume: async (id) => task(id).resume(),
    restart: async (id) => task(id).restart(),
  };
}
