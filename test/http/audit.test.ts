/** The audit trail over HTTP, on both stores: order, pages, filters, export, and who may see it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller } from '../../shared/access/caller.ts';
import { EXPORT_PAGE } from '../../shared/constants.ts';
import { administer } from '../../shared/usecases/administer.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { startTestService, type TestService } from '../support/service.ts';

const PATH = '/api/v1/admin/audit-logs';
const T0 = Date.parse('2026-03-01T00:00:00Z');

interface Event {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
}

const seqs = (events: readonly Event[]) => events.map(({ seq }) => seq);

interface Done {
  readonly at: number;
  readonly actor?: string;
  readonly action?: string;
  readonly target?: string;
  readonly after?: string;
}

/** An act of this actor at this instant. */
function act({ ports }: TestService, { at, actor, action, target, after }: Done) {
  const caller: Caller = {
    actor: actor ?? 'ada',
    scopes: new Set(),
    customerId: null,
    source: '192.0.2.1',
    requestId: 'request',
  };
  const clock = { ...ports.clock, now: () => at };
  const request = { caller, operation: 'test', idempotencyKey: undefined, body: {} };
  const told = {
    action: action ?? 'things.do',
    target: target ?? 'thing',
    before: null,
    after: after ?? null,
  };
  return administer({ ...ports, clock }, request, async () => ({
    answer: {},
    writes: [{ op: 'set' as const, path: 'things/one', fields: { at } }],
    act: told,
  }));
}

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;

  // Numbers 1 to 12, a second apart; the third clock is a minute behind.
  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin(['audit:read']));
    for (let n = 1; n <= 12; n++)
      await act(service, {
        at: T0 + n * 1000 - (n === 3 ? 60_000 : 0),
        actor: n % 2 === 0 ? 'ada' : 'bob',
        action: n % 3 === 0 ? 'things.end' : 'things.do',
        target: `thing-${n % 4}`,
      });
  });
  afterAll(() => service.stop());

  const NEWEST_FIRST = [12, 11, 10, 9, 8, 7, 6, 5, 4, 2, 1, 3];

  test('has the newest first, in pages', async () => {
    const pages = await Promise.all(
      [1, 2, 3, 4].map((page) => call('GET', `${PATH}?page=${page}&page_size=5`)),
    );
    expect(pages.flatMap(({ body }) => seqs(body.events))).toEqual(NEWEST_FIRST);
    expect(pages[0]?.body).toMatchObject({ total: 12, page: 1, page_size: 5, total_pages: 3 });
  });

  test('tells who, what, when and from where', async () => {
    const { body } = await call('GET', `${PATH}?page_size=1`);
    expect(body.events).toEqual([
      {
        seq: 12,
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        at: '2026-03-01T00:00:12.000+00:00',
        actor: 'ada',
        source: '192.0.2.1',
        request_id: 'request',
        action: 'things.end',
        target: 'thing-0',
        before: null,
        after: null,
        previous: expect.stringMatching(/^[0-9a-f]{64}$/),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ]);
  });

  test.each([
    ['actor=ada', (n: number) => n % 2 === 0],
    ['action=things.end', (n: number) => n % 3 === 0],
    ['target=thing-1', (n: number) => n % 4 === 1],
    ['actor=bob&action=things.do&target=thing-1', (n: number) => n === 1 || n === 5],
    ['from=2026-03-01T00:00:05Z', (n: number) => n >= 5],
    ['to=2026-03-01T01:00:05%2B01:00', (n: number) => n < 5],
    ['from=2026-03-01T00:00:02Z&to=2026-03-01T00:00:09Z&actor=ada', (n: number) => [2, 4, 6, 8].includes(n)],
    ['actor=nobody', () => false],
  ])('with %s has the events that fit, and their total', async (query, fits) => {
    const { body } = await call('GET', `${PATH}?${query}`);
    const expected = NEWEST_FIRST.filter(fits);
    expect([seqs(body.events), body.total]).toEqual([expected, expected.length]);
  });

  test.each([
    '?page=0',
    '?from=yesterday',
    '?from=2026-03-01',
    '?actor=',
    '?who=ada',
    '?page=200&page_size=100',
    '/export?format=xml',
    '/export?after=-1',
    '/export?from=2026-03-01',
    '/export?to=yesterday',
    '/export?since=2026-03-01T00:00:00Z',
  ])('%s is refused', async (query) => {
    const { status, body } = await call('GET', `${PATH}${query}`);
    expect([status, body.code]).toEqual([422, 'invalid_request']);
  });

  test('is not for a caller without the scope, nor for one who is bound to a customer', async () => {
    const without = adminCalls(service, await service.admin(['customers:read', 'access:admin']));
    const bound = adminCalls(service, await service.admin(undefined, 'customer-1'));
    for (const path of [PATH, `${PATH}/export`])
      for (const refused of [without, bound]) {
        const { status, body } = await refused('GET', path);
        expect([status, body.code]).toEqual([403, 'forbidden']);
      }
  });

  test('is exported as JSON lines in the order of the chain', async () => {
    const { body, headers } = await call('GET', `${PATH}/export`);
    expect(headers.get('content-type')).toBe('application/jsonl');
    const events = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(seqs(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const [place, { previous }] of events.entries())
      expect(previous).toBe(place === 0 ? '' : events[place - 1].hash);
    expect(headers.get('link')).toBeNull();
  });

  test('is exported filtered, from an event on', async () => {
    const { body } = await call('GET', `${PATH}/export?actor=ada&after=4`);
    const events = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line));
    expect(seqs(events)).toEqual([6, 8, 10, 12]);
  });
});

