/** Key states over HTTP: what is listed, keys that their KMS does not show, pins, and documents that name another key. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { importVerificationKey, type PublicJwk, verifyDocument } from '../../shared/client/verify.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import type { KeyState } from '../../shared/keys/states.ts';
import { TEST_KEY_RING, TEST_KEYS } from '../support/kms.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ED25519 = 'EC_SIGN_ED25519';
const SUNSET = Date.UTC(2100, 0, 1);

let service: TestService;
let served: ServedKeys;
/** Versions beside the one that signed `document`: one that is active now, and one that its KMS does not show. */
let active: string;
let disabled: string;
let kids: { signed: string; active: string; disabled: string; rsa: string };
// biome-ignore lint/suspicious/noExplicitAny: a document that the tests take apart
let document: any;
let token: string;
let rsaDocument: object;

const row = (name: string, state: KeyState, more: Partial<SigningKey> = {}): SigningKey => ({
  name,
  algorithm: name === TEST_KEYS.rsa ? 'RSA_SIGN_PKCS1_4096_SHA256' : ED25519,
  use: 'license',
  state,
  ...more,
});

const kidOf = async (name: string) => {
  served.use({ keys: [row(name, 'active')] });
  return (await served.directory().list())[0]?.kid ?? '';
};

async function disable(name: string): Promise<void> {
  const client = await createSdkClient(service.kms.endpoint);
  await client.updateCryptoKeyVersion({
    cryptoKeyVersion: { name, state: 'DISABLED' },
    updateMask: { paths: ['state'] },
  });
  await client.close();
}

beforeAll(async () => {
  service = await startTestService();
  served = await serveKeys(service);
  const names = await provisionKeys(service.kms.endpoint, TEST_KEY_RING, [
    { id: 'active', algorithm: ED25519 },
    { id: 'disabled', algorithm: ED25519 },
  ]);
  [active = '', disabled = ''] = names;
  kids = {
    signed: await kidOf(TEST_KEYS.ed25519),
    active: await kidOf(active),
    disabled: await kidOf(disabled),
    rsa: await kidOf(TEST_KEYS.rsa),
  };
  await disable(disabled);
  const request = { license_key: await service.addLicense(), hardware_id: 'machine-1' };
  document = (await service.client.acquire(request)).license_data;
  token = (await service.client.acquire({ ...request, format: 'jws' })).token ?? '';
  const rsaKey = await service.addLicense({ signingAlgorithm: 'RSA_SIGN_PKCS1_4096_SHA256' });
  rsaDocument = (await service.client.acquire({ ...request, license_key: rsaKey })).license_data ?? {};
});

afterAll(async () => {
  await served.stop();
  await service.stop();
});

describe('what is listed', () => {
  const keysIn = (state: KeyState) => [
    row(TEST_KEYS.ed25519, state, state === 'retiring' ? { sunsetAt: SUNSET } : {}),
    row(active, 'active'),
  ];

  test.each(['staged', 'retiring'] as const)('a %s key is published, with its state', async (state) => {
    served.use({ keys: keysIn(state) });
    const lifecycle = state === 'retiring' ? { sunset_at: '2100-01-01T00:00:00.000+00:00' } : {};
    const { keys } = (await served.get('/.well-known/jwks.json')).body;
    expect(keys).toEqual([
      expect.objectContaining({ kid: kids.signed, state, ...lifecycle }),
      expect.objectContaining({ kid: kids.active, state: 'active' }),
    ]);
    expect(keys[1]).not.toHaveProperty('sunset_at');
    const listed = (await served.get('/api/v1/keys')).body.keys;
    expect(listed[0]).toMatchObject({ kid: kids.signed, state, sunset_at: lifecycle.sunset_at ?? null });
    expect((await fetch(`${served.baseUrl}${listed[0].pem_url}`)).status).toBe(200);
  });

  test.each(['retired', 'compromised'] as const)('a %s key is listed and not handed out', async (state) => {
    served.use({ keys: keysIn(state) });
    const { keys } = (await served.get('/.well-known/jwks.json')).body;
    expect(keys.map(({ kid }: PublicJwk) => kid)).toEqual([kids.active]);
    const listed = (await served.get('/api/v1/keys')).body.keys;
    expect(listed[0]).toEqual({
      kid: kids.signed,
      algorithm: ED25519,
      state,
      sunset_at: null,
      issuer: null,
      pem_url: null,
    });
    expect((await served.get(`/api/v1/keys/${kids.signed}.pem`)).body.code).toBe('key_not_found');
  });

  test('a client that imports the set does what it says', async () => {
    const verdictAt = async (now: number) => {
      const { keys } = (await served.get('/.well-known/jwks.json')).body;
      const result = await verifyDocument(token, {
        keys: await Promise.all(keys.map((key: PublicJwk) => importVerificationKey(key))),
        now,
      });
      return result.valid ? 'valid' : result.code;
    };
    const now = Date.now();
    served.use({ keys: [row(TEST_KEYS.ed25519, 'retiring', { sunsetAt: now }), row(active, 'active')] });
    expect([await verdictAt(now - 1), await verdictAt(now)]).toEqual(['valid', 'key_retired']);
    served.use({ keys: keysIn('staged') });
    expect(await verdictAt(now)).toBe('valid');
    served.use({ keys: keysIn('compromised') });
    expect(await verdictAt(now)).toBe('unknown_key');
  });
});

