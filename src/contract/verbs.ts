/** Names of the requests that a node answers; their payloads are in request.ts. Apart, so that `--help` needs no schemas. */

export const VERBS = [
  'prompt/set',
  'prompt/add',
  'prompt/remove',
  'prompt/clear',
  'prompt/get',
  'prompt/try',
  'read/ping',
  'read/info',
  'read/health',
  'read/snapshot',
  'read/schema',
  'inspect/trigger',
  'recipe/set',
  'recipe/activate',
  'recipe/get',
  'recipe/list',
  'read/verdicts',
  'read/statistics',
  'admin/camera-pause',
  'admin/camera-resume',
  'admin/camera-paused',
  'admin/camera-restart',
  'admin/config-reload',
  'admin/log-level',
] as const;

export type Verb = (typeof VERBS)[number];
