import { createPublicKey, verify } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createKmsClient, googlePublicKey, googleSigner, type KmsClient } from '../../infra/kms/google.ts';
import type { Fault } from '../../infra/local/kms/faults.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Signer } from '../../shared/ports/signer.ts';
import { copyOfTestKeys, startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';

/** How late an answer may be on a busy machine. */
const SLACK_MS = 4_000;

const MESSAGE = Buffer.from('a licence document');

const PASSING: readonly Fault['kind'][] = [
  'unavailable',
  'wrong_signature',
  'short_signature',
  'wrong_checksum',
  'wrong_name',
  'unverified',
];
const FINAL: readonly Fault['kind'][] = ['resource_exhausted', 'permission_denied'];

let kms: TestKms;
let client: KmsClient;
beforeAll(async () => {
  kms = await startTestKms();
  client = createKmsClient({ endpoint: kms.endpoint });
});
afterEach(() => kms.setFault(null));
afterAll(async () => {
  await client.close();
  await kms.stop();
});

const faultOf = (kind: Fault['kind']) => ({ kind }) as Fault;

async function signerOver(
  kmsClient: KmsClient,
  versionName: string,
  limits: { deadlineMs?: number; maxAttempts?: number } = {},
): Promise<Signer> {
  const publicKey = await googlePublicKey(client, versionName);
  return googleSigner(kmsClient, { versionName, publicKey, kid: 'test', ...limits });
}

async function verifies(versionName: string, bytes: Uint8Array): Promise<boolean> {
  const { algorithm, pem } = await googlePublicKey(client, versionName);
  const hash = ALGORITHMS[algorithm].kmsInput === 'sha256' ? 'sha256' : null;
  return verify(hash, MESSAGE, createPublicKey(pem), bytes);
}

async function failureOf(promise: Promise<unknown>): Promise<CountersignError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) throw new Error(`not a CountersignError: ${error}`);
  return error;
}

async function signsRequested(during: () => Promise<unknown>): Promise<number> {
  const before = (await kms.stats()).signs.requested;
  await during();
  return (await kms.stats()).signs.requested - before;
}

describe.each(Object.entries(TEST_KEYS))('%s', (_, versionName) => {
  test.each(PASSING)('%s, once: asked again, and the signature is right', async (kind) => {
    const signer = await signerOver(client, versionName);
    await kms.setFault(faultOf(kind), { times: 1 });
    const asked = await signsRequested(async () => {
      const { bytes } = await signer.sign(MESSAGE);
      expect(await verifies(versionName, bytes)).toBe(true);
    });
    expect(asked).toBe(2);
  });

  test.each(PASSING)('%s, always: unavailable after three attempts', async (kind) => {
    const signer = await signerOver(client, versionName);
    await kms.setFault(faultOf(kind));
    const asked = await signsRequested(async () => {
      const error = await failureOf(signer.sign(MESSAGE));
      expect(error.code).toBe('signing_unavailable');
      expect(error.retryAfterSeconds).toBeGreaterThan(0);
      expect((error.cause as AggregateError).errors).toHaveLength(3);
    });
    expect(asked).toBe(3);
  });

  test.each(FINAL)('%s: unavailable, not asked again', async (kind) => {
    const signer = await signerOver(client, versionName);
    await kms.setFault(faultOf(kind), { times: 1 });
    const asked = await signsRequested(async () => {
      const error = await failureOf(signer.sign(MESSAGE));
      expect(error.code).toBe('signing_unavailable');
      expect(error.retryAfterSeconds).toBeGreaterThan(0);
      expect(String(error.cause)).toContain(kind.toUpperCase());
    });
    expect(asked).toBe(1);
  });

  test('a slow KMS within the deadline is waited for', async () => {
    const signer = await signerOver(client, versionName);
    await kms.setFault({ kind: 'latency', ms: 300 }, { times: 1 });
    expect(await verifies(versionName, (await signer.sign(MESSAGE)).bytes)).toBe(true);
  });
});

test('the number of attempts can be set', async () => {
  const signer = await signerOver(client, TEST_KEYS.ed25519, { maxAttempts: 1 });
  await kms.setFault({ kind: 'wrong_signature' }, { times: 1 });
  const error = await failureOf(signer.sign(MESSAGE));
  expect((error.cause as Error).message).toContain('does not verify');
});

