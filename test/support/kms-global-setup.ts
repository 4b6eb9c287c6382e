/**
 * A folder for the keys that the tests of one run share: `startTestKms` generates them on first use, so a
 * run that needs no KMS pays nothing.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** A temporary folder, removed after the run. */
    testKmsFolder: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-kms-'));
  project.provide('testKmsFolder', folder);
  return () => rmSync(folder, { recursive: true, force: true });
}
