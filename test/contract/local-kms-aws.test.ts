import { createHash, createPublicKey, verify } from 'node:crypto';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetPublicKeyCommand,
  type KMSClient,
  ScheduleKeyDeletionCommand,
  SignCommand,
  type SignCommandInput,
  UpdateAliasCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAwsSdkClient } from '../../infra/kms/aws-client.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { copyOfTestKeys, startTestKms, TEST_AWS_KEYS, type TestKms } from '../support/kms.ts';

const DATA = Buffer.from('data');
const DIGEST = createHash('sha256').update(DATA).digest();
const ED25519 = { MessageType: 'RAW', SigningAlgorithm: 'ED25519_SHA_512' } as const;
const RSA = { MessageType: 'DIGEST', SigningAlgorithm: 'RSASSA_PKCS1_V1_5_SHA_256' } as const;

let kms: TestKms;
let sdk: KMSClient;
beforeAll(async () => {
  kms = await startTestKms();
  sdk = await createAwsSdkClient(kms.awsEndpoint);
});
afterAll(async () => {
  sdk.destroy();
  await kms.stop();
});

const sign = (request: SignCommandInput) => sdk.send(new SignCommand(request));
const signEd25519 = (KeyId: string) => sign({ KeyId, Message: DATA, ...ED25519 });

async function publicKeyOf(client: KMSClient, keyId: string) {
  const { PublicKey, KeyId } = await client.send(new GetPublicKeyCommand({ KeyId: keyId }));
  const key = createPublicKey({ key: Buffer.from(PublicKey ?? []), format: 'der', type: 'spki' });
  return { key, arn: KeyId ?? '' };
}

async function newKey(client = sdk): Promise<string> {
  const command = new CreateKeyCommand({ KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' });
  return (await client.send(command)).KeyMetadata?.Arn ?? '';
}

describe('Sign', () => {
  test.each([
    ['Ed25519', null, { KeyId: TEST_AWS_KEYS.ed25519, Message: DATA, ...ED25519 }],
    ['RSA, a digest', 'sha256', { KeyId: TEST_AWS_KEYS.rsa, Message: DIGEST, ...RSA }],
    ['RSA, a message', 'sha256', { KeyId: TEST_AWS_KEYS.rsa, Message: DATA, ...RSA, MessageType: 'RAW' }],
  ] as const)(
    '%s: it verifies here and there, and the answer names key and algorithm',
    async (_, hash, request) => {
      const { key, arn } = await publicKeyOf(sdk, request.KeyId);
      const { $metadata, Signature, ...answer } = await sign(request);
      expect(verify(hash, DATA, key, Signature ?? Buffer.alloc(0))).toBe(true);
      expect(answer).toEqual({ KeyId: arn, SigningAlgorithm: request.SigningAlgorithm });
      const asked = await sdk.send(new VerifyCommand({ ...request, Signature }));
      expect(asked).toMatchObject({ KeyId: arn, SignatureValid: true });
      await expect(
        sdk.send(new VerifyCommand({ ...request, Signature: Buffer.alloc(64) })),
      ).rejects.toMatchObject({ name: 'KMSInvalidSignatureException' });
    },
  );

  test.each([
    ['4,097 bytes', 'ValidationException', { Message: Buffer.alloc(4097) }],
    ['an empty message', 'ValidationException', { Message: Buffer.alloc(0) }],
    ['a digest for Ed25519', 'ValidationException', { MessageType: 'DIGEST' }],
    ['a short digest', 'ValidationException', { KeyId: TEST_AWS_KEYS.rsa, ...RSA }],
    ['the algorithm of another key', 'InvalidKeyUsageException', { ...RSA }],
    ['the prehashed Ed25519', 'InvalidKeyUsageException', { SigningAlgorithm: 'ED25519_PH_SHA_512' }],
    ['an unknown alias', 'NotFoundException', { KeyId: 'alias/nothing' }],
    ['an alias out of the prototype', 'NotFoundException', { KeyId: 'alias/__proto__' }],
    ['an unknown key', 'NotFoundException', { KeyId: 'nothing' }],
  ] as const)('%s is refused', async (_, name, changes) => {
    const request = { KeyId: TEST_AWS_KEYS.ed25519, Message: DATA, ...ED25519, ...changes };
    await expect(sign(request)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } });
  });
});

