/**
 * Makes sure that keys exist on the AWS side of a local KMS, asking it like an operator would. For the local
 * stack and for tests; in a cloud Terraform owns the keys.
 */

import type { KMSClient } from '@aws-sdk/client-kms';
import { createAwsSdkClient } from '../../../kms/aws-client.ts';
import { AWS_KEY_SPECS, type AwsKeySpecName } from './key-specs.ts';

export interface AwsKeyToProvision {
  /** `alias/…` */
  readonly alias: string;
  readonly keySpec: AwsKeySpecName;
}

/** Creates the keys whose alias is missing; what exists stays as it is. */
export async function provisionAwsKeys(endpoint: string, keys: readonly AwsKeyToProvision[]): Promise<void> {
  const client = await createAwsSdkClient(endpoint);
  try {
    await Promise.all(keys.map((key) => provision(client, key)));
  } finally {
    client.destroy();
  }
}

async function provision(client: KMSClient, { alias, keySpec }: AwsKeyToProvision): Promise<void> {
  const { CreateAliasCommand, CreateKeyCommand, DescribeKeyCommand, NotFoundException } = await import(
    '@aws-sdk/client-kms'
  );
  try {
    await client.send(new DescribeKeyCommand({ KeyId: alias }));
  } catch (error) {
    if (!(error instanceof NotFoundException)) throw error;
    const { usage } = AWS_KEY_SPECS[keySpec];
    const created = await client.send(new CreateKeyCommand({ KeySpec: keySpec, KeyUsage: usage }));
    await client.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: created.KeyMetadata?.KeyId }));
  }
}
