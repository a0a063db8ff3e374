// Removes from dist what no source compiles to any more: a file that was moved would still be found, by knip and by users.
import { existsSync, readdirSync, rmSync } from 'node:fs';

const dist = new URL('../dist/', import.meta.url);
const source = new URL('../src/', import.meta.url);
for (const path of readdirSync(dist, { recursive: true })) {
  // The page of the console and the bundle have their own builds, which remove old files themselves.
  if (/^(?:web|bundle)\//.test(path)) continue;
  const name = /^(.*)\.(d\.ts|js|js\.map|d\.ts\.map)$/.exec(path)?.[1];
  if (name !== undefined && !existsSync(new URL(`${name}.ts`, source))) rmSync(new URL(path, dist));
}
