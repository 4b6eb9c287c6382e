import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { openSqliteStore } from '../../infra/stores/sqlite.ts';
import type { DocumentStore, Snapshot } from '../../shared/ports/document-store.ts';
import { DOCUMENT_ID, documentId } from '../../shared/ports/document-store.ts';

/**
 * `kill -9` shows that what was acknowledged had reached the operating system and that commits are whole.
 * That it also reached the disk, which a power cut would ask, rests on synchronous=FULL (tested next door).
 */
const ROUNDS = 16;
const MAX_LIFE_MS = 200;

const folder = mkdtempSync(join(tmpdir(), 'countersign-crash-'));
afterAll(() => rmSync(folder, { recursive: true }));

it(`loses no acknowledged commit in ${ROUNDS} kills, and never half of one`, async () => {
  const path = join(folder, 'store.db');
  const acknowledged: string[] = [];
  for (let round = 10; round < 10 + ROUNDS; round += 1) {
    const printed = await writeUntilKilled(path, String(round));
    acknowledged.push(...printed);
    await expectWhole(path, printed, String(round));
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  await expectWhole(path, acknowledged, '');
});

/** What was acknowledged is there, and whatever is there is whole. Looks at ids from `prefix` on. */
async function expectWhole(path: string, acknowledged: readonly string[], prefix: string): Promise<void> {
  const store = openSqliteStore({ path });
  try {
    const stored = await idsFrom(store, 'left', prefix);
    expect(await idsFrom(store, 'right', prefix)).toEqual(stored);
    expect(await lanesFrom(store, prefix)).toEqual(countByLane(stored));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  } finally {
    await store.close();
  }
}

/** Lets a writer run for a random while from its first acknowledgement on; gives the whole lines it printed. */
async function writeUntilKilled(path: string, round: string): Promise<string[]> {
  const writer = fileURLToPath(new URL('../support/sqlite-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [writer, 'pairs', path, round], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  const timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * MAX_LIFE_MS);
  const [, signal] = await closed;
  clearTimeout(timer);
  expect(signal).toBe('SIGKILL');
  return printed.split('\n').slice(0, -1);
}

function from(store: DocumentStore, collection: string, prefix: string): Promise<Snapshot[]> {
  return store.query({ collection, where: prefix === '' ? [] : [[DOCUMENT_ID, '>=', prefix]] });
}

async function idsFrom(store: DocumentStore, collection: string, prefix: string): Promise<Set<string>> {
  return new Set((await from(store, collection, prefix)).map(({ path }) => documentId(path)));
}

async function lanesFrom(store: DocumentStore, prefix: string): Promise<Record<string, unknown>> {
  const found = await from(store, 'lanes', prefix);
  return Object.fromEntries(found.map(({ path, fields }) => [documentId(path), fields.pairs]));
}

/** `13-1-17` is the 17th pair of lane 1 in round 13. */
function countByLane(ids: ReadonlySet<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of ids) {
    const lane = id.slice(0, id.lastIndexOf('-'));
    counts[lane] = (counts[lane] ?? 0) + 1;
  }
  return counts;
}