describe('an export of more than one part', () => {
  let service: TestService;
  let call: AdminCall;
  const TOTAL = 2 * EXPORT_PAGE;

  beforeAll(async () => {
    service = await startTestService();
    call = adminCalls(service, await service.admin(['audit:read']));
    for (let n = 1; n <= TOTAL; n++) await act(service, { at: T0 + n, target: `thing-${n}` });
  }, 120_000);
  afterAll(() => service.stop());

  /** Follows the links; the texts of all parts. */
  async function parts(query: string): Promise<string[]> {
    const texts: string[] = [];
    let url: URL | undefined = new URL(`${PATH}/export?${query}`, service.baseUrl);
    while (url !== undefined) {
      const { body, headers } = await call('GET', url.href);
      texts.push(body);
      const next: string | undefined = headers.get('link')?.match(/^<([^>]*)>; rel="next"$/)?.[1];
      url = next === undefined ? undefined : new URL(next, url);
    }
    return texts;
  }

  test('as JSON lines has every event once', async () => {
    const texts = await parts('format=jsonl');
    expect(texts.slice(0, 2).map((text) => text.split('\n').length - 1)).toEqual([EXPORT_PAGE, EXPORT_PAGE]);
    const events = texts
      .join('')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(seqs(events)).toEqual(Array.from({ length: TOTAL }, (_, n) => n + 1));
  });

  test('as CSV is one file with one header line', async () => {
    const lines = (await parts('format=csv')).join('').trimEnd().split('\r\n');
    expect(lines).toHaveLength(TOTAL + 1);
    expect(lines[0]).toBe('seq,at,actor,source,request_id,action,target,before,after,id,previous,hash');
    expect(lines.filter((line) => line.startsWith('seq'))).toHaveLength(1);
  });
});

test('a spreadsheet takes no cell of the CSV for a formula', async () => {
  const service = await startTestService();
  try {
    const dangerous = ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '=HYPERLINK("http://x","a,b")', 'a\nb'];
    for (const [n, target] of dangerous.entries()) await act(service, { at: T0 + n, target, after: target });
    const call = adminCalls(service, await service.admin(['audit:read']));
    const { body } = await call('GET', `${PATH}/export?format=csv`);
    expect(body).toContain(`,'=1+1,,'=1+1,`);
    expect(body).toContain(`,'+1,`);
    expect(body).toContain(`,'-1,`);
    expect(body).toContain(`,'@SUM(A1),`);
    expect(body).toContain(`,'\tx,`);
    expect(body).toContain(`,"'\rx",`);
    expect(body).toContain(`,"'=HYPERLINK(""http://x"",""a,b"")",`);
    expect(body).toContain(`,"a\nb",`);
  } finally {
    await service.stop();
  }
});