describe('signing', () => {
  test.each(['staged', 'retiring', 'retired', 'compromised'] as const)(
    'is done by the active key and not by one that is %s',
    async (state) => {
      const other = row(TEST_KEYS.ed25519, state, state === 'retiring' ? { sunsetAt: SUNSET } : {});
      served.use({ keys: [other, row(active, 'active')] });
      expect((await served.directory().sign(ED25519, () => new Uint8Array(8))).kid).toBe(kids.active);
    },
  );
});

describe('a key that its KMS does not show', () => {
  test.each(['staged', 'retiring', 'retired', 'compromised'] as const)(
    '%s, does not keep the documents of others from verifying',
    async (state) => {
      const more = state === 'retiring' ? { sunsetAt: SUNSET } : {};
      served.use({ keys: [row(disabled, state, more), row(TEST_KEYS.ed25519, 'active')] });
      expect(await served.validate(document)).toBe('valid');
      const { status, body } = await served.get('/.well-known/jwks.json');
      expect([status, body.keys.map(({ kid }: PublicJwk) => kid)]).toEqual([200, [kids.signed]]);
      expect((await served.get('/api/v1/keys')).body.keys).toHaveLength(1);
      expect(served.logLines.join('')).toContain(disabled);
    },
  );

  test.each([
    ['retired', 'key_retired'],
    ['compromised', 'key_compromised'],
  ] as const)('%s and pinned, gives its code without its KMS', async (state, code) => {
    served.use({
      keys: [row(disabled, state, { fingerprint: kids.disabled }), row(TEST_KEYS.ed25519, 'active')],
    });
    expect(await served.validate({ ...document, kid: kids.disabled })).toBe(code);
    expect((await served.get('/api/v1/keys')).body.keys[0]).toMatchObject({ kid: kids.disabled, state });
    expect(served.logLines).toEqual([]);
  });

  test('and not pinned, is not taken for unknown', async () => {
    served.use({ keys: [row(disabled, 'compromised'), row(TEST_KEYS.ed25519, 'active')] });
    expect(await served.validate({ ...document, kid: kids.disabled })).toBe('signing_unavailable');
  });

  test('is not asked for again for documents of keys that were found', async () => {
    served.use({ keys: [row(disabled, 'staged'), row(TEST_KEYS.ed25519, 'active')] });
    expect(await served.validate(document)).toBe('valid');
    const before = (await service.kms.stats()).publicKeys;
    expect([await served.validate(document), await served.validate(token)]).toEqual(['valid', 'valid']);
    expect((await service.kms.stats()).publicKeys).toBe(before);
  });

  test('when none can be read, no empty set is handed out', async () => {
    served.use({ keys: [row(disabled, 'active'), row(TEST_KEYS.ed25519, 'retired')] });
    expect((await served.get('/.well-known/jwks.json')).status).toBe(503);
  });
});

describe('a public key in the list', () => {
  let pem: string;

  beforeAll(async () => {
    const { keys } = service.ports;
    pem = (await keys.list()).find(({ kid }) => kid === kids.signed)?.pem ?? '';
  });

  afterEach(() => service.kms.setFault(null));

  test('verifies and is published while its KMS is away, and nothing is signed', async () => {
    await service.kms.setFault({ kind: 'unavailable' }, { method: 'GetPublicKey' });
    served.use({ keys: [row(TEST_KEYS.ed25519, 'active', { pem })] });
    expect(await served.validate(document)).toBe('valid');
    const { body } = await served.get('/.well-known/jwks.json');
    expect(body.keys.map(({ kid }: PublicJwk) => kid)).toEqual([kids.signed]);
    await service.kms.setFault({ kind: 'unavailable' });
    await expect(served.directory().sign(ED25519, () => new Uint8Array(8))).rejects.toMatchObject({
      code: 'signing_unavailable',
    });
  });

  test('is not read from the KMS to sign', async () => {
    const before = (await service.kms.stats()).publicKeys;
    served.use({ keys: [row(TEST_KEYS.ed25519, 'active', { pem })] });
    expect((await served.directory().sign(ED25519, () => new Uint8Array(8))).kid).toBe(kids.signed);
    expect((await service.kms.stats()).publicKeys).toBe(before);
  });

  test('that is not that of the version lets nothing wrong out', async () => {
    served.use({ keys: [row(active, 'active', { pem })] });
    await expect(served.directory().sign(ED25519, () => new Uint8Array(8))).rejects.toMatchObject({
      code: 'signing_unavailable',
    });
  });
});

