/** Licences that were issued as text, by a verifier that pins the root: whose they have to be, and when they make it read. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createVerifier, type VerifierOptions } from '../../../shared/client/verifier.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import type { LicenseScope } from '../../../shared/client/verify-license.ts';
import { aegis } from '../../../shared/formats/aegis.ts';
import { caioV2 } from '../../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../../shared/formats/dtlic2.ts';
import { aegisPayload, caioPayload, caioV1Of, dtlic2Terms, seal } from '../../support/issued-licenses.ts';
import { documentPayload, NOW, SECOND } from '../../support/records.ts';
import {
  base64url,
  claimsOf,
  ED,
  headerOf,
  jwsOf,
  keys,
  newKeyPair,
  RSA,
  signParts,
  sorted,
  testKey,
} from '../../support/signed-documents.ts';

/** RSA is the root here, and Ed25519 a licence key. */
const root = await importVerificationKey(keys[RSA].jwk);
const ISSUER = 'https://countersign.test';
const ACTIVE = { ...keys[ED].jwk, state: 'active' };
const ANOTHER = { ...testKey(ED, await newKeyPair[ED]()).jwk, kid: 'another', state: 'active' };
const barred = (state: string) => ({ kid: keys[ED].kid, alg: 'EdDSA', state });

const AEGIS = seal(aegis, aegisPayload({ iss: ISSUER }), ED);
const CAIO = seal(caioV2, caioPayload(), ED);
const DTLIC2 = seal(dtlic2, dtlic2Terms(), ED);
const LICENSES = { AEGIS, CAIO, DTLIC2 };
const SESSION = jwsOf(ED, { payload: claimsOf(documentPayload({ issuer: ISSUER })) });

/** One that expires an hour after it was signed. */
function manifestOf(version: number, licenseKeys: readonly object[] = [ACTIVE], iss = ISSUER): string {
  const iat = Math.floor(NOW / SECOND);
  const payload = { iss, iat, exp: iat + 3600, version, keys: licenseKeys };
  return signParts(RSA, base64url(headerOf(RSA, { typ: 'license-keys+jwt' })), base64url(sorted(payload)));
}

/** A verifier of a service that answers `service.text`, or is down. */
async function start(text?: string, options: Partial<Pick<VerifierOptions, 'issuer' | 'stored'>> = {}) {
  const service = { text, reads: 0 };
  const fetchManifest = async () => {
    service.reads += 1;
    if (service.text === undefined) throw new Error('offline');
    return service.text;
  };
  const verifier = await createVerifier({ root, fetchManifest, ...options });
  const codeOf = async (license: string, scope?: LicenseScope) => {
    const result = await verifier.verifyLicense(license, scope && { scope });
    return result.valid ? 'valid' : result.code;
  };
  return { service, verifier, codeOf };
}

const pass = (seconds: number) => vi.advanceTimersByTime(seconds * SECOND);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each(Object.entries(LICENSES))('%s', (format, license) => {
  test('is valid, and what comes out is what was signed', async () => {
    const { verifier } = await start(manifestOf(1));
    expect(await verifier.verifyLicense(license)).toMatchObject({
      valid: true,
      kid: keys[ED].kid,
      license: { claims: expect.any(Object) },
    });
  });

  test('is refused while there is no manifest, and judged by the one that was stored', async () => {
    const { codeOf } = await start();
    expect(await codeOf(license)).toBe('manifest_unavailable');
    expect(await (await start(undefined, { stored: manifestOf(1) })).codeOf(license)).toBe('valid');
  });

  test('is refused once the manifest has expired', async () => {
    const { service, codeOf } = await start(manifestOf(1));
    expect(await codeOf(license)).toBe('valid');
    service.text = undefined;
    pass(3600);
    expect(await codeOf(license)).toBe('manifest_expired');
  });

  test('makes it read again where its key is not known, at most each 5 s', async () => {
    const { service, codeOf } = await start(manifestOf(1, [ANOTHER]));
    expect(await codeOf(license)).toMatch(/unknown_key|signature_invalid/);
    expect(service.reads).toBe(1);
    service.text = manifestOf(2, [ANOTHER, ACTIVE]);
    pass(1);
    expect(await codeOf(license)).toBe('valid');
    service.text = manifestOf(3, [ANOTHER]);
    pass(20);
    expect(await codeOf(license)).not.toBe('valid');
    pass(1);
    for (const _ of [1, 2, 3]) expect(await codeOf(license)).not.toBe('valid');
    expect(service.reads).toBe(4);
  });

  test('is refused as soon as a manifest says that its key is compromised', async () => {
    const { service, codeOf } = await start(manifestOf(1));
    expect(await codeOf(license)).toBe('valid');
    service.text = manifestOf(2, [ANOTHER, barred('compromised')]);
    pass(20);
    // A CAIO licence names no key.
    expect(await codeOf(license)).toBe(license === CAIO ? 'signature_invalid' : 'key_compromised');
    service.text = manifestOf(1);
    pass(20);
    expect(await codeOf(license)).toBe(license === CAIO ? 'signature_invalid' : 'key_compromised');
  });

  test('holds before the end of its retiring key, and not from then on', async () => {
    const sunset_at = new Date(NOW + 60 * SECOND).toISOString();
    const { codeOf } = await start(manifestOf(1, [{ ...keys[ED].jwk, state: 'retiring', sunset_at }]));
    pass(59);
    expect(await codeOf(license)).toBe('valid');
    pass(1);
    expect(await codeOf(license)).toBe('key_retired');
  });

  test('of another system’s key holds for its own issuer alone', async () => {
    const own = { AEGIS: ISSUER, CAIO: 'caio', DTLIC2: 'datatools' }[format] ?? '';
    const issuedBy = (issuer: string) => manifestOf(1, [{ ...ACTIVE, issuer }]);
    expect(await (await start(issuedBy(own))).codeOf(license)).toBe('valid');
    expect(await (await start(issuedBy('another'))).codeOf(license)).toBe('issuer_mismatch');
  });
});

