/**
 * What lists and counts of many licences cost on SQLite, and how long others wait meanwhile. The yardstick is one pass over
 * the same licences that parses each of them, in the same file right before.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ORDER_TABLES } from '../../infra/stores/sqlite/order-tables.ts';
import { openSqliteStore, type SqliteStore } from '../../infra/stores/sqlite.ts';
import type { Fields } from '../../shared/ports/document-store.ts';
import { auditPath, LICENSES } from '../../shared/records/paths.ts';
import { licenseStats } from '../../shared/usecases/license-stats.ts';
import { listAudit } from '../../shared/usecases/list-audit.ts';
import { listLicenses } from '../../shared/usecases/list-licenses.ts';
import { licenseStatsQuery, listLicensesQuery } from '../../shared/wire/admin-licenses.ts';
import { listAuditQuery } from '../../shared/wire/audit.ts';
import { OPERATOR, portsOn } from '../../test/support/audit-trail.ts';
import { stockLicense, stockPath } from '../../test/support/license-stock.ts';

export interface ListCost {
  readonly name: string;
  readonly ms: readonly number[];
  /** Processor time, which what else runs on the machine changes least. */
  readonly cpuMs: readonly number[];
  /** The longest time for which nothing else of the process ran. */
  readonly blockedMs: readonly number[];
  /** Processor time of the yardstick. */
  readonly passMs: readonly number[];
}

export interface ListCosts {
  readonly licenses: number;
  readonly lists: readonly ListCost[];
  /** To store 10,000 licences, with the order tables and without. */
  readonly filling: { readonly subjectMs: readonly number[]; readonly baselineMs: readonly number[] };
}

export interface ListPlan {
  readonly licenses: number;
  readonly runs: number;
}

const FILLED = 10_000;
const FILLINGS = 3;
const WRITES_PER_COMMIT = 400;
/** So many licences share each instant. */
const TIES = 100;

export async function measureLists(folder: string, { licenses, runs }: ListPlan): Promise<ListCosts> {
  const filling = await measureFilling(folder);
  const path = join(folder, 'lists.sqlite');
  const store = openSqliteStore({ path });
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    await fill(store, licenses);
    await addAuditEvents(store, licenses);
    const lists: ListCost[] = [];
    for (const [name, ask] of questions(store)) lists.push(await measureOne(name, ask, database, runs));
    return { licenses, lists, filling };
  } finally {
    database.close();
    await store.close();
  }
}

function questions(store: SqliteStore): readonly (readonly [name: string, ask: () => Promise<unknown>])[] {
  const ports = portsOn(store);
  const stats = (filters: object) => () => licenseStats(ports, OPERATOR, licenseStatsQuery.parse(filters));
  const list = (filters: object) => () => listLicenses(ports, OPERATOR, listLicensesQuery.parse(filters));
  const audit = (filters: object) => () => listAudit(store, OPERATOR, listAuditQuery.parse(filters));
  return [
    ['statistics', stats({})],
    ['statistics of active ones', stats({ status: 'active' })],
    ['statistics of a product', stats({ module_name: 'rare' })],
    ['list, newest first', list({})],
    ['list of a status', list({ status: 'revoked' })],
    ['list of active ones', list({ status: 'active' })],
    ['list of a product and a type', list({ module_name: 'rare', license_type: 'demo' })],
    ['list that finds none', list({ module_name: 'none' })],
    ['list of a customer with a third of them', list({ customer_id: 'acme' })],
    ['audit trail', audit({})],
    ['audit trail of an action', audit({ action: 'licenses.renew' })],
  ];
}

async function measureOne(
  name: string,
  ask: () => Promise<unknown>,
  database: DatabaseSync,
  runs: number,
): Promise<ListCost> {
  const passMs: number[] = [];
  const costs: Cost[] = [];
  for (let run = -1; run < runs; run++) {
    const pass = await timed(async () => passOver(database));
    const cost = await timed(ask);
    // The first one prepares the statements.
    if (run < 0) continue;
    passMs.push(pass.cpuMs);
    costs.push(cost);
  }
  const of = (pick: (cost: Cost) => number) => costs.map(pick);
  return {
    name,
    ms: of(({ ms }) => ms),
    cpuMs: of(({ cpuMs }) => cpuMs),
    blockedMs: of((each) => each.blockedMs),
    passMs,
  };
}

function passOver(database: DatabaseSync): void {
  const sql = `SELECT count(*) FROM documents WHERE collection = ? AND fields ->> '$.status' = ?`;
  database.prepare(sql).get(LICENSES, 'revoked');
}

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
  readonly blockedMs: number;
}

async function timed(ask: () => Promise<unknown>): Promise<Cost> {
  let isOver = false;
  let blockedMs = 0;
  const startedAt = performance.now();
  let lastAt = startedAt;
  const watch = () => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - lastAt);
    lastAt = now;
    if (!isOver) setImmediate(watch);
  };
  setImmediate(watch);
  const cpuBefore = process.cpuUsage();
  await ask();
  const { user, system } = process.cpuUsage(cpuBefore);
  const ms = performance.now() - startedAt;
  isOver = true;
  watch();
  return { ms, cpuMs: (user + system) / 1000, blockedMs };
}

async function measureFilling(folder: string): Promise<ListCosts['filling']> {
  const subjectMs: number[] = [];
  const baselineMs: number[] = [];
  for (let run = 0; run < FILLINGS; run++) {
    baselineMs.push(await fillingMs(join(folder, `without-${run}.sqlite`), false));
    subjectMs.push(await fillingMs(join(folder, `with-${run}.sqlite`), true));
  }
  return { subjectMs, baselineMs };
}

async function fillingMs(path: string, isCopied: boolean): Promise<number> {
  const store = openSqliteStore({ path });
  try {
    if (!isCopied) dropTriggers(path);
    const startedAt = performance.now();
    await fill(store, FILLED);
    return performance.now() - startedAt;
  } finally {
    await store.close();
  }
}

function dropTriggers(path: string): void {
  const database = new DatabaseSync(path);
  for (const { name } of ORDER_TABLES) database.exec(`DROP TRIGGER "${name}: insert"`);
  database.close();
}

async function fill(store: SqliteStore, count: number): Promise<void> {
  const now = Date.now();
  await storeEach(store, count, (n) => [stockPath(n), stockLicense(n, now, { ties: TIES })]);
}

async function addAuditEvents(store: SqliteStore, count: number): Promise<void> {
  await storeEach(store, count, (n) => [auditPath(n + 1), auditEvent(n + 1)]);
}

async function storeEach(
  store: SqliteStore,
  count: number,
  documentOf: (n: number) => readonly [path: string, fields: Fields],
): Promise<void> {
  for (let begin = 0; begin < count; begin += WRITES_PER_COMMIT) {
    const writes = Array.from({ length: Math.min(WRITES_PER_COMMIT, count - begin) }, (_, place) => {
      const [path, fields] = documentOf(begin + place);
      return { op: 'set', path, fields } as const;
    });
    await store.commit(writes);
  }
}

function auditEvent(seq: number): Fields {
  return {
    seq,
    id: String(seq),
    at: seq,
    actor: OPERATOR.actor,
    source: OPERATOR.source,
    request_id: OPERATOR.requestId,
    action: seq % 5 === 0 ? 'licenses.renew' : 'licenses.issue',
    target: `license-${seq}`,
    before: null,
    after: { status: 'active', seats: 5 },
    previous: '',
    hash: '',
  };
}
