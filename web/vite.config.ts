/** Builds the console's page into dist/web: hashed assets, each beside its compressed forms, and nothing from another origin. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

const out = fileURLToPath(new URL('../dist/web', import.meta.url));
/** All of it, gzip. */
const MAX_BYTES = 100_000;

function compress(): void {
  let total = 0;
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(html|js|css|svg)$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    const content = readFileSync(file);
    const gzip = gzipSync(content, { level: 9 });
    writeFileSync(`${file}.gz`, gzip);
    writeFileSync(`${file}.br`, brotliCompressSync(content));
    total += gzip.length;
  }
  if (total > MAX_BYTES) throw new Error(`web: ${total} bytes compressed; expected at most ${MAX_BYTES}`);
}

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: { outDir: out, emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  plugins: [{ name: 'compress', apply: 'build', closeBundle: compress }],
});
