/** An import of a whole ledger by processes, the first of which is killed. */
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { ledgerLine, ledgerTerms } from './ledger.ts';
import type { TestService } from './service.ts';
import { spawnProgram } from './spawn-stack.ts';

/** Writes a ledger of `count` lines to `path`, and fails unless each of them becomes one licence. */
export async function importKilledOnTheWay(
  service: TestService,
  env: Readonly<Record<string, string>>,
  path: string,
  count: number,
): Promise<void> {
  const countersign = (args: readonly string[], nodeArgs: readonly string[] = []) =>
    spawnProgram('scripts/cli/main.ts', args, { env, nodeArgs });
  const stored = async () => (await service.ports.store.aggregate({ collection: 'licenses' })).count;
  const lines = Array.from({ length: count }, (_, n) => `${ledgerLine(ledgerTerms(0x10000 + n))}\n`);
  writeFileSync(path, lines.join(''));
  const before = await stored();
  const first = countersign(['import', path]);
  const deadlineAt = Date.now() + 60_000;
  while ((await stored()) < before + 500 && Date.now() < deadlineAt && first.stderr() === '') await pause(5);
  first.kill('SIGKILL');
  expect((await first.ended).signal).toBe('SIGKILL');
  const added = (await stored()) - before;
  expect(added).toBeGreaterThanOrEqual(500);
  expect(added).toBeLessThan(count);
  const second = await countersign(['import', path, '--json'], ['--max-old-space-size=128']).ended;
  expect([second.stderr, second.code]).toEqual(['', 0]);
  // The request that was under way when the first one died may have been carried out after it.
  const totals = JSON.parse(second.stdout);
  expect(totals.added + totals.known).toBe(count);
  expect(totals.known).toBeGreaterThanOrEqual(added);
  expect(await stored()).toBe(before + count);
  const third = await countersign(['import', path, '--json'], ['--max-old-space-size=128']).ended;
  expect(JSON.parse(third.stdout)).toEqual({ added: 0, known: count, refused: 0, unverified: count });
}
