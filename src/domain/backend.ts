/** What can run a network, by name. */
export const BACKENDS = ['onnxruntime', 'tensorrt'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** What a user may ask for; `auto`: the first of engine/open.ts that is available. */
export const BACKEND_CHOICES = ['auto', ...BACKENDS] as const;
export type BackendChoice = (typeof BACKEND_CHOICES)[number];
