import { createPublicKey, verify } from 'node:crypto';
import { DisableKeyCommand, type KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AwsKmsClient, awsPublicKey, awsSigner, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { createAwsSdkClient } from '../../infra/kms/aws-client.ts';
import { provisionAwsKeys } from '../../infra/local/kms/aws/provision.ts';
import type { Fault, FaultOptions } from '../../infra/local/kms/faults.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { CountersignError } from '../../shared/errors.ts';
import { copyOfTestKeys, startTestKms, TEST_AWS_KEYS, type TestKms } from '../support/kms.ts';

/** How late an answer may be on a busy machine. */
const SLACK_MS = 4_000;

const MESSAGE = Buffer.from('a licence document');

const PASSING: readonly Fault['kind'][] = [
  'unavailable',
  'resource_exhausted',
  'wrong_signature',
  'short_signature',
  'wrong_name',
  'wrong_algorithm',
];

let kms: TestKms;
let client: AwsKmsClient;
let sdk: KMSClient;
beforeAll(async () => {
  kms = await startTestKms();
  client = createAwsKmsClient({ endpoint: kms.awsEndpoint });
  sdk = await createAwsSdkClient(kms.awsEndpoint);
});
afterEach(() => kms.setFault(null));
afterAll(async () => {
  sdk.destroy();
  await client.close();
  await kms.stop();
});

const setFault = (fault: Fault, options: FaultOptions = {}) =>
  kms.setFault(fault, { method: 'TrentService.Sign', ...options });
const faultOf = (kind: Fault['kind']) => ({ kind }) as Fault;

async function signerOver(
  awsClient: AwsKmsClient,
  keyId: string,
  limits: { deadlineMs?: number; maxAttempts?: number } = {},
) {
  const publicKey = await awsPublicKey(client, keyId);
  const signer = awsSigner(awsClient, { keyId, publicKey, kid: 'test', ...limits });
  const hash = ALGORITHMS[publicKey.algorithm].kmsInput === 'sha256' ? 'sha256' : null;
  return {
    sign: (message: Uint8Array) => signer.sign(message),
    verifies: (bytes: Uint8Array) => verify(hash, MESSAGE, createPublicKey(publicKey.pem), bytes),
  };
}

async function failureOf(promise: Promise<unknown>): Promise<CountersignError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) throw new Error(`not a CountersignError: ${error}`);
  expect(error.code).toBe('signing_unavailable');
  expect(error.retryAfterSeconds).toBeGreaterThan(0);
  expect(error.message).not.toMatch(/arn:|alias|license-/);
  return error;
}

async function signsRequested(during: () => Promise<unknown>): Promise<number> {
  const before = (await kms.stats()).aws.signs.requested;
  await during();
  return (await kms.stats()).aws.signs.requested - before;
}

describe.each(Object.entries(TEST_AWS_KEYS))('%s', (_, keyId) => {
  test.each(PASSING)('%s, once: asked again, and the signature is right', async (kind) => {
    const { sign, verifies } = await signerOver(client, keyId);
    await setFault(faultOf(kind), { times: 1 });
    const asked = await signsRequested(async () => expect(verifies((await sign(MESSAGE)).bytes)).toBe(true));
    expect(asked).toBe(2);
  });

  test.each(PASSING)('%s, always: unavailable after three attempts', async (kind) => {
    const { sign } = await signerOver(client, keyId);
    await setFault(faultOf(kind));
    const asked = await signsRequested(async () => {
      const error = await failureOf(sign(MESSAGE));
      expect((error.cause as AggregateError).errors).toHaveLength(3);
    });
    expect(asked).toBe(3);
  });

  test('permission_denied: unavailable, not asked again', async () => {
    const { sign } = await signerOver(client, keyId);
    await setFault({ kind: 'permission_denied' }, { times: 1 });
    const asked = await signsRequested(async () => {
      const error = await failureOf(sign(MESSAGE));
      expect(error.message).toContain('denied access');
      expect(String(error.cause)).toContain('AccessDeniedException');
    });
    expect(asked).toBe(1);
  });

  test('a slow KMS within the deadline is waited for', async () => {
    const { sign, verifies } = await signerOver(client, keyId);
    await setFault({ kind: 'latency', ms: 300 }, { times: 1 });
    expect(verifies((await sign(MESSAGE)).bytes)).toBe(true);
  });

  test.each(['wrong_name', 'wrong_algorithm'] as const)('%s for a public key: no key', async (kind) => {
    const { keyArn } = await awsPublicKey(client, keyId);
    await setFault({ kind }, { method: 'TrentService.GetPublicKey' });
    await failureOf(awsPublicKey(client, keyArn));
  });
});

