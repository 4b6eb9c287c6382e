/** Keys of licences that are issued: two styles, the operator's own, and what they may be used for. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { issueLicense } from '../../shared/usecases/issue-license.ts';
import { issueLicenseRequest } from '../../shared/wire/admin-licenses.ts';
import { callsOn } from '../support/license-calls.ts';
import { deskOn, freshKey, HOLDER, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { type Answer, startTestService, type TestService } from '../support/service.ts';

const DATATOOLS = { key_style: 'datatools', formats: ['dtlic2'], holder: HOLDER };

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  const desk = deskOn(() => service);
  const { issue, issued, operator } = desk;
  const { acquire } = callsOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    await desk.openDesk();
  });
  afterAll(() => service.stop());

  const documentOf = async (id: string) =>
    (await operator('GET', of(id, '/documents'))).body.documents[0].document;
  const pointer = ({ body }: Answer) => body.errors[0].pointer;

  test.each([
    ['free', 'LITE'],
    ['team', 'CORE'],
    ['pro', 'PRO'],
    ['enterprise', 'PRO'],
  ])('a DataTools key of tier %s names %s, and so does its document', async (tier, named) => {
    const { id, license_key } = await issued({ ...DATATOOLS, tier });
    expect(license_key).toMatch(new RegExp(`^DT1-${named}-[0-9a-f]{8}-[0-9a-f]{8}$`));
    const { license } = dtlic2.decode(await documentOf(id));
    expect(license).toMatchObject({ licenseId: license_key, licenseType: named.toLowerCase() });
  });

  test('no two are alike, and one that is asked for again is the same', async () => {
    const headers = freshKey();
    const [first, again, other] = [
      await issue(DATATOOLS, headers),
      await issue(DATATOOLS, headers),
      await issue(DATATOOLS, freshKey()),
    ];
    expect(again.body).toEqual(first.body);
    expect(other.body.license_key).not.toBe(first.body.license_key);
  });

  test('lets no machine acquire before one is named, because 64 bits are no secret for seats', async () => {
    const { id, license_key } = await issued(DATATOOLS);
    expect(refusal(await acquire(license_key, 'any'))).toEqual([403, 'hardware_not_allowed']);
    await operator('PATCH', of(id), { allowed_hardware: ['known'] });
    expect((await acquire(license_key, 'known')).status).toBe(200);
    expect(refusal(await acquire(license_key, 'any'))).toEqual([403, 'hardware_not_allowed']);
  });

  test.each([
    ['seats', { seats: 5 }, '/seats'],
    ['unlimited seats', { seats: null }, '/seats'],
    ['all machines', { allowed_hardware: null }, '/allowed_hardware'],
  ])('is not combined with %s, nor is an own key of its shape', async (_, wanted, member) => {
    for (const key of [{ key_style: 'datatools' }, { license_key: 'dt1core-5dd8e1db-d90c4650' }]) {
      const answer = await issue({ ...key, ...wanted });
      expect(refusal(answer)).toEqual([422, 'invalid_request']);
      expect(pointer(answer)).toBe(member);
    }
  });

  test('may have machines that are named at once', async () => {
    const { license_key } = await issued({ ...DATATOOLS, allowed_hardware: ['known'] });
    expect((await acquire(license_key, 'known')).status).toBe(200);
  });

  test('of another style does not exist', async () => {
    expect(pointer(await issue({ key_style: 'DATATOOLS' }))).toBe('/key_style');
  });

  test('is found however it is typed, and with a wrong digit it is nobody’s', async () => {
    const { license_key } = await issued({ ...DATATOOLS, tier: 'team', allowed_hardware: ['known'] });
    const typed = [
      ` ${license_key}\n`,
      license_key.toUpperCase(),
      license_key.toLowerCase(),
      license_key.replaceAll('-', ''),
      license_key.replaceAll('0', 'O').replaceAll('1', 'l'),
    ];
    for (const key of typed) expect((await acquire(key, 'known')).status, key).toBe(200);
    const last = license_key.endsWith('0') ? '1' : '0';
    for (const wrong of [
      license_key.slice(0, -1) + last,
      license_key.slice(0, -1),
      license_key.replace('CORE', 'PRO'),
      license_key.replace('DT1', 'DT2'),
    ])
      expect(refusal(await acquire(wrong, 'known')), wrong).toEqual([404, 'license_not_found']);
  });

  test('of the operator is stored as it is typed, once, in whatever case it comes again', async () => {
    const key = `DT1-CORE-5dd8e1db-${store === 'sqlite' ? 'd90c4656' : 'd90c4657'}`;
    const own = { license_key: key, formats: ['dtlic2'], holder: HOLDER };
    const { id } = await issued(own);
    expect(dtlic2.decode(await documentOf(id)).license.licenseId).toBe(key);
    for (const license_key of [key, key.toUpperCase(), `${key} `, key.replaceAll('-', '')])
      expect(refusal(await issue({ ...own, license_key })), license_key).toEqual([409, 'license_key_taken']);
  });

  test('of any other shape is taken as it is, with seats', async () => {
    const { license_key } = await issued({ license_key: 'DT1-CORE-5dd8e1db', seats: 1 });
    expect((await acquire(license_key, 'any')).status).toBe(200);
    expect(refusal(await acquire(license_key.toLowerCase(), 'any'))).toEqual([404, 'license_not_found']);
  });

  test('that chance makes twice is refused the second time, and asking again makes another', async () => {
    const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };
    const body = { ...SUBSCRIPTION, ...DATATOOLS };
    const wanted = issueLicenseRequest.parse(body);
    const caller = {
      actor: 'key:test',
      scopes: new Set<never>(),
      customerId: null,
      source: null,
      requestId: 'r',
    };
    const request = { caller, wanted, body, idempotencyKey: undefined };
    const send = (more: object) => issueLicense({ ...service.ports, ...more }, service.settings, request);
    const { license } = await send({ random });
    await expect(send({ random })).rejects.toMatchObject({ code: 'license_key_taken' });
    expect((await send({})).license.license_key).not.toBe(license.license_key);
  });
});