describe('keys', () => {
  test('are created, described, and found by ARN and by id', async () => {
    const arn = await newKey();
    expect(arn).toMatch(/^arn:aws:kms:[a-z0-9-]+:\d{12}:key\/[0-9a-f-]{36}$/);
    for (const KeyId of [arn, arn.split('/')[1] ?? '']) {
      const { KeyMetadata } = await sdk.send(new DescribeKeyCommand({ KeyId }));
      expect(KeyMetadata).toMatchObject({ Arn: arn, KeyState: 'Enabled', KeySpec: 'ECC_NIST_EDWARDS25519' });
    }
  });

  test.each([
    { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' } as const,
    { KeySpec: 'RSA_4096', KeyUsage: 'ENCRYPT_DECRYPT' } as const,
    {},
  ])('%o is not served', async (request) => {
    await expect(sdk.send(new CreateKeyCommand(request))).rejects.toMatchObject({
      name: 'UnsupportedOperationException',
    });
  });

  test('disabled and enabled again', async () => {
    const KeyId = await newKey();
    await sdk.send(new DisableKeyCommand({ KeyId }));
    await expect(signEd25519(KeyId)).rejects.toMatchObject({ name: 'DisabledException' });
    await expect(publicKeyOf(sdk, KeyId)).rejects.toMatchObject({ name: 'DisabledException' });
    await sdk.send(new EnableKeyCommand({ KeyId }));
    await signEd25519(KeyId);
  });

  test('pending deletion is final', async () => {
    const KeyId = await newKey();
    await expect(
      sdk.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 6 })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
    const { DeletionDate } = await sdk.send(
      new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }),
    );
    expect((Number(DeletionDate) - Date.now()) / 86_400_000).toBeCloseTo(7, 1);
    for (const use of [
      () => signEd25519(KeyId),
      () => publicKeyOf(sdk, KeyId),
      () => sdk.send(new EnableKeyCommand({ KeyId })),
      () => sdk.send(new ScheduleKeyDeletionCommand({ KeyId })),
      () => sdk.send(new CreateAliasCommand({ AliasName: 'alias/late', TargetKeyId: KeyId })),
    ]) {
      await expect(use()).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
    }
  });

  test('an alias is created once and moves', async () => {
    const [first, second] = await Promise.all([newKey(), newKey()]);
    const AliasName = 'alias/moving';
    const create = () => sdk.send(new CreateAliasCommand({ AliasName, TargetKeyId: first }));
    const move = (name: string) => sdk.send(new UpdateAliasCommand({ AliasName: name, TargetKeyId: second }));
    await create();
    expect((await signEd25519(AliasName)).KeyId).toBe(first);
    await expect(create()).rejects.toMatchObject({ name: 'AlreadyExistsException' });
    await move(AliasName);
    expect((await signEd25519(AliasName)).KeyId).toBe(second);
    await expect(move('alias/nothing')).rejects.toMatchObject({ name: 'NotFoundException' });
    await expect(
      sdk.send(new CreateAliasCommand({ AliasName: 'alias/aws/s3', TargetKeyId: first })),
    ).rejects.toMatchObject({ name: 'InvalidAliasNameException' });
  });
});

describe('the wire', () => {
  const post = async (headers: Record<string, string>, body: string) => {
    const response = await fetch(kms.awsEndpoint, { method: 'POST', headers, body });
    const { __type } = (await response.json()) as { __type: string };
    return [response.status, __type];
  };
  const target = { 'x-amz-target': 'TrentService.DescribeKey' };
  const authorization = { authorization: 'AWS4-HMAC-SHA256' };

  test('another operation, no signature, no JSON', async () => {
    expect(await post({ 'x-amz-target': 'TrentService.__proto__', ...authorization }, '{}')).toEqual([
      400,
      'UnknownOperationException',
    ]);
    expect(await post(target, '{}')).toEqual([400, 'MissingAuthenticationTokenException']);
    for (const body of ['', '{', 'null', '1']) {
      expect(await post({ ...target, ...authorization }, body)).toEqual([400, 'SerializationException']);
    }
    expect(await post({ ...target, ...authorization }, '{"KeyId":1}')).toEqual([400, 'ValidationException']);
  });
});

test('keys and aliases survive kill -9 and a restart', async () => {
  const home = await copyOfTestKeys();
  const first = await startLocalKms({ home });
  const before = await createAwsSdkClient(`http://127.0.0.1:${first.awsPort}`);
  const arn = await newKey(before);
  const { key } = await publicKeyOf(before, arn);
  await before.send(new UpdateAliasCommand({ AliasName: TEST_AWS_KEYS.ed25519, TargetKeyId: arn }));
  first.kill('SIGKILL');
  await first.exited;

  const second = await startLocalKms({ home });
  const after = await createAwsSdkClient(`http://127.0.0.1:${second.awsPort}`);
  const { Signature, KeyId } = await after.send(
    new SignCommand({ KeyId: TEST_AWS_KEYS.ed25519, Message: DATA, ...ED25519 }),
  );
  expect(KeyId).toBe(arn);
  expect(verify(null, DATA, key, Signature ?? Buffer.alloc(0))).toBe(true);
  for (const client of [before, after]) client.destroy();
  await second.stop();
});

test('a port in use is refused with a sentence', async () => {
  const home = await copyOfTestKeys();
  await expect(startLocalKms({ home, awsPort: kms.awsPort })).rejects.toThrow(
    /cannot listen on 127\.0\.0\.1:\d+ .*set LOCAL_KMS_AWS_PORT/,
  );
});
