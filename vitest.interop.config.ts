import { defineConfig } from 'vitest/config';

/** Tests that need another program on the PATH (python3), so they are no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
