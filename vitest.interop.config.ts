import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Tests that need another program (python3, openssl, go, curl, chromium), so they are no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/support/kms-global-setup.ts'],
    // Vitest leaves one processor out, and the runbooks mostly wait.
    maxWorkers: availableParallelism(),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
