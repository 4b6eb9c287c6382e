/** When a verifier reads the manifest, how it gets along without, and what unknown keys make it do. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createVerifier, type VerifierOptions } from '../../../shared/client/verifier.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import { PUBLIC_KEY_MAX_AGE_SECONDS } from '../../../shared/constants.ts';
import { documentPayload, NOW, SECOND } from '../../support/records.ts';
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
const DOCUMENT = jwsOf(RSA, { payload: claimsOf(documentPayload({ expires_at: '2027-01-01T00:00:00Z' })) });
const UNKNOWN = jwsOf(ED);

const ACTIVE = { ...keys[RSA].jwk, state: 'active' };
const COMPROMISED = { kid: keys[RSA].kid, alg: 'RS256', state: 'compromised' };
const ANOTHER = { ...keys[ED].jwk, kid: 'another', state: 'active' };

/** One that expires an hour after it was signed, at `NOW` unless said otherwise. */
function manifestOf(version: number, licenseKeys: readonly object[] = [ACTIVE], signedAt = NOW): string {
  const iat = Math.floor(signedAt / SECOND);
  const payload = { iss: 'countersign', iat, exp: iat + 3600, version, keys: licenseKeys };
  return signParts(ED, base64url(headerOf(ED, { typ: 'license-keys+jwt' })), base64url(sorted(payload)));
}

type Answer = string | ((signal: AbortSignal) => Promise<string>);
const offline: Answer = () => Promise.reject(new Error('offline'));
const silent: Answer = () => new Promise(() => {});

type Options = Partial<Pick<VerifierOptions, 'stored' | 'maxAgeMs' | 'timeoutMs'>>;

/** A verifier of a service that answers as told; `readsAt` are the seconds after `NOW` at which it was asked. */
async function start(answer: Answer = manifestOf(1), options: Options = {}) {
  const service = { answer, readsAt: [] as number[] };
  const fetchManifest = async (signal: AbortSignal) => {
    service.readsAt.push((Date.now() - NOW) / SECOND);
    return typeof service.answer === 'string' ? service.answer : service.answer(signal);
  };
  const verifier = await createVerifier({ root, fetchManifest, ...options });
  const codeOf = async (document = DOCUMENT) => {
    const result = await verifier.verify(document);
    return result.valid ? 'valid' : result.code;
  };
  return { service, verifier, codeOf };
}