test('another signature than a CAIO licence’s makes it read no manifest again', async () => {
  const { service, codeOf } = await start(manifestOf(1));
  const forged = `${AEGIS.slice(0, -8)}AAAAAAAA`;
  await codeOf(AEGIS);
  pass(1);
  expect([await codeOf(forged), service.reads]).toEqual(['signature_invalid', 1]);
});

test('a licence is judged by what it is to be used for', async () => {
  const { codeOf } = await start(manifestOf(1));
  expect(await codeOf(AEGIS, { product: 'other' })).toBe('product_mismatch');
  expect(await codeOf(AEGIS, { instanceFingerprint: 'sha256:other' })).toBe('hardware_mismatch');
  expect(await codeOf(CAIO, { customerId: 'other' })).toBe('holder_mismatch');
  expect(await codeOf(DTLIC2, { name: 'other' })).toBe('holder_mismatch');
  expect(await codeOf(DTLIC2, { features: ['export'], tierFeatures: { core: ['export'] } })).toBe('valid');
});

test('neither takes a document of the other’s kind', async () => {
  const { verifier, codeOf } = await start(manifestOf(1));
  expect(await codeOf(SESSION)).toBe('malformed_document');
  expect(await verifier.verify(SESSION)).toMatchObject({ valid: true });
  for (const license of Object.values(LICENSES))
    expect((await verifier.verify(license)).valid, license).toBe(false);
  expect(await codeOf(caioV1Of('{}'))).toBe('unknown_key');
  for (const nothing of ['', '{}', undefined, null, 7])
    expect(await codeOf(nothing as string)).toBe('malformed_document');
});

describe('an issuer that is given', () => {
  test('is that of licences and sessions of our keys', async () => {
    const { verifier, codeOf } = await start(manifestOf(1), { issuer: ISSUER });
    expect([await codeOf(AEGIS), await codeOf(CAIO)]).toEqual(['valid', 'valid']);
    expect(await verifier.verify(SESSION)).toMatchObject({ valid: true });
    const others = {
      license: seal(aegis, aegisPayload({ iss: 'another' }), ED),
      session: jwsOf(ED, { payload: claimsOf(documentPayload({ issuer: 'another' })) }),
    };
    expect(await codeOf(others.license)).toBe('issuer_mismatch');
    expect(await verifier.verify(others.session)).toMatchObject({ code: 'issuer_mismatch' });
  });

  test('is that of the manifest, whatever else its root has signed', async () => {
    const another = manifestOf(9, [ACTIVE], 'https://staging.countersign.test');
    const { service, verifier, codeOf } = await start(another, { issuer: ISSUER });
    expect([await codeOf(AEGIS), verifier.problem?.code]).toEqual(['issuer_mismatch', 'issuer_mismatch']);
    service.text = manifestOf(1);
    pass(3);
    expect([await codeOf(AEGIS), verifier.problem]).toEqual(['valid', undefined]);
    service.text = another;
    pass(20);
    expect([await codeOf(AEGIS), verifier.problem?.code]).toEqual(['valid', 'issuer_mismatch']);
  });

  test('is that of the stored manifest: another one bars nothing', async () => {
    const stored = manifestOf(9, [ACTIVE], 'https://staging.countersign.test');
    const { verifier, codeOf } = await start(manifestOf(1), { issuer: ISSUER, stored });
    expect(verifier.problem?.code).toBe('issuer_mismatch');
    expect([await codeOf(AEGIS), verifier.problem]).toEqual(['valid', undefined]);
  });
});
