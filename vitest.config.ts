import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests name the sources and run what was built from them: what ships, worker threads included.
  resolve: { alias: [{ find: /^((?:\.\.\/)+)src\//, replacement: '$1dist/' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // Processes, not threads: the addon, onnxruntime and signals belong to a process.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