/** Both clocks go on. */
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * SECOND);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('reads the manifest', () => {
  test('before the first verification, and not at the start', async () => {
    const { service, verifier, codeOf } = await start(manifestOf(2), { stored: manifestOf(1) });
    expect([service.readsAt, verifier.problem]).toEqual([[], undefined]);
    expect(await codeOf()).toBe('valid');
    expect(service.readsAt).toEqual([0]);
    // One that is left would keep a process from its end.
    expect(vi.getTimerCount()).toBe(0);
  });

  test('before a verification that comes 20 s after the last read, and before no other', async () => {
    const { service, codeOf } = await start();
    for (let second = 0; second <= 65; second++) {
      expect(await codeOf()).toBe('valid');
      pass(1);
    }
    expect(service.readsAt).toEqual([0, 20, 40, 60]);
  });

  test('once for all verifications that wait for it', async () => {
    const { service, codeOf } = await start();
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => codeOf()));
    expect([new Set(verdicts), service.readsAt]).toEqual([new Set(['valid']), [0]]);
  });

  test('20 s after the last read was begun: what it brought may be as old', async () => {
    const { service, codeOf } = await start(
      () => new Promise((resolve) => setTimeout(resolve, 1500, manifestOf(1))),
    );
    const verdict = codeOf();
    await vi.advanceTimersByTimeAsync(1500);
    expect(await verdict).toBe('valid');
    service.answer = manifestOf(1);
    pass(18.5);
    await codeOf();
    expect(service.readsAt).toEqual([0, 20]);
  });

  test.each([
    ['the machine slept, and with it the monotonic clock', 60],
    ['the clock was set back', -60],
  ])('when %s', async (_what, seconds) => {
    const { service, codeOf } = await start();
    await codeOf();
    vi.setSystemTime(NOW + seconds * SECOND);
    await codeOf();
    expect(service.readsAt).toEqual([0, seconds]);
  });

  test('when the monotonic clock went on and the wall clock did not', async () => {
    const { service, codeOf } = await start();
    await codeOf();
    pass(20);
    vi.setSystemTime(NOW);
    await codeOf();
    expect(service.readsAt).toEqual([0, 0]);
  });

  test('in time for a compromise to be known within a minute, whatever a shared cache holds', async () => {
    const [before, after] = [manifestOf(1), manifestOf(2, [COMPROMISED])];
    const publishedAt = NOW + 100_500;
    const maxAgeMs = PUBLIC_KEY_MAX_AGE_SECONDS * SECOND;
    let lastAcceptedAt = 0;
    for (let phase = 0; phase < 120; phase++) {
      vi.setSystemTime(NOW + (80 + (phase % 20)) * SECOND);
      // Others have the cache filled as soon as it may be.
      const { codeOf } = await start(async () => {
        const ageMs = (Date.now() - NOW + Math.floor(phase / 20) * 5 * SECOND) % maxAgeMs;
        return Date.now() - ageMs < publishedAt ? before : after;
      });
      for (; Date.now() < publishedAt + 70_000; pass(1)) {
        if ((await codeOf()) === 'valid') lastAcceptedAt = Math.max(lastAcceptedAt, Date.now());
      }
      expect(await codeOf()).toBe('key_compromised');
    }
    expect(lastAcceptedAt - publishedAt).toBeGreaterThan(45 * SECOND);
    expect(lastAcceptedAt - publishedAt).toBeLessThanOrEqual(50 * SECOND);
  });
});

