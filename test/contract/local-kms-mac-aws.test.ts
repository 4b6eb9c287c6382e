/** MAC keys on the AWS side of the local KMS, asked through AWS's own client. */

import { createHmac, randomBytes } from 'node:crypto';
import {
  CancelKeyDeletionCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  EnableKeyCommand,
  GenerateMacCommand,
  GetPublicKeyCommand,
  type KMSClient,
  ListAliasesCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAwsSdkClient } from '../../infra/kms/aws-client.ts';
import { provisionAwsMacKey } from '../../infra/local/kms/aws/provision-mac.ts';
import { startTestKms, TEST_AWS_KEYS, type TestKms } from '../support/kms.ts';

const DATA = Buffer.from('data');
const SECRET = randomBytes(32);
const TAG = createHmac('sha256', SECRET).update(DATA).digest();
const OTHER_TAG = createHmac('sha256', SECRET).update('other').digest();
const RIGHT = { Message: DATA, Mac: TAG, MacAlgorithm: 'HMAC_SHA_256' } as const;
const EXTERNAL = { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC', Origin: 'EXTERNAL' } as const;

let kms: TestKms;
let sdk: KMSClient;
/** The key that holds SECRET. */
let imported: string;
beforeAll(async () => {
  kms = await startTestKms();
  sdk = await createAwsSdkClient(kms.awsEndpoint);
  imported = await provisionAwsMacKey(kms.awsEndpoint, { alias: 'alias/imported', secret: SECRET });
});
afterAll(async () => {
  sdk.destroy();
  await kms.stop();
});

const verify = (KeyId: string) => sdk.send(new VerifyMacCommand({ KeyId, ...RIGHT }));

describe('VerifyMac and GenerateMac', () => {
  test('a right MAC is answered with key, algorithm and verdict', async () => {
    const { $metadata, ...answer } = await verify('alias/imported');
    expect(answer).toEqual({ KeyId: imported, MacValid: true, MacAlgorithm: 'HMAC_SHA_256' });
  });

  test.each([
    ['of another message', OTHER_TAG],
    ['of 31 bytes', TAG.subarray(1)],
    ['of 64 bytes', Buffer.concat([TAG, TAG])],
  ])('a MAC %s is an error', async (_, Mac) => {
    await expect(sdk.send(new VerifyMacCommand({ KeyId: imported, ...RIGHT, Mac }))).rejects.toMatchObject({
      name: 'KMSInvalidMacException',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('GenerateMac makes the tag that node:crypto makes with the imported secret', async () => {
    const { $metadata, ...answer } = await sdk.send(
      new GenerateMacCommand({ KeyId: imported, Message: DATA, MacAlgorithm: 'HMAC_SHA_256' }),
    );
    const { Mac, ...named } = answer;
    expect(Buffer.from(Mac ?? [])).toEqual(TAG);
    expect(named).toEqual({ KeyId: imported, MacAlgorithm: 'HMAC_SHA_256' });
  });

  test.each([
    ['4,097 bytes', 'ValidationException', { Message: Buffer.alloc(4097) }],
    ['an empty message', 'ValidationException', { Message: Buffer.alloc(0) }],
    ['an empty MAC', 'ValidationException', { Mac: Buffer.alloc(0) }],
    ['another algorithm', 'InvalidKeyUsageException', { MacAlgorithm: 'HMAC_SHA_512' }],
    ['a signing key', 'InvalidKeyUsageException', { KeyId: TEST_AWS_KEYS.ed25519 }],
    ['an unknown key', 'NotFoundException', { KeyId: 'nothing' }],
  ] as const)('%s is refused', async (_, name, changes) => {
    const request = { KeyId: imported, ...RIGHT, ...changes };
    await expect(sdk.send(new VerifyMacCommand(request))).rejects.toMatchObject({ name });
  });

  test('a MAC key neither signs nor has a public key', async () => {
    const signing = { MessageType: 'RAW', SigningAlgorithm: 'ED25519_SHA_512' } as const;
    await expect(
      sdk.send(new SignCommand({ KeyId: imported, Message: DATA, ...signing })),
    ).rejects.toMatchObject({ name: 'InvalidKeyUsageException' });
    await expect(sdk.send(new GetPublicKeyCommand({ KeyId: imported }))).rejects.toMatchObject({
      name: 'UnsupportedOperationException',
    });
  });

  test('a generated key makes tags that it accepts, and that another key refuses', async () => {
    const { KeyMetadata } = await sdk.send(new CreateKeyCommand({ ...EXTERNAL, Origin: 'AWS_KMS' }));
    expect(KeyMetadata).toMatchObject({ Origin: 'AWS_KMS', KeyState: 'Enabled' });
    const { Mac } = await sdk.send(new GenerateMacCommand({ ...RIGHT, KeyId: KeyMetadata?.Arn }));
    const request = { ...RIGHT, Mac, KeyId: KeyMetadata?.Arn };
    expect((await sdk.send(new VerifyMacCommand(request))).MacValid).toBe(true);
    await expect(sdk.send(new VerifyMacCommand({ ...request, KeyId: imported }))).rejects.toMatchObject({
      name: 'KMSInvalidMacException',
    });
  });
});

describe('the life of a key', () => {
  test('a deletion that is cancelled leaves the key disabled, with its secret', async () => {
    const alias = 'alias/deleted';
    const KeyId = await provisionAwsMacKey(kms.awsEndpoint, { alias, secret: SECRET });
    const cancel = () => sdk.send(new CancelKeyDeletionCommand({ KeyId }));
    await expect(cancel()).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
    await sdk.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
    await expect(verify(KeyId)).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
    expect((await cancel()).KeyId).toBe(KeyId);
    const { KeyMetadata } = await sdk.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata).toMatchObject({ KeyState: 'Disabled' });
    expect(KeyMetadata?.DeletionDate).toBeUndefined();
    await sdk.send(new EnableKeyCommand({ KeyId }));
    expect((await verify(KeyId)).MacValid).toBe(true);
  });

  test('a deletion that is cancelled before an import leaves the key waiting', async () => {
    const { KeyMetadata } = await sdk.send(new CreateKeyCommand(EXTERNAL));
    const KeyId = KeyMetadata?.KeyId ?? '';
    await sdk.send(new ScheduleKeyDeletionCommand({ KeyId }));
    await sdk.send(new CancelKeyDeletionCommand({ KeyId }));
    const described = await sdk.send(new DescribeKeyCommand({ KeyId }));
    expect(described.KeyMetadata?.KeyState).toBe('PendingImport');
  });

  test('aliases are listed, all of them or those of one key', async () => {
    const id = imported.slice(-36);
    const expected = {
      AliasName: 'alias/imported',
      AliasArn: imported.replace(`key/${id}`, 'alias/imported'),
      TargetKeyId: id,
    };
    const { Aliases, Truncated } = await sdk.send(new ListAliasesCommand({ KeyId: imported }));
    expect(Aliases).toEqual([expected]);
    expect(Truncated).toBe(false);
    const all = (await sdk.send(new ListAliasesCommand({}))).Aliases ?? [];
    expect(all).toContainEqual(expected);
    expect(all.map(({ AliasName }) => AliasName)).toEqual(
      expect.arrayContaining(Object.values(TEST_AWS_KEYS)),
    );
    await expect(sdk.send(new ListAliasesCommand({ KeyId: 'nothing' }))).rejects.toMatchObject({
      name: 'NotFoundException',
    });
  });

  test.each([
    { ...EXTERNAL, KeyUsage: 'SIGN_VERIFY' } as const,
    { ...EXTERNAL, KeySpec: 'HMAC_512' } as const,
    { ...EXTERNAL, Origin: 'AWS_CLOUDHSM' } as const,
    { KeySpec: 'RSA_4096', KeyUsage: 'SIGN_VERIFY', Origin: 'EXTERNAL' } as const,
    { KeySpec: 'RSA_4096', KeyUsage: 'GENERATE_VERIFY_MAC' } as const,
  ])('%o is not served', async (request) => {
    await expect(sdk.send(new CreateKeyCommand(request))).rejects.toMatchObject({
      name: 'UnsupportedOperationException',
    });
  });
});
