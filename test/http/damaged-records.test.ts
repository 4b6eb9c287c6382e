/** Records that nobody can read: they are not written, and one that is there hides none of the others. On both stores. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readableOnly } from '../../infra/stores/readable.ts';
import { createLicense } from '../../shared/usecases/create-license.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let call: AdminCall;

  beforeAll(async () => {
    service = await startTestService({ store });
    call = adminCalls(service, await service.admin());
    for (const id of ['one', 'two']) await call('POST', '/api/v1/customers', { id, name: id });
    await service.addLicense({ licenseKey: 'FIRST-LICENSE', licenseId: 'first' });
    await service.addLicense({ licenseKey: 'SECOND-LICENSE', licenseId: 'second' });
  });
  afterAll(() => service.stop());

  /** Damages a record, calls, and puts the record right again. */
  async function whileDamaged<T>(path: string, member: string, work: () => Promise<T>): Promise<T> {
    const [snapshot] = await service.ports.store.get([path]);
    await service.ports.store.commit([{ op: 'update', path, fields: { [member]: -1 } }]);
    try {
      return await work();
    } finally {
      await service.ports.store.commit([
        { op: 'update', path, fields: { [member]: snapshot?.fields[member] ?? null } },
      ]);
    }
  }

  test.each([
    [
      'licenses',
      '/api/v1/licenses',
      'licenses',
      (): string => `licenses/${service.ports.hasher.hash('license', 'FIRST-LICENSE')}`,
      'expires_at',
    ],
    ['customers', '/api/v1/customers', 'customers', (): string => 'customers/one', 'created_at'],
  ] as const)(
    'a damaged record is left out of a list of %s, named, and reported',
    async (_what, path, member, place, field) => {
      const whole = await call('GET', path);
      expect(whole.body).not.toHaveProperty('damaged');
      const before = service.logLines.length;
      const { status, body } = await whileDamaged(place(), field, () => call('GET', path));
      expect([status, body.damaged, body.total]).toEqual([200, [place()], whole.body.total]);
      expect(body[member]).toHaveLength(whole.body[member].length - 1);
      const lines = service.logLines.slice(before).map((line) => JSON.parse(line));
      const hash = createHash('sha256').update(place()).digest('hex');
      expect(lines).toContainEqual(
        expect.objectContaining({
          severity: 'ERROR',
          message: 'damaged records',
          damaged: 1,
          records: [hash],
        }),
      );
      expect(service.logLines.slice(before).join('')).not.toContain(place());
    },
  );

  test('a damaged API key is left out of their list', async () => {
    const created = await call('POST', '/api/v1/admin/api-keys', { name: 'x', scopes: ['licenses:read'] });
    const place = `api_keys/${service.ports.hasher.hash('api_key', created.body.api_key)}`;
    const { body } = await whileDamaged(place, 'created_at', () => call('GET', '/api/v1/admin/api-keys'));
    expect(body.damaged).toEqual([place]);
    expect(body.api_keys.map(({ prefix }: { prefix: string }) => prefix)).not.toContain(created.body.prefix);
  });

  test('a page that holds nothing but damaged records leads to the next one', async () => {
    const path = `licenses/${service.ports.hasher.hash('license', 'SECOND-LICENSE')}`;
    const listed = await whileDamaged(path, 'seats', async () => {
      const first = await call('GET', '/api/v1/licenses?page_size=1');
      const next = await call('GET', `/api/v1/licenses?page_size=1&cursor=${first.body.next_cursor}`);
      expect(next.body.next_cursor).toBeNull();
      return [...first.body.licenses, ...next.body.licenses].map(({ id }) => id);
    });
    expect(listed).toEqual(['first']);
  });

  describe('a commit', () => {
    const good = { path: 'customers/guarded', fields: { name: 'x' } };
    const refusedWrites = [
      ['a record that lacks members', { op: 'set', ...good }, /customers.*email/],
      ['a member of a wrong type', { op: 'update', path: 'customers/one', fields: { name: 7 } }, /name/],
      [
        'a time before 1970',
        { op: 'update', path: 'customers/one', fields: { updated_at: -1 } },
        /updated_at/,
      ],
      [
        'a time after the year 9999',
        { op: 'update', path: 'customers/one', fields: { updated_at: 253_402_300_800_000 } },
        /updated_at/,
      ],
      ['a member that no record has', { op: 'update', path: 'customers/one', fields: { nick: 'x' } }, /nick/],
      [
        'an inherited member',
        { op: 'update', path: 'customers/one', fields: { constructor: 'x' } },
        /constructor/,
      ],
      [
        'a kind of record that is not known',
        { op: 'set', path: 'invoices/1', fields: {} },
        /no record is known of invoices/,
      ],
      [
        'a record below another one',
        { op: 'set', path: 'licenses/L/invoices/1', fields: {} },
        /licenses\/invoices/,
      ],
    ] as const;

    test.each(refusedWrites)('with %s writes nothing at all', async (_what, write, problem) => {
      const before = service.dumpStore();
      const guarded = readableOnly(service.ports.store);
      const beside = { op: 'delete', path: 'customers/two' } as const;
      await expect(guarded.commit([beside, write])).rejects.toThrow(problem);
      await expect(guarded.commit([beside, write])).rejects.toBeInstanceOf(TypeError);
      expect(service.dumpStore()).toBe(before);
    });

    test('that a use case decides wrongly is an internal error, and nothing is written', async () => {
      const ports = { ...service.ports, store: readableOnly(service.ports.store) };
      const wanted = {
        licenseKey: 'THIRD-LICENSE',
        licenseId: 'third',
        customer: { id: 'one', name: 'one' },
        product: 'p',
        tier: 'pro',
        features: [],
        seats: 1,
        signingAlgorithm: 'EC_SIGN_ED25519',
      } as const;
      const before = service.dumpStore();
      const clock = { now: () => -1 };
      await expect(createLicense({ ...ports, clock }, wanted)).rejects.toThrow();
      expect(service.dumpStore()).toBe(before);
    });
  });
});
