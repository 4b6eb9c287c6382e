/** Which manifests a verifier takes over, how long it trusts them, and how the application keeps them. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createVerifier, type VerifierOptions } from '../../../shared/client/verifier.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import { DAY, documentPayload, NOW, SECOND } from '../../support/records.ts';
import {
  base64url,
  claimsOf,
  ED,
  headerOf,
  jwsOf,
  keys,
  RSA,
  signParts,
  sorted,
} from '../../support/signed-documents.ts';

/** Ed25519 is the root here, and RSA a licence key. */
const root = await importVerificationKey(keys[ED].jwk);
const DOCUMENT = jwsOf(RSA, {
  payload: claimsOf(
    documentPayload({ signed_at: '2020-01-01T00:00:00Z', expires_at: '2030-01-01T00:00:00Z' }),
  ),
});
const ACTIVE = { ...keys[RSA].jwk, state: 'active' };
const COMPROMISED = { kid: keys[RSA].kid, alg: 'RS256', state: 'compromised' };

interface Wanted {
  readonly signedAt?: number;
  readonly licenseKey?: object;
  readonly signer?: typeof ED | typeof RSA;
}

/** One that expires a day after it was signed. */
function manifestOf(version: number, { signedAt = NOW, licenseKey = ACTIVE, signer = ED }: Wanted = {}) {
  const iat = Math.floor(signedAt / SECOND);
  const payload = { iss: 'countersign', iat, exp: iat + 86_400, version, keys: [licenseKey] };
  const header = headerOf(signer, { typ: 'license-keys+jwt' });
  return signParts(signer, base64url(header), base64url(sorted(payload)));
}

/** A verifier that reads what `service.text` is, or nothing, each time it verifies and is not pausing. */
async function start(text: string | undefined, options: Partial<VerifierOptions> = {}) {
  const service = { text, reads: 0 };
  const fetchManifest = async () => {
    service.reads += 1;
    if (service.text === undefined) throw new Error('offline');
    return service.text;
  };
  const verifier = await createVerifier({
    root,
    maxAgeMs: 0,
    ...options,
    fetchManifest,
    baseUrl: undefined,
  });
  const codeOf = async () => {
    const result = await verifier.verify(DOCUMENT);
    return result.valid ? 'valid' : result.code;
  };
  return { service, verifier, codeOf };
}

/** Both clocks go on, longer than any pause at least. */
const pass = (milliseconds = 3 * SECOND) => vi.advanceTimersByTime(milliseconds);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Signed by the root, with a licence key that nobody can import. */
const defective = manifestOf(9, { licenseKey: { ...ACTIVE, n: undefined } });

describe('a manifest that is read', () => {
  test('replaces one of a lower version', async () => {
    const { service, codeOf } = await start(manifestOf(1));
    expect(await codeOf()).toBe('valid');
    service.text = manifestOf(2, { licenseKey: COMPROMISED });
    expect(await codeOf()).toBe('key_compromised');
  });

  test.each([
    ['of an older version', 'manifest_outdated', manifestOf(4, { licenseKey: COMPROMISED })],
    ['of the same version and another text', 'manifest_outdated', manifestOf(5, { licenseKey: COMPROMISED })],
    ['of another root', 'unknown_root', manifestOf(9, { licenseKey: COMPROMISED, signer: RSA })],
    [
      'that has expired',
      'manifest_expired',
      manifestOf(9, { licenseKey: COMPROMISED, signedAt: NOW - 2 * DAY }),
    ],
    [
      'of the future',
      'manifest_not_yet_valid',
      manifestOf(9, { licenseKey: COMPROMISED, signedAt: NOW + DAY }),
    ],
    ['that holds a defective key', 'malformed_manifest', defective],
    ['that is none', 'malformed_manifest', '<html>'],
  ])('%s is refused, and the one at hand stays', async (_what, code, text) => {
    const { service, verifier, codeOf } = await start(manifestOf(5));
    await codeOf();
    service.text = text;
    expect(await codeOf()).toBe('valid');
    expect(verifier.problem).toMatchObject({ code, detail: expect.stringMatching(/manifest/) });
    // Pausing: as after any read that brought nothing.
    await codeOf();
    expect(service.reads).toBe(2);
  });

  test('that the platform cannot check is no reason to drop the one at hand', async () => {
    const { service, verifier, codeOf } = await start(manifestOf(5));
    await codeOf();
    service.text = manifestOf(6);
    const cause = new DOMException('no such algorithm', 'NotSupportedError');
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValueOnce(cause);
    expect(await codeOf()).toBe('valid');
    expect(verifier.problem).toMatchObject({ code: 'manifest_unavailable', cause });
  });

  test('of the same version and the same text is as good as a newer one', async () => {
    const { service, verifier, codeOf } = await start(manifestOf(5));
    expect([await codeOf(), await codeOf()]).toEqual(['valid', 'valid']);
    expect([service.reads, verifier.problem]).toEqual([2, undefined]);
  });

  test.each([
    ['unknown_root', manifestOf(1, { signer: RSA })],
    ['malformed_manifest', ''],
  ])('is the reason of the refusal where there is no other: %s', async (code, text) => {
    const { codeOf } = await start(text);
    expect(await codeOf()).toBe(code);
  });
});