describe('a pin', () => {
  test('that fits changes nothing', async () => {
    served.use({ keys: [row(TEST_KEYS.ed25519, 'active', { fingerprint: kids.signed })] });
    expect((await served.directory().sign(ED25519, () => new Uint8Array(8))).kid).toBe(kids.signed);
    expect(await served.validate(document)).toBe('valid');
  });

  test('that does not fit: the key neither signs nor verifies, and the log says why', async () => {
    served.use({ keys: [row(TEST_KEYS.ed25519, 'active', { fingerprint: kids.active })] });
    await expect(served.directory().sign(ED25519, () => new Uint8Array(8))).rejects.toMatchObject({
      code: 'signing_unavailable',
    });
    expect(await served.validate(document)).toBe('unknown_key');
    expect(await served.validate({ ...document, kid: kids.active })).toBe('signing_unavailable');
    const { severity, message } = JSON.parse(served.logLines[0] ?? '{}');
    expect(severity).toBe('ERROR');
    for (const word of [TEST_KEYS.ed25519, kids.active, kids.signed]) expect(message).toContain(word);
  });
});

describe('a document that names another key', () => {
  const withHeader = (members: object) => {
    const [header = '', ...rest] = token.split('.');
    const changed = { ...JSON.parse(Buffer.from(header, 'base64url').toString()), ...members };
    return [Buffer.from(JSON.stringify(changed)).toString('base64url'), ...rest].join('.');
  };

  test.each([
    ['compromised', 'key_compromised'],
    ['retired', 'key_retired'],
  ] as const)('its own key is %s, and the active one is named: refused', async (state, code) => {
    served.use({ keys: [row(TEST_KEYS.ed25519, state), row(active, 'active')] });
    expect(await served.validate(document)).toBe(code);
    expect(await served.validate({ ...document, kid: kids.active })).toBe('signature_invalid');
    expect(await served.validate(withHeader({ kid: kids.active }))).toBe('signature_invalid');
  });

  test('its own key is active, and a compromised one is named: refused', async () => {
    const keys = [row(TEST_KEYS.ed25519, 'active'), row(active, 'compromised')];
    served.use({ keys });
    expect(await served.validate(document)).toBe('valid');
    expect(await served.validate({ ...document, kid: kids.active })).toBe('key_compromised');
    expect(await served.validate(withHeader({ kid: kids.active }))).toBe('key_compromised');
  });

  test('the compromised key, whatever algorithm, signature or content: refused', async () => {
    served.use({ keys: [row(TEST_KEYS.ed25519, 'compromised'), row(active, 'active')] });
    for (const change of [
      { signature: '' },
      { signature_algorithm: 'none' },
      { signature_algorithm: 'RSA_SIGN_PKCS1_4096_SHA256' },
      { signed_at: '2000-01-01T00:00:00.000+00:00' },
    ]) {
      expect(await served.validate({ ...document, ...change })).toBe('key_compromised');
    }
    expect(await served.validate(withHeader({ alg: 'none' }))).toBe('key_compromised');
  });

  test('a compromised key of another algorithm changes nothing for the rest', async () => {
    const ed = row(TEST_KEYS.ed25519, 'active', { fingerprint: kids.signed });
    const rsa = row(TEST_KEYS.rsa, 'active', { fingerprint: kids.rsa });
    served.use({ keys: [ed, rsa] });
    expect([await served.validate(document), await served.validate(rsaDocument)]).toEqual(['valid', 'valid']);
    served.use({ keys: [row(TEST_KEYS.ed25519, 'compromised'), row(active, 'active'), rsa] });
    expect([await served.validate(document), await served.validate(rsaDocument)]).toEqual([
      'key_compromised',
      'valid',
    ]);
  });

  test.each([
    '__proto__',
    'constructor',
    'undefined',
    '',
    '../../keys/private.pem',
    '/dev/null',
    'https://evil.test/jwks.json',
    'file:///etc/passwd',
    TEST_KEYS.ed25519,
    "' OR '1'='1",
  ])('%j, is unknown, pinned or not', async (kid) => {
    for (const pin of [{}, { fingerprint: kids.signed }]) {
      served.use({ keys: [row(TEST_KEYS.ed25519, 'compromised', pin), row(active, 'active')] });
      expect(await served.validate({ ...document, kid })).toBe('unknown_key');
      expect(await served.validate(withHeader({ kid }))).toBe('unknown_key');
    }
  });
});
