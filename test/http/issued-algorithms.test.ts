/** AEGIS and DTLIC2 are Ed25519 alone: a service that has no such key issues none, and one that RSA signed is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import { OURS } from '../support/every-format.ts';
import { TEST_KEYS } from '../support/kms.ts';
import { deskOn, HOLDER, LIMITS, of, refusal, SUBSCRIPTION } from '../support/license-desk.ts';
import { type Instance, serveBeside } from '../support/serve-beside.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { base64url } from '../support/signed-documents.ts';

const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
const RSA_KEY: SigningKey = { name: TEST_KEYS.rsa, algorithm: RSA, use: 'license', state: 'active' };

let service: TestService;
let served: ServedKeys;
let rsaAlone: Instance;
let operator: AdminCall;
let close: () => Promise<void>;
const desk = deskOn(() => service);

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  served = await serveKeys(service);
  served.use({ keys: [OURS, RSA_KEY] });
  await desk.openDesk();
  const client = createKmsClient({ endpoint: service.kms.endpoint });
  close = () => client.close();
  const keys = createKeyDirectory({ client, keys: [RSA_KEY], deadlineMs: 10_000 });
  rsaAlone = await serveBeside(service, { ports: { keys } });
  operator = adminCalls(rsaAlone, await service.admin());
});
afterAll(async () => {
  await rsaAlone.stop();
  await close();
  await served.stop();
  await service.stop();
});

const wanted = (format: string) => ({
  ...SUBSCRIPTION,
  ...{ formats: [format], signing_algorithm: RSA, holder: HOLDER, limits: LIMITS },
});

test.each(['aegis', 'dtlic2'])('%s is not issued by a service with an RSA key alone', async (format) => {
  const answer = await operator('POST', '/api/v1/licenses', wanted(format));
  expect(refusal(answer)).toEqual([503, 'signing_unavailable']);
  expect(answer.body.detail).toBe('No active key signs with EC_SIGN_ED25519.');
});

test('AEGIS of a licence that has a document in another format is refused there too', async () => {
  const { status, body } = await operator('POST', '/api/v1/licenses', wanted('caio-v2'));
  expect(status).toBe(201);
  const documents = of(body.id, '/documents');
  expect(refusal(await operator('POST', documents, { format: 'aegis' }))).toEqual([
    503,
    'signing_unavailable',
  ]);
  const { documents: listed } = (await operator('GET', documents)).body;
  expect(listed.map(({ format }: { format: string }) => format)).toEqual(['caio-v2']);
  expect(await served.validate(listed[0].document)).toBe('valid');
});

test('with both keys a licence of RSA has an AEGIS document of Ed25519', async () => {
  const { token } = await desk.issued(wanted('aegis'));
  const header = JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString());
  expect(header).toMatchObject({ alg: 'EdDSA', typ: 'JWT' });
  expect(await served.validate(token)).toBe('valid');
});

test.each(['RS256', 'EdDSA'])(
  'an AEGIS licence that our own RSA key signed as %s is refused',
  async (alg) => {
    const { token } = await desk.issued();
    const claims = Buffer.from(token.split('.')[1], 'base64url').toString();
    const { kid, bytes } = await service.ports.keys.sign(RSA, (key) =>
      Buffer.from(signingInput(alg, key.kid, claims)),
    );
    expect(await served.validate(token)).toBe('valid');
    const forged = `${signingInput(alg, kid, claims)}.${base64url(bytes)}`;
    expect(await served.validate(forged)).toBe('algorithm_mismatch');
  },
);

function signingInput(alg: string, kid: string, payload: string): string {
  return `${base64url(JSON.stringify({ alg, kid, typ: 'JWT' }))}.${base64url(payload)}`;
}
