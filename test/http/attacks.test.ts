/**
 * The tables of attacks, on the running service: `validate` answers each with the code that the client library gives, and
 * the manifest that the service publishes stands them in a client.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKmsClient, googlePublicKey, googleSigner } from '../../infra/kms/google.ts';
import { jwkFromPem } from '../../infra/kms/public-key.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { verifyManifest } from '../../shared/client/manifest.ts';
import { importVerificationKey, type VerificationKey } from '../../shared/client/verify.ts';
import { publishManifest } from '../../shared/usecases/publish-manifest.ts';
import {
  type Genuine,
  type InlineObject,
  inlineAttacks,
  inlineControls,
  jwsAttacks,
  jwsControls,
} from '../support/attacks.ts';
import { openInline } from '../support/attacks-forgery.ts';
import { TYPED_JWT } from '../support/attacks-headers.ts';
import { MANIFEST_CONTROLS, manifestAttacks } from '../support/attacks-manifest.ts';
import { signatoryOf } from '../support/attacks-service.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { base64url, ED, keys as foreignKeys, KINDS, type Kind, RSA } from '../support/signed-documents.ts';

const PATH = '/api/v1/licenses/validate';

let service: TestService;
const genuine = {} as Record<Kind, { jws: Genuine<string>; inline: Genuine<InlineObject> }>;

beforeAll(async () => {
  service = await startTestService();
  const { home, keys } = service.kms;
  const registered = { [ED]: signatoryOf(home, keys.ed25519), [RSA]: signatoryOf(home, keys.rsa) };
  for (const kind of KINDS) {
    const signatories = {
      key: registered[kind],
      other: registered[kind === ED ? RSA : ED],
      stranger: foreignKeys[kind],
    };
    const license_key = await service.addLicense({ signingAlgorithm: kind });
    const request = { license_key, hardware_id: 'machine-1' };
    const { license_data } = await service.client.acquire(request);
    const { token = '' } = await service.client.acquire({ ...request, format: 'jws' });
    genuine[kind] = {
      jws: { document: token, ...signatories },
      inline: { document: license_data as unknown as InlineObject, ...signatories },
    };
  }
});

afterAll(() => service.stop());

/** What the service says; `valid`, or the code beside a 200. */
async function verdict(token: string | object): Promise<string> {
  const { status, body } = await service.post(PATH, { token });
  expect(status, JSON.stringify(body)).toBe(200);
  if (body.valid === true) return 'valid';
  expect(body).toMatchObject({ valid: false, document: null, error: expect.any(String) });
  return body.code;
}

/** A document is judged as an object and as text; a text as it is. */
async function verdicts(document: string | object): Promise<Set<string>> {
  const forms = typeof document === 'string' ? [document] : [document, JSON.stringify(document)];
  return new Set(await Promise.all(forms.map(verdict)));
}

describe.each(KINDS)('%s', (kind) => {
  describe('a JWS', () => {
    test.each(jwsControls(kind))('$name: accepted', async ({ make }) => {
      expect(await verdict(make(genuine[kind].jws))).toBe('valid');
    });

    test.each(jwsAttacks(kind))('$name: $code', async ({ make, code }) => {
      expect(await verdict(make(genuine[kind].jws))).toBe(code);
      expect(await verdict(genuine[kind].jws.document)).toBe('valid');
    });
  });

  test.each([
    ['own', 'malformed_document'],
    ['forged', 'signature_invalid'],
    ['foreign', 'unknown_key'],
  ] as const)('a JWS with typ JWT, %s: %s, or not of its only algorithm', async (name, code) => {
    const isKnown = name !== 'foreign';
    const expected = kind === RSA && isKnown ? 'algorithm_mismatch' : code;
    expect(await verdict(TYPED_JWT[name](genuine[kind].jws))).toBe(expected);
  });

  describe('an inline document, signature and all, as a licence that is issued as text', () => {
    test('DTLIC2', async () => {
      const { message, signature } = openInline(genuine[kind].inline.document);
      // The format has one algorithm.
      const code = kind === ED ? 'malformed_document' : 'algorithm_mismatch';
      expect(await verdict(`DTLIC2:${base64url(message)}.${base64url(signature)}`)).toBe(code);
    });

    test('CAIO v2', async () => {
      const { message, signature } = openInline(genuine[kind].inline.document);
      const [payload, signed] = [Buffer.from(message), signature].map((bytes) => bytes.toString('base64'));
      expect(await verdict(`CAIO-v2-customer-1-${payload}.${signed}`)).toBe('malformed_document');
    });
  });

  describe('an inline document', () => {
    test.each(inlineControls(kind))('$name: accepted', async ({ make }) => {
      expect(await verdicts(make(genuine[kind].inline))).toEqual(new Set(['valid']));
    });

    test.each(inlineAttacks(kind))('$name: $code', async ({ make, code }) => {
      expect(await verdicts(make(genuine[kind].inline))).toEqual(new Set([code]));
      expect(await verdict(genuine[kind].inline.document)).toBe('valid');
    });
  });
});