describe('what cannot be signed', () => {
  test('a message over 4,096 bytes with Ed25519: a clear error, and nothing is sent', async () => {
    const { sign } = await signerOver(client, TEST_AWS_KEYS.ed25519);
    const asked = await signsRequested(async () => {
      const error = await failureOf(sign(new Uint8Array(4097)));
      expect(error.message).toContain('too long');
      expect(String(error.cause)).toContain('4097 bytes');
    });
    expect(asked).toBe(0);
  });

  test('RSA signs the digest, so length does not matter', async () => {
    const { sign } = await signerOver(client, TEST_AWS_KEYS.rsa);
    expect((await sign(new Uint8Array(100_000))).bytes).toHaveLength(512);
  });

  test.each([
    ['a disabled key', 'DisabledException', 'is disabled', DisableKeyCommand],
    ['a key pending deletion', 'KMSInvalidStateException', 'pending deletion', ScheduleKeyDeletionCommand],
  ])('%s: not asked again', async (label, errorName, detail, Command) => {
    const alias = `alias/${label.replaceAll(' ', '-')}`;
    await provisionAwsKeys(kms.awsEndpoint, [{ alias, keySpec: 'ECC_NIST_EDWARDS25519' }]);
    const { keyArn } = await awsPublicKey(client, alias);
    const { sign } = await signerOver(client, alias);
    await sdk.send(new Command({ KeyId: keyArn }));
    const asked = await signsRequested(async () => {
      const error = await failureOf(sign(MESSAGE));
      expect(error.message).toContain(detail);
      expect(String(error.cause)).toContain(errorName);
    });
    expect(asked).toBe(1);
    expect(String((await failureOf(awsPublicKey(client, keyArn))).cause)).toContain(errorName);
  });

  test.each(['alias/nothing', 'nothing'])('%s does not exist', async (keyId) => {
    const error = await failureOf(awsPublicKey(client, keyId));
    expect(error.message).toContain('does not exist');
    expect(String(error.cause)).toContain('NotFoundException');
  });
});

describe('limits', () => {
  test('the number of attempts can be set', async () => {
    const { sign } = await signerOver(client, TEST_AWS_KEYS.ed25519, { maxAttempts: 1 });
    await setFault({ kind: 'wrong_signature' }, { times: 1 });
    expect(String((await failureOf(sign(MESSAGE))).cause)).toContain('does not verify');
  });

  test('a KMS that takes 5 s is given up at the deadline', async () => {
    const { sign } = await signerOver(client, TEST_AWS_KEYS.ed25519, { deadlineMs: 400 });
    await setFault({ kind: 'latency', ms: 5_000 });
    const start = performance.now();
    expect(String((await failureOf(sign(MESSAGE))).cause)).toContain('TimedOut');
    expect(performance.now() - start).toBeLessThan(400 + SLACK_MS);
  });

  test('any number of attempts shares the one deadline', async () => {
    const { sign } = await signerOver(client, TEST_AWS_KEYS.ed25519, { deadlineMs: 600, maxAttempts: 100 });
    await setFault({ kind: 'unavailable' });
    const start = performance.now();
    await failureOf(sign(MESSAGE));
    expect(performance.now() - start).toBeLessThan(600 + SLACK_MS);
  });

  test('a port where nobody listens: unavailable, within the deadline', async () => {
    const nobody = createAwsKmsClient({ endpoint: 'http://127.0.0.1:1' });
    const { sign } = await signerOver(nobody, TEST_AWS_KEYS.ed25519, { deadlineMs: 1_000 });
    const start = performance.now();
    expect(String((await failureOf(sign(MESSAGE))).cause)).toContain('Unreachable');
    expect(performance.now() - start).toBeLessThan(1_000 + SLACK_MS);
    await nobody.close();
  });

  test('a KMS that was killed and started again on its port signs again', async () => {
    const home = await copyOfTestKeys();
    const first = await startLocalKms({ home });
    const reconnecting = createAwsKmsClient({ endpoint: `http://127.0.0.1:${first.awsPort}` });
    const { sign, verifies } = await signerOver(reconnecting, TEST_AWS_KEYS.ed25519);
    await sign(MESSAGE);
    first.kill('SIGKILL');
    await first.exited;
    await failureOf(sign(MESSAGE));

    const second = await startLocalKms({ home, awsPort: first.awsPort });
    expect(verifies((await sign(MESSAGE)).bytes)).toBe(true);
    await reconnecting.close();
    await second.stop();
  });
});
