import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Tests name the sources and run what was built from them: what ships, worker threads included.
  resolve: { alias: [{ find: /^((?:\.\.\/)+)src\//, replacement: '$1dist/' }] },
  test: {
    include: ['test/**/*.test.ts'],
    // Processes, not threads: the addon, onnxruntime and signals belong to a process.
    pool: 'forks',
    // Most of the time tests wait, for servers and time limits: one file at a time, the default on two cores, leaves both idle.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