describe('a body that two readers may understand differently', () => {
  const wrap = (text: string) => `{"token":${text}}`;
  const inline = () => JSON.stringify(genuine[ED].inline.document);
  const jws = () => JSON.stringify(genuine[ED].jws.document);
  const cases: [string, () => string, string, status?: number][] = [
    ['two tokens', () => `{"token":"x","token":${jws()}}`, 'json_duplicate_key'],
    ['two tokens, the false one last', () => `{"token":${jws()},"token":"x"}`, 'json_duplicate_key'],
    ['two tokens, one of them escaped', () => `{"token":${jws()},"\\u0074oken":"x"}`, 'json_duplicate_key'],
    [
      'a document with a member twice',
      () => wrap(inline().replace('{', '{"tier":"enterprise",')),
      'json_duplicate_key',
    ],
    [
      'a document with a nested member twice',
      () => wrap(inline().replace('"customer":{', '"customer":{"id":"x",')),
      'json_duplicate_key',
    ],
    [
      'a document with half a surrogate pair',
      () => wrap(inline().replace('{', '{"more":"\\ud800",')),
      'json_lone_surrogate',
    ],
    [
      'a document with a number that a double rounds',
      () => wrap(inline().replace('{', '{"more":9007199254740993,')),
      'json_unsafe_integer',
    ],
    ['a token that only the prototype has', () => `{"__proto__":{"token":${jws()}}}`, 'invalid_request', 422],
    ['a token in an array', () => wrap(`[${jws()}]`), 'invalid_request', 422],
    ['an empty token', () => wrap('""'), 'invalid_request', 422],
    ['a token null', () => wrap('null'), 'invalid_request', 422],
  ];

  test.each(cases)('%s', async (_name, body, code, status = 400) => {
    const answer = await service.post(PATH, body());
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect((await service.post(PATH, wrap(jws()))).body.valid).toBe(true);
    expect((await service.post(PATH, wrap(inline()))).body.valid).toBe(true);
  });
});

describe('the manifest that the service publishes', () => {
  const RING = 'projects/test/locations/global/keyRings/root';
  const PUBLICATIONS = 3;
  let root: VerificationKey;
  let manifest: Genuine<string>;

  beforeAll(async () => {
    const [name = ''] = await provisionKeys(service.kms.endpoint, RING, [{ id: 'root', algorithm: ED }]);
    const client = createKmsClient({ endpoint: service.kms.endpoint });
    const publicKey = await googlePublicKey(client, name);
    const key = signatoryOf(service.kms.home, name);
    const { kid, alg } = key;
    root = await importVerificationKey({ ...jwkFromPem(publicKey.pem), kid, alg });
    const publication = {
      root: googleSigner(client, { versionName: name, publicKey, kid }),
      keys: await service.ports.keys.list(),
      issuer: 'test',
      lifetimeSeconds: 3600,
    };
    // A version can be rolled back only where there was one before.
    for (let count = 0; count < PUBLICATIONS; count += 1) await publishManifest(service.ports, publication);
    await client.close();
    const document = await (await fetch(new URL('/.well-known/license-keys', service.baseUrl))).text();
    const { other } = genuine[ED].jws;
    manifest = { document, key, other, stranger: foreignKeys[ED] };
  });

  const codeOf = async (text: string | object, pinned = root) => {
    const result = await verifyManifest(text as string, {
      root: pinned,
      now: Date.now(),
      minimumVersion: PUBLICATIONS,
    });
    return result.valid ? 'valid' : result.code;
  };

  test.each(Object.entries(MANIFEST_CONTROLS))('%s: accepted', async (_name, make) => {
    expect(await codeOf(make(manifest))).toBe('valid');
  });

  test.each(manifestAttacks(ED))('$name: $code', async ({ make, code }) => {
    expect(await codeOf(make(manifest))).toBe(code);
    expect(await codeOf(manifest.document)).toBe('valid');
  });

  test('is no licence to the service that published it', async () => {
    expect(await verdict(manifest.document)).toBe('unsupported_header');
  });

  test('cannot be replaced by a licence, even for a client that pins a licence key by mistake', async () => {
    for (const pinned of await service.verificationKeys()) {
      for (const kind of KINDS) {
        expect(await codeOf(genuine[kind].jws.document, pinned)).toBe('malformed_manifest');
        expect(await codeOf(JSON.stringify(genuine[kind].inline.document), pinned)).toBe(
          'malformed_manifest',
        );
      }
    }
  });
});