describe('a stored manifest', () => {
  test('verifies before anything was read', async () => {
    const { verifier, codeOf } = await start(undefined, { stored: manifestOf(1) });
    expect(verifier.problem).toBeUndefined();
    expect(await codeOf()).toBe('valid');
  });

  test('bars older ones', async () => {
    const stored = manifestOf(7, { licenseKey: COMPROMISED });
    const { verifier, codeOf } = await start(manifestOf(6), { stored });
    expect([await codeOf(), verifier.problem?.code]).toEqual(['key_compromised', 'manifest_outdated']);
  });

  const past = { signedAt: NOW - 2 * DAY };
  test.each([
    ['that has expired', 'manifest_expired', manifestOf(7, past), 'manifest_expired'],
    [
      'of the future',
      'manifest_not_yet_valid',
      manifestOf(7, { signedAt: NOW + DAY }),
      'manifest_not_yet_valid',
    ],
    ['of another root', 'unknown_root', manifestOf(7, { signer: RSA }), 'manifest_unavailable'],
    ['that holds a defective key', 'malformed_manifest', defective, 'manifest_unavailable'],
    ['that is none', 'malformed_manifest', 'text', 'manifest_unavailable'],
  ])('%s is not used, and the verifier says why', async (_what, code, stored, refusal) => {
    const { service, verifier, codeOf } = await start(undefined, { stored });
    expect(verifier.problem).toMatchObject({ code });
    expect(await codeOf()).toBe(refusal);
    service.text = manifestOf(8);
    pass();
    expect([await codeOf(), verifier.problem]).toEqual(['valid', undefined]);
  });

  test.each([
    ['expired', past],
    ['of the future', { signedAt: NOW + DAY }],
  ])('that is %s still bars older ones: it may have told of a compromise', async (_what, when) => {
    const stored = manifestOf(7, { ...when, licenseKey: COMPROMISED });
    const { verifier, codeOf } = await start(manifestOf(6), { stored });
    expect(await codeOf()).not.toBe('valid');
    expect(verifier.problem?.code).toBe('manifest_outdated');
  });

  test('of another root bars nothing', async () => {
    const { codeOf } = await start(manifestOf(1), { stored: manifestOf(7, { signer: RSA }) });
    expect(await codeOf()).toBe('valid');
  });
});

describe('a clock that is set', () => {
  test('back prolongs no manifest while the service is away', async () => {
    const { codeOf } = await start(undefined, { stored: manifestOf(1) });
    pass(DAY - 2 * SECOND);
    expect(await codeOf()).toBe('valid');
    vi.setSystemTime(NOW - 100 * DAY);
    expect(await codeOf()).toBe('valid');
    pass();
    expect(await codeOf()).toBe('manifest_expired');
  });

  test('forward ends the trust, and right again restores it', async () => {
    const { codeOf } = await start(undefined, { stored: manifestOf(1) });
    vi.setSystemTime(NOW + DAY);
    expect(await codeOf()).toBe('manifest_expired');
    vi.setSystemTime(NOW + SECOND);
    expect(await codeOf()).toBe('valid');
  });

  test('far back and then right uses the stored manifest after all', async () => {
    vi.setSystemTime(0);
    const { codeOf } = await start(undefined, { stored: manifestOf(1) });
    expect(await codeOf()).toBe('manifest_not_yet_valid');
    vi.setSystemTime(NOW);
    expect(await codeOf()).toBe('valid');
  });

  test('to no number refuses, and asks no oftener', async () => {
    let now = NOW;
    const { service, codeOf } = await start(manifestOf(1), { now: () => now });
    await codeOf();
    now = Number.NaN;
    const reads = service.reads;
    expect(await codeOf()).toBe('manifest_not_yet_valid');
    expect(await codeOf()).toBe('manifest_not_yet_valid');
    expect(service.reads).toBe(reads + 1);
  });
});

describe('onManifest', () => {
  test('is told of each newer manifest once, before the verdict', async () => {
    const told: [string, number][] = [];
    const onManifest = (text: string, version: number) => void told.push([text, version]);
    const texts = [manifestOf(1), manifestOf(2), manifestOf(3)];
    const { service, codeOf } = await start(texts[1], { stored: texts[0], onManifest });
    for (const text of [texts[0], texts[1], texts[1], texts[2]]) {
      service.text = text;
      await codeOf();
      pass();
    }
    expect(told).toEqual([
      [texts[1], 2],
      [texts[2], 3],
    ]);
  });

  test('is told one after the other, and nobody waits for it', async () => {
    const first = Promise.withResolvers<void>();
    const told: number[] = [];
    const onManifest = (_text: string, version: number) => {
      told.push(version);
      return first.promise;
    };
    const { service, codeOf } = await start(manifestOf(1), { onManifest });
    expect(await codeOf()).toBe('valid');
    service.text = manifestOf(2);
    expect([await codeOf(), told]).toEqual(['valid', [1]]);
    first.resolve();
    await vi.waitFor(() => expect(told).toEqual([1, 2]));
  });

  test('that fails is reported, and told again with the next read', async () => {
    const cause = new Error('the disk is full');
    const told: number[] = [];
    const onManifest = async (_text: string, version: number) => {
      told.push(version);
      if (told.length === 1) throw cause;
    };
    const { verifier, codeOf } = await start(manifestOf(4), { onManifest });
    expect(await codeOf()).toBe('valid');
    expect(verifier.problem).toMatchObject({ code: 'manifest_not_kept', cause });
    await codeOf();
    await codeOf();
    expect([told, verifier.problem]).toEqual([[4, 4], undefined]);
  });
});
