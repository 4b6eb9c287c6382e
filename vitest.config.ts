import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'node_modules/**'],
    globalSetup: ['test/support/kms-global-setup.ts'],
    // Many tests wait for processes, deadlines and reloads: with a worker for each processor those would be idle.
    maxWorkers: '200%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
