/** Which of the objects at the points of a prompt it keeps; `merge` is FastSAM's own rule, see prompt/apply.ts. */

export const SELECTIONS = ['best', 'smallest', 'largest', 'all', 'merge'] as const;
export type Selection = (typeof SELECTIONS)[number];
