/** The export of a range of time over HTTP, on both stores: which events are in it, in which order, and part by part. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EXPORT_PAGE } from '../../shared/constants.ts';
import { auditPath } from '../../shared/records/paths.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { serveBeside } from '../support/serve-beside.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/admin/audit-logs';
const T0 = Date.UTC(2026, 2, 1);
/** Of one millisecond, so that parts end between them. */
const TIES = 7;
const TOTAL = 2 * EXPORT_PAGE + 300;
const AT_ONCE = 400;

interface Event {
  readonly seq: number;
  readonly at: string;
}

/** Of numbers from 1. Every hundredth was written by a clock that is ten milliseconds behind. */
const atOf = (seq: number) => T0 + Math.floor(seq / TIES) - (seq % 100 === 0 ? 10 : 0);
const actorOf = (seq: number) => (seq % 2 === 0 ? 'ada' : 'bob');

const SEQS = Array.from({ length: TOTAL }, (_, n) => n + 1);
const BY_TIME = SEQS.toSorted((one, two) => atOf(one) - atOf(two) || one - two);
const between = (from: number, to: number) => BY_TIME.filter((seq) => from <= atOf(seq) && atOf(seq) < to);

const time = (instant: number) => new Date(instant).toISOString();

function eventWrite(seq: number, at = atOf(seq)) {
  const fields = {
    seq,
    id: `id-${seq}`,
    at,
    actor: actorOf(seq),
    source: null,
    request_id: null,
    action: seq % 3 === 0 ? 'things.end' : 'things.do',
    target: `thing-${seq % 5}`,
    before: null,
    after: { seq },
    previous: '',
    hash: `hash-${seq}`,
  };
  return { op: 'set' as const, path: auditPath(seq), fields };
}

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin(['audit:read']));
    for (let first = 0; first < TOTAL; first += AT_ONCE)
      await service.ports.store.commit(SEQS.slice(first, first + AT_ONCE).map((seq) => eventWrite(seq)));
  }, 120_000);
  afterAll(() => service.stop());

  const later: string[] = [];
  afterEach(async () => {
    await service.ports.store.commit(later.splice(0).map((path) => ({ op: 'delete', path })));
  });

  /** The texts of all parts, each after `meanwhile`. */
  async function parts(query: Record<string, string>, meanwhile = async () => {}): Promise<string[]> {
    const texts: string[] = [];
    let url: URL | undefined = new URL(`${PATH}/export?${new URLSearchParams(query)}`, service.baseUrl);
    while (url !== undefined) {
      const { status, body, headers } = await call('GET', url.href);
      expect(status, JSON.stringify(body)).toBe(200);
      texts.push(body);
      const next: string | undefined = headers.get('link')?.match(/^<([^>]*)>; rel="next"$/)?.[1];
      url = next === undefined ? undefined : new URL(next, url);
      if (url !== undefined) await meanwhile();
    }
    return texts;
  }

  const eventsOf = (texts: readonly string[]): Event[] =>
    texts
      .join('')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

  async function exported(query: Record<string, string>, meanwhile?: () => Promise<void>): Promise<number[]> {
    return eventsOf(await parts(query, meanwhile)).map(({ seq }) => seq);
  }

  test('from is the first instant, and to the first that is too late', async () => {
    const [from, to] = [T0 + 40, T0 + 44];
    const expected = between(from, to);
    expect(new Set(expected.map(atOf))).toEqual(new Set([from, from + 1, from + 2, from + 3]));
    expect(await exported({ from: time(from), to: time(to) })).toEqual(expected);
    expect(await exported({ from: '2026-03-01T01:00:00.040+01:00', to: time(to) })).toEqual(expected);
    expect(await exported({ from: time(to), to: time(from) })).toEqual([]);
    expect(await exported({ from: time(T0 + TOTAL) })).toEqual([]);
    expect(await exported({ to: time(T0 - 10) })).toEqual([]);
  });

  test('it is in the order of time, with what a slow clock wrote in its place', async () => {
    const seqs = await exported({ from: time(T0), to: time(T0 + 20) });
    expect(seqs).toEqual(between(T0, T0 + 20));
    expect(seqs).not.toEqual(seqs.toSorted((one, two) => one - two));
    expect(seqs).toContain(200);
  });

  test.each([
    ['a beginning', { from: time(T0 + 9) }, between(T0 + 9, Number.POSITIVE_INFINITY)],
    ['an end', { to: time(T0 + 300) }, between(0, T0 + 300)],
    ['a beginning in 1970', { from: '1970-01-01T00:00:00Z' }, BY_TIME],
    ['both', { from: time(T0 + 3), to: time(T0 + 320) }, between(T0 + 3, T0 + 320)],
  ])('across parts, with %s, each event is there once', async (_, query, expected) => {
    expect(expected.length).toBeGreaterThan(2 * EXPORT_PAGE);
    expect(await exported(query)).toEqual(expected);
  });

  test('it goes with the other filters', async () => {
    const range = { from: time(T0 + 20), to: time(T0 + 200) };
    const inRange = between(T0 + 20, T0 + 200);
    expect(await exported({ ...range, actor: 'ada' })).toEqual(inRange.filter((seq) => seq % 2 === 0));
    expect(await exported({ ...range, actor: 'bob', action: 'things.end', target: 'thing-3' })).toEqual(
      inRange.filter((seq) => seq % 2 === 1 && seq % 3 === 0 && seq % 5 === 3),
    );
    expect(await exported({ ...range, actor: 'nobody' })).toEqual([]);
  });

  test('as CSV the parts are one file with one header line', async () => {
    const texts = await parts({ from: time(T0), format: 'csv' });
    expect(texts.length).toBeGreaterThan(2);
    const [header, ...lines] = texts.join('').trimEnd().split('\r\n');
    expect(header).toMatch(/^seq,at,/);
    expect(lines.map((line) => Number(line.split(',')[0]))).toEqual(between(T0, Number.POSITIVE_INFINITY));
  });

  test('what is written between two parts moves none of the others', async () => {
    let written = TOTAL;
    // One at the end, and one where the first part already was.
    const meanwhile = async () => {
      const writes = [T0 + TOTAL, T0 + 1].map((at) => eventWrite(++written, at));
      later.push(...writes.map(({ path }) => path));
      await service.ports.store.commit(writes);
    };
    const range = { from: time(T0), to: time(T0 + 320) };
    expect(await exported(range, meanwhile)).toEqual(between(T0, T0 + 320));
    expect(written).toBe(TOTAL + 4);
  });

  test('the list has the same events, newest first', async () => {
    const pages = await Promise.all(
      [1, 2].map((page) =>
        call('GET', `${PATH}?from=${time(T0 + 40)}&to=${time(T0 + 44)}&page=${page}&page_size=20`),
      ),
    );
    const expected = between(T0 + 40, T0 + 44);
    expect(pages.map(({ body }) => body.total)).toEqual([expected.length, expected.length]);
    const events: Event[] = pages.flatMap(({ body }) => body.events);
    expect(events.map(({ seq }) => seq)).toEqual(expected.toReversed());
  });

  test('after an event that is before the range, the range begins with its beginning', async () => {
    const range = { from: time(T0 + 40), to: time(T0 + 44) };
    expect(await exported({ ...range, after: '7' })).toEqual(between(T0 + 40, T0 + 44));
    expect(await exported({ ...range, after: '2200' })).toEqual([]);
    const [first = 0, ...rest] = between(T0 + 40, T0 + 44);
    expect(await exported({ ...range, after: String(first) })).toEqual(rest);
  });

  test('after an event that there is not, it is refused', async () => {
    const { status, body } = await call('GET', `${PATH}/export?from=${time(T0)}&after=${TOTAL + 50}`);
    expect([status, body.code]).toEqual([422, 'invalid_request']);
    expect(body.detail).toContain('The parameter after:');
  });

  test.each(['get', 'query'] as const)('a store whose %s fails is store_unavailable', async (method) => {
    const faulty = openFaultyStore(service.ports.store);
    const beside = await serveBeside(service, { ports: { store: faulty } });
    try {
      const headers = await service.admin(['audit:read']);
      // The first document that is read says who calls.
      let calls = method === 'get' ? 0 : 1;
      faulty.strike((_, called) => {
        if (called === method) calls += 1;
        return called === method && calls === 2 ? 'unavailable' : undefined;
      });
      const url = new URL(`${PATH}/export?from=${time(T0)}&after=5`, beside.baseUrl);
      const answer = await fetch(url, { headers });
      expect([answer.status, (await answer.json()).code]).toEqual([503, 'store_unavailable']);
      expect(faulty.struck()).toBe(1);
    } finally {
      await beside.stop();
    }
  });
});