describe('a service that cannot be reached', () => {
  test('changes nothing until the manifest at hand expires; then everything is refused', async () => {
    const { service, verifier, codeOf } = await start();
    await codeOf();
    service.answer = offline;
    pass(3598);
    expect(await codeOf()).toBe('valid');
    expect(verifier.problem).toMatchObject({ code: 'manifest_unavailable', cause: new Error('offline') });
    pass(2);
    expect(await codeOf()).toBe('manifest_expired');
    service.answer = manifestOf(2, [ACTIVE], Date.now());
    pass(3);
    expect(await codeOf()).toBe('valid');
    expect(verifier.problem).toBeUndefined();
  });

  test('refuses everything where there was never a manifest, until there is one', async () => {
    const { service, verifier, codeOf } = await start(offline);
    expect(await verifier.verify(DOCUMENT)).toEqual({
      valid: false,
      code: 'manifest_unavailable',
      detail: expect.stringMatching(/manifest/),
    });
    service.answer = manifestOf(1);
    expect(await codeOf()).toBe('manifest_unavailable');
    pass(3);
    expect(await codeOf()).toBe('valid');
  });

  test.each([
    ['up to how old a read may be', {}, [0, 3, 9, 21, 41, 61, 81]],
    ['to no less than 3 s', { maxAgeMs: 0 }, [0, 3, 6, 9, 12, 15, 18]],
    ['to no more than 30 s', { maxAgeMs: 3_600_000 }, [0, 3, 9, 21, 45, 75, 105]],
  ])('is asked after pauses that grow %s', async (_what, options, seconds) => {
    const { service, codeOf } = await start(offline, options);
    for (; service.readsAt.length < seconds.length && Date.now() < NOW + 200 * SECOND; pass(1))
      await codeOf();
    expect(service.readsAt).toEqual(seconds);
  });

  test('is asked after a short pause again once a read has succeeded', async () => {
    const { service, codeOf } = await start(offline);
    for (; service.readsAt.length < 4; pass(1)) await codeOf();
    service.answer = manifestOf(1);
    pass(20);
    expect(await codeOf()).toBe('valid');
    service.answer = offline;
    service.readsAt.length = 0;
    pass(20);
    for (; service.readsAt.length < 2; pass(1)) await codeOf();
    expect((service.readsAt[1] ?? 0) - (service.readsAt[0] ?? 0)).toBe(3);
  });

  test('delays the verifications of one moment by the time limit, and those of the pause not at all', async () => {
    let aborted = false;
    const { service, verifier, codeOf } = await start(
      (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => {});
      },
      { stored: manifestOf(1) },
    );
    let settled = 0;
    const verdicts = [codeOf(), codeOf(UNKNOWN)].map((verdict) => verdict.finally(() => settled++));
    await vi.advanceTimersByTimeAsync(1999);
    expect([settled, aborted]).toEqual([0, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await Promise.all(verdicts)).toEqual(['valid', 'unknown_key']);
    expect([aborted, verifier.problem?.code]).toEqual([true, 'manifest_unavailable']);
    // With a timer to wait for these would never come.
    expect([await codeOf(), await codeOf(UNKNOWN)]).toEqual(['valid', 'unknown_key']);
    pass(2.9);
    expect([await codeOf(), service.readsAt]).toEqual(['valid', [0]]);
  });

  test('is waited for as long as the application says', async () => {
    const { codeOf } = await start(silent, { stored: manifestOf(1), timeoutMs: 50 });
    const verdict = codeOf();
    await vi.advanceTimersByTimeAsync(50);
    expect(await verdict).toBe('valid');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('after unknown_key', () => {
  test('reads again, and accepts the documents of a key that is new', async () => {
    const { service, codeOf } = await start(manifestOf(1, [ANOTHER]));
    expect(await codeOf()).toBe('unknown_key');
    expect(service.readsAt).toEqual([0]);
    service.answer = manifestOf(2, [ANOTHER, ACTIVE]);
    pass(1);
    expect(await Promise.all([codeOf(), codeOf()])).toEqual(['valid', 'valid']);
    expect(service.readsAt).toEqual([0, 1]);
  });

  test('reads again once for all who ask at once, and each 5 s for all who go on', async () => {
    const { service, codeOf } = await start();
    await codeOf();
    pass(1);
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => codeOf(UNKNOWN)));
    expect([new Set(verdicts), service.readsAt]).toEqual([new Set(['unknown_key']), [0, 1]]);
    for (; Date.now() < NOW + 12 * SECOND; pass(1)) await codeOf(UNKNOWN);
    expect(service.readsAt).toEqual([0, 1, 6, 11]);
  });

  test('does not ask a service that has just failed', async () => {
    const { service, codeOf } = await start();
    await codeOf();
    service.answer = offline;
    pass(20);
    await codeOf();
    pass(1);
    expect(await codeOf(UNKNOWN)).toBe('unknown_key');
    expect(service.readsAt).toEqual([0, 20]);
  });

  test('is the only refusal of a document that reads again', async () => {
    const { service, codeOf } = await start(manifestOf(1, [COMPROMISED]));
    await codeOf();
    pass(1);
    expect([await codeOf(), await codeOf('nothing')]).toEqual(['key_compromised', 'malformed_document']);
    expect(service.readsAt).toEqual([0]);
  });
});

test('a manifest that expired before its time to be read again is replaced', async () => {
  const { service, codeOf } = await start(manifestOf(1), { maxAgeMs: 86_400_000 });
  await codeOf();
  pass(3600);
  service.answer = manifestOf(2, [ACTIVE], Date.now());
  expect(await codeOf()).toBe('valid');
});

test('a document is judged by what it is to be used for', async () => {
  const { verifier } = await start();
  expect(await verifier.verify(DOCUMENT, { scope: { product: 'demo-app' } })).toMatchObject({ valid: true });
  expect(await verifier.verify(DOCUMENT, { scope: { product: 'other' } })).toMatchObject({
    code: 'product_mismatch',
  });
});
