/** How SQLite finds what the product asks for: by an index, in its order, and never by sorting. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileAggregate, compileQuery, type Statement } from '../../infra/stores/sqlite/compile.ts';
import { openDatabase } from '../../infra/stores/sqlite/connection.ts';
import { checkQuery } from '../../infra/stores/validate.ts';
import type { Query } from '../../shared/ports/document-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function freshFile(): string {
  files += 1;
  return join(folder, `store-${files}.db`);
}

describe('plans', () => {
  const plan = (query: Query): string => planOf(compileQuery(checkQuery(query)));
  const countPlan = (query: Query): string => planOf(compileAggregate(checkQuery(query), []));
  const planOf = ({ sql, parameters }: Statement): string => {
    const database = openDatabase(freshFile());
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters);
    database.close();
    return steps.map(({ detail }) => detail).join('; ');
  };
  const byLease = 'SEARCH documents USING INDEX sessions by lease_expires_at (collection=?';
  const reapable: Query = {
    collection: 'licenses/a/sessions',
    orderBy: [['lease_expires_at', 'asc']],
    limit: 16,
  };
  const sweep: Query = {
    group: 'sessions',
    where: [
      ['shard', '==', 3],
      ['lease_expires_at', '<', 1],
    ],
    orderBy: [['lease_expires_at', 'asc']],
    limit: 100,
  };

  it('walk the index for the sessions whose leases end first, without sorting', () => {
    expect(plan(reapable)).toMatch(
      /^SEARCH documents USING INDEX sessions by lease_expires_at \(collection=\?[^;]*$/,
    );
    expect(plan({ ...reapable, orderBy: [['lease_expires_at', 'desc']] })).not.toContain('TEMP B-TREE');
  });

  it('start inside the index for expired sessions, without sorting', () => {
    const expired: Query = { ...reapable, where: [['lease_expires_at', '<', 1]] };
    expect(plan(expired)).toBe(`${byLease} AND <expr>=? AND <expr><?)`);
    expect(plan({ ...expired, startAfter: [0, 'x'] })).toBe(
      `${byLease} AND <expr>=? AND <expr>>? AND <expr><?)`,
    );
  });

  it('walk the group index for one shard of expired sessions of all licences, without sorting', () => {
    const byShard = 'SEARCH documents USING INDEX sessions by shard, lease_expires_at (<expr>=? AND <expr>=?';
    expect(plan(sweep)).toBe(`${byShard} AND <expr><?)`);
    expect(plan({ ...sweep, startAfter: [0, 'licenses/a/sessions/x'] })).toBe(
      `${byShard} AND <expr>>? AND <expr><?)`,
    );
  });

  it('walk the index for old idempotency records, without sorting', () => {
    const old: Query = {
      collection: 'idempotency',
      where: [['expires_at', '<', 1]],
      orderBy: [['expires_at', 'asc']],
      limit: 100,
    };
    expect(plan(old)).toBe(
      'SEARCH documents USING INDEX idempotency by expires_at (collection=? AND <expr>=? AND <expr><?)',
    );
  });

  it('walk the sessions of the one licence for those without a seat, without sorting', () => {
    const unnumbered: Query = { collection: 'licenses/a/sessions', where: [['seat', '==', null]] };
    const sessions = 'SEARCH documents USING PRIMARY KEY (collection=?';
    expect(plan({ ...unnumbered, limit: 2 })).toBe(`${sessions})`);
    expect(plan({ ...unnumbered, startAfter: ['x'] })).toBe(`${sessions} AND id>?)`);
  });

  it('walk the index for licences whose seats were lowered, without sorting', () => {
    const lowered: Query = { collection: 'licenses', where: [['seats_lowered_at', '<=', 1]], limit: 100 };
    expect(plan(lowered)).toBe(
      'SEARCH documents USING INDEX licenses by seats_lowered_at (collection=? AND <expr>=? AND <expr><?)',
    );
  });

  it.each([
    ['licenses', 'license_id'],
    ['api_keys', 'prefix'],
    ['api_keys', 'customer_id'],
  ])('find one of %s by %s, and read no other', (collection, field) => {
    const one: Query = { collection, where: [[field, '==', 'x']], limit: 1 };
    expect(plan(one)).toBe(`SEARCH documents USING INDEX ${collection} of ${field} (<expr>=?)`);
  });

  const looksUp = 'SEARCH documents USING PRIMARY KEY (collection=? AND id=?)';
  const inOrder = (collection: string, ordered: string) =>
    `SEARCH ${collection} in order of ${ordered} USING`;

  it.each([
    ['licenses', 'email', 'created_at'],
    ['licenses', 'customer_id', 'expires_at'],
    ['audit', 'target', 'at'],
    ['audit', 'actor', 'at'],
  ])('find %s by %s in the order of %s, without sorting', (collection, field, ordered) => {
    const where = [[field, '==', 'x']] as const;
    const index = `COVERING INDEX ${collection} of ${field} in order of ${ordered}`;
    expect(plan({ collection, where, orderBy: [[ordered, 'desc']] })).toBe(
      `${inOrder(collection, ordered)} ${index} (collection=? AND ${field} text=? AND ${ordered} rank>?); ${looksUp}`,
    );
  });

  it('walk the audit trail by time, and look at filters in the order alone', () => {
    const byTime = `${inOrder('audit', 'at')} PRIMARY KEY (collection=? AND at rank>?); ${looksUp}`;
    const newest: Query = { collection: 'audit', orderBy: [['at', 'desc']], limit: 20 };
    expect(plan(newest)).toBe(byTime);
    expect(plan({ ...newest, where: [['action', '==', 'license.issued']] })).toBe(byTime);
  });

  const created = inOrder('licenses', 'created_at');
  const ending = inOrder('licenses', 'expires_at');
  it.each<[string, Query['where'], string]>([
    ['a status', [['status', '==', 'revoked']], `${created} PRIMARY KEY (collection=?)`],
    [
      'a product and a tier',
      [
        ['product', '==', 'x'],
        ['tier', 'in', ['pro', 'team']],
      ],
      `${created} PRIMARY KEY (collection=?)`,
    ],
    [
      'a customer and a type',
      [
        ['license_type', '==', 'demo'],
        ['customer_id', '==', 'acme'],
      ],
      `${created} INDEX licenses of customer_id in order of created_at (collection=? AND customer_id text=?)`,
    ],
    [
      'no end',
      [
        ['status', '==', 'active'],
        ['expires_at', '==', null],
      ],
      `${ending} PRIMARY KEY (collection=? AND expires_at rank=?)`,
    ],
    [
      'an end to come',
      [
        ['status', '==', 'active'],
        ['expires_at', '>', 1],
      ],
      `${ending} PRIMARY KEY (collection=? AND expires_at rank=? AND expires_at value>?)`,
    ],
    [
      'an address and an end to come',
      [
        ['email', '==', 'a@x.example'],
        ['expires_at', '>', 1],
      ],
      `${ending} COVERING INDEX licenses of email in order of expires_at (collection=? AND email text=? AND expires_at rank=? AND expires_at value>?)`,
    ],
  ])('count licences with %s, and read no document', (_, where = [], expected) => {
    expect(countPlan({ collection: 'licenses', where })).toBe(expected);
  });

  it('count audit events, with an action and with an actor, and read no document', () => {
    const counted = (...where: NonNullable<Query['where']>) => countPlan({ collection: 'audit', where });
    expect(counted()).toMatch(/^SEARCH audit in order of at USING COVERING INDEX /);
    expect(counted(['action', '==', 'license.issued'], ['at', '>=', 1])).toBe(
      `${inOrder('audit', 'at')} PRIMARY KEY (collection=? AND at rank=? AND at value>?)`,
    );
    expect(counted(['actor', '==', 'x'])).toBe(
      `${inOrder('audit', 'at')} COVERING INDEX audit of actor in order of at (collection=? AND actor text=?)`,
    );
  });

  it('read the documents for what the copies do not have', () => {
    const odd: NonNullable<Query['where']>[] = [
      [['features', 'array-contains', 'x']],
      [['status', '>', 'a']],
      [['expires_at', 'in', [1, 2]]],
      [['seats', '==', null]],
    ];
    for (const where of odd)
      expect(countPlan({ collection: 'licenses', where })).toMatch(/^SEARCH documents /);
  });

  it('search the primary key for ids', () => {
    const collection = 'licenses/a/seats';
    const range: Query = {
      collection,
      where: [
        ['__name__', '>=', 'a'],
        ['__name__', '<', 'b'],
      ],
    };
    expect(plan(range)).toBe('SEARCH documents USING PRIMARY KEY (collection=? AND id>? AND id<?)');
    expect(plan({ collection })).toBe('SEARCH documents USING PRIMARY KEY (collection=?)');
    expect(plan({ collection, startAfter: ['a'] })).toBe(
      'SEARCH documents USING PRIMARY KEY (collection=? AND id>?)',
    );
  });
});
