/** `--track` and the options that build on it: ids, lines, zones, MOTChallenge files. */

import { CAMERA_MOTION_MODES, type CameraMotionMode } from '../domain/track.js';
import { grouped } from './option-groups.js';

export const trackOptions = grouped('Tracks, lines and zones', {
  track: { type: 'boolean', default: false, describe: 'Give objects ids that they keep from frame to frame, and draw their trails.' },
  follow: { type: 'boolean', default: false, describe: 'Lock onto the object of --box, --point or --text and follow it. Implies --track.' },
  'camera-motion': {
    choices: CAMERA_MOTION_MODES,
    default: 'fixed' as const,
    describe: 'moving: the camera is on a drone, a robot or a hand; its motion is taken out. auto: while it moves.',
  },
  line: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'NAME=x1,y1,x2,y2: count the objects that cross this line. Repeat. Implies --track.',
  },
  zone: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'NAME=x,y,x,y,x,y…: tell who is in this polygon. Repeat. Implies --track.',
  },
  mot: { type: 'string', requiresArg: true, describe: 'Write tracks to this file in the format of MOTChallenge. Implies --track.' },
});

export interface TrackArguments {
  readonly track: boolean;
  readonly follow?: boolean | undefined;
  readonly 'camera-motion': CameraMotionMode;
  readonly line?: readonly string[] | undefined;
  readonly zone?: readonly string[] | undefined;
  readonly mot?: string | undefined;
}

/** Whether something that was asked for needs tracks. */
export function asksForTracks({ track, follow, line = [], zone = [], mot }: TrackArguments): boolean {
  return track || follow === true || line.length > 0 || zone.length > 0 || mot !== undefined;
}
