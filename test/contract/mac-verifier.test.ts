import { createHmac } from 'node:crypto';
import { DisableKeyCommand, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAwsSdkClient } from '../../infra/kms/aws-client.ts';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { macKeyMaterial } from '../../infra/kms/mac-key-material.ts';
import { startTestKms, TEST_AWS_KEYS, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { macVerifierContract } from './mac-verifier.ts';
import { AWS, CLOUDS, type Cloud, failureOf, GOOGLE } from './mac-verifier-clouds.ts';

for (const cloud of CLOUDS) {
  macVerifierContract(cloud.name, async () => {
    const kms = await startTestKms();
    const { verifier, close } = cloud.connect(kms);
    let count = 0;
    return {
      async verifierOf(secret) {
        count += 1;
        return verifier({ key: await cloud.provision(kms, `license-hmac-${count}`, secret) });
      },
      maxMessageBytes: cloud.maxMessageBytes,
      asked: async () => cloud.asked(await kms.stats()),
      async close() {
        await close();
        await kms.stop();
      },
    };
  });
}

const SECRET = Buffer.alloc(32, 'secret');
const MESSAGE = Buffer.from('{"customer_id":"acme"}');
const RIGHT = createHmac('sha256', SECRET).update(MESSAGE).digest();

let kms: TestKms;
beforeAll(async () => {
  kms = await startTestKms();
});
afterEach(() => kms.setFault(null));
afterAll(() => kms.stop());

describe('keys that cannot tell: an error, never a verdict', () => {
  const google = () => GOOGLE.connect(kms);
  const aws = () => AWS.connect(kms);

  async function causeOf(connection: ReturnType<Cloud['connect']>, key: string): Promise<string> {
    const error = await failureOf(connection.verifier({ key }).verify(MESSAGE, RIGHT));
    await connection.close();
    return String(error.cause);
  }

  test.each([
    ['an unknown version', `${TEST_KEYS.ed25519}0`, 'NOT_FOUND'],
    ['a signing key', TEST_KEYS.ed25519, 'FAILED_PRECONDITION'],
    ['a malformed name', 'license-hmac', 'INVALID_ARGUMENT'],
  ])('Google, %s', async (_, key, status) => {
    expect(await causeOf(google(), key)).toContain(status);
  });

  test.each([
    ['an unknown alias', 'alias/nothing', 'NotFoundException'],
    ['an unknown key', 'nothing', 'NotFoundException'],
    ['a signing key', TEST_AWS_KEYS.ed25519, 'InvalidKeyUsageException'],
  ])('AWS, %s', async (_, key, errorName) => {
    expect(await causeOf(aws(), key)).toContain(errorName);
  });

  test('Google, a disabled version', async () => {
    const key = await GOOGLE.provision(kms, 'disabled-hmac', SECRET);
    const sdk = await createSdkClient(kms.endpoint);
    await sdk.updateCryptoKeyVersion({
      cryptoKeyVersion: { name: key, state: 'DISABLED' },
      updateMask: { paths: ['state'] },
    });
    await sdk.close();
    expect(await causeOf(google(), key)).toContain('FAILED_PRECONDITION');
  });

  test.each([
    ['a disabled key', 'DisabledException', DisableKeyCommand],
    ['a key pending deletion', 'KMSInvalidStateException', ScheduleKeyDeletionCommand],
  ])('AWS, %s', async (label, errorName, Command) => {
    const arn = await AWS.provision(kms, label.replaceAll(' ', '-'), SECRET);
    const sdk = await createAwsSdkClient(kms.awsEndpoint);
    await sdk.send(new Command({ KeyId: arn }));
    sdk.destroy();
    expect(await causeOf(aws(), arn)).toContain(errorName);
  });

  test('AWS takes the ARN, the id and the alias of a key, and refuses the answer of another', async () => {
    const arn = await AWS.provision(kms, 'named-three-ways', SECRET);
    const connection = aws();
    const id = arn.slice(-36);
    const alias = 'alias/named-three-ways';
    for (const key of [arn, id, alias, arn.replace(`key/${id}`, alias)]) {
      expect(await connection.verifier({ key }).verify(MESSAGE, RIGHT)).toBe(true);
    }
    await kms.setFault({ kind: 'wrong_name' }, { method: 'TrentService.VerifyMac' });
    for (const key of [arn, id]) {
      const verifier = connection.verifier({ key, maxAttempts: 1 });
      const error = await failureOf(verifier.verify(MESSAGE, RIGHT));
      expect(String(error.cause)).toContain('the answer names');
    }
    await connection.close();
  });
});

describe('macKeyMaterial', () => {
  test.each([33, 48, 64])('a secret of %i bytes has none', (length) => {
    expect(() => macKeyMaterial(Buffer.alloc(length, 1))).toThrow('a KMS can import');
  });

  test.each([1, 31, 32, 65, 200])('a secret of %i bytes makes the same tags', (length) => {
    const secret = Buffer.alloc(length, 1);
    const material = macKeyMaterial(secret);
    expect(material).toHaveLength(32);
    expect(createHmac('sha256', material).update(MESSAGE).digest()).toEqual(
      createHmac('sha256', secret).update(MESSAGE).digest(),
    );
  });
});
