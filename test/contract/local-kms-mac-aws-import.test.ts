/** How key material is imported on the AWS side of the local KMS, asked through AWS's own client. */

import { constants, createHmac, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  GetParametersForImportCommand,
  type GetParametersForImportCommandInput,
  ImportKeyMaterialCommand,
  type ImportKeyMaterialCommandInput,
  type KMSClient,
  ScheduleKeyDeletionCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAwsSdkClient } from '../../infra/kms/aws-client.ts';
import { createAwsImports } from '../../infra/local/kms/aws/imports.ts';
import { createAwsKeys } from '../../infra/local/kms/aws/keys.ts';
import { provisionAwsMacKey } from '../../infra/local/kms/aws/provision-mac.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import { openStorage } from '../../infra/local/kms/storage.ts';
import { copyOfTestKeys, startTestKms, TEST_AWS_KEYS, type TestKms } from '../support/kms.ts';

const DATA = Buffer.from('data');
const SECRET = randomBytes(32);
const TAG = createHmac('sha256', SECRET).update(DATA).digest();
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
const stateOf = async (KeyId: string) =>
  (await sdk.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata?.KeyState;

async function newExternalKey(client = sdk): Promise<string> {
  return (await client.send(new CreateKeyCommand(EXTERNAL))).KeyMetadata?.Arn ?? '';
}

const parametersFor = (KeyId: string, changes: Partial<GetParametersForImportCommandInput> = {}) =>
  sdk.send(
    new GetParametersForImportCommand({
      KeyId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_2048',
      ...changes,
    }),
  );

function wrap(spki: Uint8Array | undefined, secret: Uint8Array, oaepHash = 'sha256'): Buffer {
  const key = createPublicKey({ key: Buffer.from(spki ?? []), format: 'der', type: 'spki' });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, secret);
}

/** A request that imports `secret`; `changes` break it. */
async function importRequest(KeyId: string, secret: Uint8Array): Promise<ImportKeyMaterialCommandInput> {
  const { ImportToken, PublicKey } = await parametersFor(KeyId);
  return {
    KeyId,
    ImportToken,
    EncryptedKeyMaterial: wrap(PublicKey, secret),
    ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
  };
}
const importMaterial = (request: ImportKeyMaterialCommandInput) =>
  sdk.send(new ImportKeyMaterialCommand(request));

