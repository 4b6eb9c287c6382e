/**
 * Makes sure that a MAC key with a given secret exists on the AWS side of a local KMS, importing it like an operator
 * would. For the local stack and for tests; in a cloud the operator imports it.
 */

import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type { KMSClient } from '@aws-sdk/client-kms';
import { createAwsSdkClient } from '../../../kms/aws-client.ts';
import { macKeyMaterial } from '../../../kms/mac-key-material.ts';

export interface AwsMacKeyToProvision {
  /** `alias/…` */
  readonly alias: string;
  /** Up to 32 bytes, or more than 64. */
  readonly secret: Uint8Array;
}

/**
 * Creates the key, imports its secret and names it, unless the alias exists.
 *
 * @returns the key's ARN.
 */
export async function provisionAwsMacKey(endpoint: string, key: AwsMacKeyToProvision): Promise<string> {
  const client = await createAwsSdkClient(endpoint);
  try {
    return (await arnOf(client, key.alias)) ?? (await create(client, key));
  } finally {
    client.destroy();
  }
}

async function arnOf(client: KMSClient, alias: string): Promise<string | undefined> {
  const { DescribeKeyCommand, NotFoundException } = await import('@aws-sdk/client-kms');
  try {
    return (await client.send(new DescribeKeyCommand({ KeyId: alias }))).KeyMetadata?.Arn;
  } catch (error) {
    if (error instanceof NotFoundException) return undefined;
    throw error;
  }
}

/** The alias comes last: a key that has it has its secret too. */
async function create(client: KMSClient, { alias, secret }: AwsMacKeyToProvision): Promise<string> {
  const { CreateAliasCommand, CreateKeyCommand } = await import('@aws-sdk/client-kms');
  const material = macKeyMaterial(secret);
  const { KeyMetadata } = await client.send(
    new CreateKeyCommand({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC', Origin: 'EXTERNAL' }),
  );
  const arn = KeyMetadata?.Arn ?? '';
  await importMaterial(client, arn, material);
  await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }));
  return arn;
}

async function importMaterial(client: KMSClient, KeyId: string, material: Buffer): Promise<void> {
  const { GetParametersForImportCommand, ImportKeyMaterialCommand } = await import('@aws-sdk/client-kms');
  const { ImportToken, PublicKey = new Uint8Array() } = await client.send(
    new GetParametersForImportCommand({
      KeyId,
      WrappingAlgorithm: 'RSAES_OAEP_SHA_256',
      WrappingKeySpec: 'RSA_3072',
    }),
  );
  const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' });
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  await client.send(
    new ImportKeyMaterialCommand({
      KeyId,
      ImportToken,
      EncryptedKeyMaterial: publicEncrypt({ key, ...padding }, material),
      ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE',
    }),
  );
}
