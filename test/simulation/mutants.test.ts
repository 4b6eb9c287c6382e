/**
 * Proof that the simulation bites: each patch in mutants/ plants one realistic bug into a copy of the product, and the
 * simulation has to find it. A patch starts with two comments: what it breaks, and by which invariants it has to be
 * noticed; the others do not count.
 *
 *   # What: a seat is reaped without waiting for clocks that are behind
 *   # Noticed by: I1
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { applyPatch, parsePatch } from 'diff';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PATCHES = globSync(join(import.meta.dirname, 'mutants', '*.patch')).sort();
const NEEDED = ['shared', 'infra', 'test/simulation', 'test/support', 'package.json'];

const SEED = 'mutants';
const MOST_STEPS = 300_000;
const LIMIT_MS = 120_000;
const AT_ONCE = 2;
/** The copy without a bug: what is found there proves nothing about the patches. */
const CONTROL = 'control';
const FEWEST_MUTANTS = 15;

interface Verdict {
  readonly invariant: string | undefined;
  readonly output: string;
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-mutants-'));
const verdicts = new Map<string, Verdict | Error>();

beforeAll(async () => {
  const waiting = [CONTROL, ...PATCHES].values();
  const worker = async () => {
    for (const patch of waiting) verdicts.set(patch, await judge(patch));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('there are enough of them', () => {
  expect(PATCHES.length).toBeGreaterThanOrEqual(FEWEST_MUTANTS);
});

test('nothing is found where nothing was planted', () => {
  const verdict = verdictOn(CONTROL);
  expect(verdict.invariant, verdict.output).toBeUndefined();
});

test.each(PATCHES.map((patch) => [basename(patch, '.patch'), patch]))('%s is caught', (name, patch) => {
  const verdict = verdictOn(patch);
  expect(verdict.invariant, `it survived:\n${verdict.output}`).toBeDefined();
  console.log(`${name}: ${verdict.invariant} after ${/^\d+ steps/m.exec(verdict.output)?.[0]}`);
});

function verdictOn(patch: string): Verdict {
  const verdict = verdicts.get(patch);
  if (verdict === undefined || verdict instanceof Error) throw verdict ?? new Error('it was not tried');
  return verdict;
}

function noticedBy(patch: string): string {
  const [, invariants] = /^# Noticed by: (.+)$/m.exec(readFileSync(patch, 'utf8')) ?? [];
  if (invariants === undefined) throw new Error(`${basename(patch)} does not say which invariant notices it`);
  return invariants.replaceAll(' ', '');
}

/** Plants the bug and lets the simulation look for it. */
async function judge(patch: string): Promise<Verdict | Error> {
  const home = join(folder, basename(patch, '.patch'));
  try {
    copyProduct(home);
    if (patch === CONTROL) return await simulate(home);
    plant(patch, home);
    return await simulate(home, ['--only', noticedBy(patch)]);
  } catch (error) {
    return error as Error;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function copyProduct(home: string): void {
  mkdirSync(join(home, 'test'), { recursive: true });
  for (const part of NEEDED) {
    cpSync(join(ROOT, part), join(home, part), {
      recursive: true,
      filter: (path) => !path.endsWith('.patch'),
    });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(home, 'node_modules'));
}

function plant(patch: string, home: string): void {
  const changes = parsePatch(readFileSync(patch, 'utf8'));
  if (changes.length === 0) throw new Error(`${patch} holds no change`);
  for (const change of changes) {
    const file = join(home, (change.newFileName ?? '').replace(/^b\//, ''));
    const changed = applyPatch(readFileSync(file, 'utf8'), change, { fuzzFactor: 0 });
    if (changed === false) throw new Error(`${basename(patch)} no longer applies to ${change.newFileName}`);
    writeFileSync(file, changed);
  }
}

/** Runs until a violation or the last step. Anything else that ends it is an error. */
function simulate(home: string, more: readonly string[] = []): Promise<Verdict> {
  const main = join(home, 'test', 'simulation', 'main.ts');
  const options = ['--seed', SEED, '--steps', String(MOST_STEPS), ...more];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [main, ...options], { timeout: LIMIT_MS }, (error, stdout, stderr) => {
      const [, invariant] = /^VIOLATION of (\S+)/m.exec(stdout) ?? [];
      const hasEnded = /^\d+ steps in/m.test(stdout);
      if (!hasEnded) reject(new Error(`the simulation itself failed: ${stderr}`, { cause: error }));
      else resolve({ invariant, output: stdout });
    });
  });
}