describe('import', () => {
  test.each([
    ['RSA_2048', 2048],
    ['RSA_3072', 3072],
    ['RSA_4096', 4096],
  ] as const)('%s: a key of %i bits wraps for a day, and what it wrapped verifies', async (spec, bits) => {
    const KeyId = await newExternalKey();
    const answer = await parametersFor(KeyId, { WrappingKeySpec: spec });
    expect(answer.KeyId).toBe(KeyId);
    expect((Number(answer.ParametersValidTo) - Date.now()) / 3_600_000).toBeCloseTo(24, 0);
    const key = createPublicKey({
      key: Buffer.from(answer.PublicKey ?? []),
      format: 'der',
      type: 'spki',
    });
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(bits);
    const { KeyId: answered } = await importMaterial({
      KeyId,
      ImportToken: answer.ImportToken,
      EncryptedKeyMaterial: wrap(answer.PublicKey, SECRET),
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    });
    expect(answered).toBe(KeyId);
    expect((await verify(KeyId)).MacValid).toBe(true);
  });

  test('a key waits for its material: described, named, but not usable', async () => {
    const KeyId = await newExternalKey();
    const { KeyMetadata } = await sdk.send(new DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata).toMatchObject({
      KeyState: 'PendingImport',
      Enabled: false,
      Origin: 'EXTERNAL',
      KeyUsage: 'GENERATE_VERIFY_MAC',
      MacAlgorithms: ['HMAC_SHA_256'],
    });
    expect(KeyMetadata).not.toHaveProperty('SigningAlgorithms');
    await sdk.send(new CreateAliasCommand({ AliasName: 'alias/waiting', TargetKeyId: KeyId }));
    for (const use of [
      () => verify('alias/waiting'),
      () => sdk.send(new EnableKeyCommand({ KeyId })),
      () => sdk.send(new DisableKeyCommand({ KeyId })),
    ]) {
      await expect(use()).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
    }
    await importMaterial(await importRequest(KeyId, SECRET));
    expect((await sdk.send(new DescribeKeyCommand({ KeyId }))).KeyMetadata).toMatchObject({
      KeyState: 'Enabled',
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    });
  });

  test('a key takes one secret in its life, again and again', async () => {
    await importMaterial(await importRequest(imported, SECRET));
    const other = await importRequest(imported, randomBytes(32));
    await expect(importMaterial(other)).rejects.toMatchObject({ name: 'IncorrectKeyMaterialException' });
    expect((await verify(imported)).MacValid).toBe(true);
  });

  test('what is not wrapped as asked, does not fit, or goes elsewhere is refused', async () => {
    const [KeyId, otherKey] = await Promise.all([newExternalKey(), newExternalKey()]);
    const good = await importRequest(KeyId, SECRET);
    const { PublicKey, ImportToken } = await parametersFor(KeyId);
    for (const [name, changes] of [
      ['InvalidCiphertextException', { ImportToken }],
      ['InvalidCiphertextException', { ImportToken, EncryptedKeyMaterial: wrap(PublicKey, SECRET, 'sha1') }],
      ['InvalidCiphertextException', { EncryptedKeyMaterial: SECRET }],
      [
        'IncorrectKeyMaterialException',
        { ImportToken, EncryptedKeyMaterial: wrap(PublicKey, SECRET.subarray(1)) },
      ],
      ['InvalidImportTokenException', { ImportToken: Buffer.from('__proto__') }],
      ['InvalidImportTokenException', { KeyId: otherKey }],
      ['UnsupportedOperationException', { KeyId: await rsaKey() }],
      ['NotFoundException', { KeyId: 'alias/imported' }],
      ['ValidationException', { ExpirationModel: undefined }],
      ['ValidationException', { ValidTo: new Date() }],
      [
        'UnsupportedOperationException',
        { ExpirationModel: 'KEY_MATERIAL_EXPIRES' as const, ValidTo: new Date() },
      ],
    ] as const) {
      await expect(importMaterial({ ...good, ...changes })).rejects.toMatchObject({
        name,
        $metadata: { httpStatusCode: 400 },
      });
    }
    expect(await stateOf(KeyId)).toBe('PendingImport');
    await importMaterial(good);
    expect(await stateOf(KeyId)).toBe('Enabled');
  });

  const rsaKey = async () =>
    (await sdk.send(new DescribeKeyCommand({ KeyId: TEST_AWS_KEYS.rsa }))).KeyMetadata?.KeyId ?? '';

  test.each([
    ['another algorithm', { WrappingAlgorithm: 'RSAES_OAEP_SHA_1' }],
    ['another key spec', { WrappingKeySpec: 'SM2' }],
  ] as const)('parameters with %s are not served', async (_, changes) => {
    await expect(parametersFor(await newExternalKey(), changes)).rejects.toMatchObject({
      name: 'UnsupportedOperationException',
    });
  });

  test('a token is good for 24 hours', async () => {
    const home = await mkdtemp(join(tmpdir(), 'countersign-import-'));
    const storage = openStorage(home);
    let now = 0;
    const keys = createAwsKeys(storage, () => now);
    const imports = createAwsImports(storage, keys, () => now);
    const request = { keySpec: 'HMAC_256', keyUsage: 'GENERATE_VERIFY_MAC', origin: 'EXTERNAL' };
    const { arn } = await keys.create(request);
    const { token, spki } = await imports.parameters(arn, 'RSAES_OAEP_SHA_256', 'RSA_2048');
    const wrapped = wrap(spki, SECRET);
    now = 24 * 3_600_000;
    expect(() => imports.importMaterial(arn, token, wrapped)).toThrow('expired');
    now -= 1;
    expect(imports.importMaterial(arn, token, wrapped)).toBe(arn);
    storage.release();
    rmSync(home, { recursive: true });
  });

  test('a key pending deletion takes no material', async () => {
    const KeyId = await newExternalKey();
    const request = await importRequest(KeyId, SECRET);
    await sdk.send(new ScheduleKeyDeletionCommand({ KeyId }));
    for (const use of [() => parametersFor(KeyId), () => importMaterial(request)]) {
      await expect(use()).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
    }
  });

  test('a secret and an import token survive kill -9 and a restart', async () => {
    const home = await copyOfTestKeys();
    const first = await startLocalKms({ home });
    const firstEndpoint = `http://127.0.0.1:${first.awsPort}`;
    const KeyId = await provisionAwsMacKey(firstEndpoint, { alias: 'alias/durable', secret: SECRET });
    const before = await createAwsSdkClient(firstEndpoint);
    const waiting = await newExternalKey(before);
    const { ImportToken, PublicKey } = await before.send(
      new GetParametersForImportCommand({
        KeyId: waiting,
        WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
        WrappingKeySpec: 'RSA_2048',
      }),
    );
    first.kill('SIGKILL');
    await first.exited;

    const second = await startLocalKms({ home });
    const after = await createAwsSdkClient(`http://127.0.0.1:${second.awsPort}`);
    await after.send(
      new ImportKeyMaterialCommand({
        KeyId: waiting,
        ImportToken,
        EncryptedKeyMaterial: wrap(PublicKey, SECRET),
        ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
      }),
    );
    for (const key of [KeyId, waiting]) {
      expect((await after.send(new VerifyMacCommand({ KeyId: key, ...RIGHT }))).MacValid).toBe(true);
    }
    for (const client of [before, after]) client.destroy();
    await second.stop();
  });

  test('provisioning twice keeps the first secret', async () => {
    const key = { alias: 'alias/imported', secret: randomBytes(32) };
    expect(await provisionAwsMacKey(kms.awsEndpoint, key)).toBe(imported);
    expect((await verify(imported)).MacValid).toBe(true);
  });
});