test('a KMS that takes 5 s is given up at the deadline', async () => {
  const signer = await signerOver(client, TEST_KEYS.ed25519, { deadlineMs: 400 });
  await kms.setFault({ kind: 'latency', ms: 5_000 });
  const start = performance.now();
  const error = await failureOf(signer.sign(MESSAGE));
  expect(error.code).toBe('signing_unavailable');
  expect(String(error.cause)).toContain('DEADLINE_EXCEEDED');
  expect(performance.now() - start).toBeLessThan(400 + SLACK_MS);
});

test('any number of attempts shares the one deadline', async () => {
  const signer = await signerOver(client, TEST_KEYS.ed25519, { deadlineMs: 600, maxAttempts: 100 });
  await kms.setFault({ kind: 'unavailable' });
  const start = performance.now();
  await failureOf(signer.sign(MESSAGE));
  expect(performance.now() - start).toBeLessThan(600 + SLACK_MS);
});

test('a port where nobody listens: unavailable, within the deadline', async () => {
  const nobody = createKmsClient({ endpoint: '127.0.0.1:1' });
  const signer = await signerOver(nobody, TEST_KEYS.ed25519, { deadlineMs: 1_000 });
  const start = performance.now();
  const error = await failureOf(signer.sign(MESSAGE));
  expect(String(error.cause)).toContain('UNAVAILABLE');
  expect(performance.now() - start).toBeLessThan(1_000 + SLACK_MS);
  await nobody.close();
});

test('a KMS that was killed and started again on its port signs again', async () => {
  const home = await copyOfTestKeys();
  const first = await startLocalKms({ home });
  const reconnecting = createKmsClient({ endpoint: `127.0.0.1:${first.port}` });
  const signer = await signerOver(reconnecting, TEST_KEYS.ed25519);
  await signer.sign(MESSAGE);
  first.kill('SIGKILL');
  await first.exited;
  expect((await failureOf(signer.sign(MESSAGE))).code).toBe('signing_unavailable');

  const second = await startLocalKms({ home, port: first.port });
  await expect.poll(() => signer.sign(MESSAGE), { timeout: 10_000 }).toBeDefined();
  await reconnecting.close();
  await second.stop();
});

test('credentials that cannot be read: unavailable, the process lives, and the next call looks again', async () => {
  const before = process.env.GOOGLE_APPLICATION_CREDENTIALS;
  process.env.GOOGLE_APPLICATION_CREDENTIALS = 'nonexistent/credentials.json';
  try {
    const real = createKmsClient({});
    for (const _ of ['first', 'second']) {
      const error = await failureOf(googlePublicKey(real, TEST_KEYS.ed25519, 2_000));
      expect(error.code).toBe('signing_unavailable');
      expect(String(error.cause)).toContain('UNAUTHENTICATED');
    }
    await real.close();
  } finally {
    if (before === undefined) delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
    else process.env.GOOGLE_APPLICATION_CREDENTIALS = before;
  }
});

test.each([
  ['an unknown version', 'NOT_FOUND', TEST_KEYS.ed25519.replace(/1$/, '99')],
  ['a malformed name', 'INVALID_ARGUMENT', 'license-ed25519'],
])('%s: unavailable, and only the cause tells the name', async (_, status, versionName) => {
  const publicKey = await googlePublicKey(client, TEST_KEYS.ed25519);
  const signer = googleSigner(client, { versionName, publicKey, kid: 'test' });
  const error = await failureOf(signer.sign(MESSAGE));
  expect(error.code).toBe('signing_unavailable');
  expect(error.message).not.toContain('license-ed25519');
  expect(String(error.cause)).toContain(status);
});

test('a signature of another key does not leave', async () => {
  const { pem } = await googlePublicKey(client, TEST_KEYS.ed25519);
  const impostor = { algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', pem } as const;
  const signer = googleSigner(client, { versionName: TEST_KEYS.rsa, publicKey: impostor, kid: 'test' });
  expect((await failureOf(signer.sign(MESSAGE))).code).toBe('signing_unavailable');
});
