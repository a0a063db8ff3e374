/** The toy CLIP with real semantics and the real tokenizer, where it is at hand. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const sharedFile = (name: string) => fileURLToPath(new URL(`../../../shared/${name}`, import.meta.url));
export const SHARED_CLIP = sharedFile('models/clip-colour');
export const hasSharedClip = existsSync(`${SHARED_CLIP}/tokenizer.json`);
