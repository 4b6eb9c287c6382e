/**
 * Re-issue of licences that have changed since: whoever has the licence now gets a document, it says what the licence says
 * now, and nobody gets that of somebody else. On both stores, through the functions.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import { decodeIssued } from '../../shared/formats/issued.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import type { Fields } from '../../shared/ports/document-store.ts';
import { adminCalls } from '../support/admin-calls.ts';
import {
  type InEveryFormat,
  ISSUED,
  issueInEveryFormat,
  newestTexts,
  nextKey,
  OURS,
  reissueBy,
  transfer,
} from '../support/every-format.ts';
import { DAY, deskOn, type LicenseDesk, of } from '../support/license-desk.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let served: ServedKeys;
  let next: SigningKey;
  let license: InEveryFormat;
  /** An instance that has heard that the next key signs. */
  let activated: Instance;
  let close: () => Promise<void>;
  const desk = deskOn(() => service);
  /** The same desk, after the next key was activated. */
  let later: LicenseDesk;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    served = await serveKeys(service);
    next = await nextKey(service);
    await desk.openDesk();
    const client = createKmsClient({ endpoint: service.kms.endpoint });
    close = () => client.close();
    const keys = createKeyDirectory({ client, keys: afterActivation(), deadlineMs: 10_000 });
    activated = await serveBeside(service, { ports: { keys } });
    later = { ...desk, operator: adminCalls(activated, await service.admin()) };
    served.use({ keys: afterActivation() });
  });
  afterAll(async () => {
    await activated.stop();
    await close();
    await served.stop();
    await service.stop();
  });
  beforeEach(async () => {
    license = await issueInEveryFormat(desk);
  });

  const afterActivation = (): SigningKey[] => [
    next,
    { ...OURS, state: 'retiring', sunsetAt: Date.UTC(2100, 0) },
  ];

  /** What a re-issue tells of this licence, the document of each format that counts. */
  async function told() {
    const all = (await reissueBy(service, next)).filter(({ old }) => old.license_id === license.id);
    const counting = all.filter(({ reason }) => reason !== 'superseded');
    return Object.fromEntries(
      counting.map(({ old, outcome, reason, customerId, new: fresh }) => [
        old.format,
        {
          what: reason ?? outcome,
          customerId,
          text: fresh?.text,
          says: fresh && decodeIssued(fresh.text)?.license,
        },
      ]),
    );
  }

  /** Changes the licence and no document of it, as earlier releases left it when no key could sign. */
  const unsigned = (fields: Fields) => service.updateLicense(license.licenseKey, fields);

  const endsAt = (days: number) => Math.floor(service.ports.clock.now() / 1000) * 1000 + days * DAY;
  const setEnd = (at: LicenseDesk, end: number) =>
    at.operator('PATCH', of(license.id), { expires_at: new Date(end).toISOString() });

  test('after a transfer that the new key has signed, the former customer gets nothing', async () => {
    await transfer(later, license, 'other-co');
    const texts = await newestTexts(desk, license.id);
    for (const [format, each] of Object.entries(await told()))
      expect(each, format).toMatchObject({ what: 'license_transferred', text: undefined });
    expect(await newestTexts(desk, license.id)).toEqual(texts);
  });

  test('after a transfer that no key has signed, nobody gets anything until it is repeated', async () => {
    const holder = { name: 'Other Holder', email: 'holder@other.example' };
    const customer = { id: 'other-co', name: 'Customer other-co' };
    await unsigned({ customer, customer_id: customer.id, holder });
    for (const [format, each] of Object.entries(await told()))
      expect(each, format).toMatchObject({ what: 'license_transferred', text: undefined });
    expect(await newestTexts(desk, license.id)).toEqual(license.texts);
    await transfer(later, license, 'other-co');
    for (const text of Object.values(await newestTexts(desk, license.id)))
      expect(await served.validate(text)).toBe('valid');
  });

  test('after a transfer that the old key has signed, the new customer gets the documents', async () => {
    await transfer(desk, license, 'other-co');
    const documents = await told();
    expect(Object.keys(documents).sort()).toEqual([...ISSUED]);
    for (const [format, each] of Object.entries(documents)) {
      expect(each, format).toMatchObject({ what: 'signed', customerId: 'other-co' });
      expect(await served.validate(each.text)).toBe('valid');
    }
    expect(documents.aegis?.says?.customer.id).toBe('other-co');
  });

  test('a DTLIC2 document that names its holder alone goes to whoever has the licence now', async () => {
    await desk.operator('POST', of(license.id, '/transfer'), { customer_id: 'other-co' });
    const { dtlic2 } = await told();
    expect(dtlic2).toMatchObject({ what: 'signed', customerId: 'other-co' });
    const listed = (await desk.operator('GET', of(license.id, '/documents'))).body.documents;
    expect(listed.find(({ document }: { document: string }) => document === dtlic2?.text)).toBeDefined();
  });

  test.each([30, 700])(
    'an end that was moved to day %d, which no document says, is in what is signed anew',
    async (days) => {
      const end = endsAt(days);
      await unsigned({ expires_at: end });
      for (const [format, each] of Object.entries(await told())) {
        expect(each, format).toMatchObject({ what: 'signed', says: { expiresAt: end } });
        expect(await served.validate(each.text)).toBe('valid');
      }
    },
  );

  test('what was signed anew and has changed since, is reported as it was signed then, and not signed again', async () => {
    const first = await told();
    const end = endsAt(90);
    expect((await setEnd(later, end)).status).toBe(200);
    const texts = await newestTexts(desk, license.id);
    for (const format of ISSUED) expect(texts[format]).not.toBe(first[format]?.text);
    for (const [format, each] of Object.entries(await told()))
      expect(each, format).toMatchObject({ what: 'signed_before', text: texts[format as 'aegis'] });
  });

  test('what was signed anew and has changed since, which no document says, is signed once more', async () => {
    await told();
    const end = endsAt(60);
    await unsigned({ expires_at: end });
    const second = await told();
    for (const [format, each] of Object.entries(second))
      expect(each, format).toMatchObject({ what: 'signed', says: { expiresAt: end } });
    const third = await told();
    for (const format of ISSUED) expect(third[format]).toEqual({ ...second[format], what: 'signed_before' });
    expect(await newestTexts(desk, license.id)).toEqual(
      Object.fromEntries(ISSUED.map((format) => [format, second[format]?.text])),
    );
  });

  test('a licence that is over since it was signed anew is reported without a document', async () => {
    await told();
    await desk.operator('DELETE', of(license.id, '/revoke'), { reason: 'over' });
    for (const [format, each] of Object.entries(await told()))
      expect(each, format).toMatchObject({ what: 'license_revoked', text: undefined });
  });
});
