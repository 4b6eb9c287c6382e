/**
 * The operations of AWS KMS that are served, one row per `x-amz-target`. Members of requests and answers are
 * those of the API reference; bytes are base64, times are seconds since the epoch.
 */

import { type Fault, type Faults, strike, tamperAlgorithm, tamperName, tamperSignature } from '../faults.ts';
import type { AwsKeyMetadata } from '../storage.ts';
import { type Body, messageOf, seconds, text } from './body.ts';
import { AwsError } from './errors.ts';
import type { AwsImports } from './imports.ts';
import { AWS_KEY_SPECS, algorithmsOf } from './key-specs.ts';
import type { AwsKeys } from './keys.ts';
import { importOperations, macOperations } from './mac-operations.ts';

/** Resolves with the answer, or with nothing where AWS sends no body. */
export type Operation = (body: Body) => Promise<unknown>;

/** Counted from outside, so that a test can tell how often it was asked. */
export interface AwsCounts {
  readonly signs: { requested: number; succeeded: number };
  publicKeys: number;
  macVerifies: number;
}

export interface LocalAwsKeys {
  readonly keys: AwsKeys;
  readonly imports: AwsImports;
}

export function awsOperations(
  { keys, imports }: LocalAwsKeys,
  faults: Faults,
  counts: AwsCounts,
): ReadonlyMap<string, Operation> {
  return new Map<string, Operation>([
    ...macOperations(keys, faults, counts),
    ...importOperations(imports),
    [
      'Sign',
      async (body) => {
        counts.signs.requested += 1;
        const fault = faults.take('TrentService.Sign');
        await strike(fault);
        const answer = sign(keys, fault, body);
        counts.signs.succeeded += 1;
        return answer;
      },
    ],
    ['Verify', async (body) => verify(keys, body)],
    [
      'GetPublicKey',
      async (body) => {
        counts.publicKeys += 1;
        const fault = faults.take('TrentService.GetPublicKey');
        await strike(fault);
        return getPublicKey(keys, fault, body);
      },
    ],
    [
      'CreateKey',
      async (body) => {
        const { arn, key } = await keys.create({
          keySpec: text(body, 'KeySpec', 'SYMMETRIC_DEFAULT'),
          keyUsage: text(body, 'KeyUsage', 'ENCRYPT_DECRYPT'),
          origin: text(body, 'Origin', 'AWS_KMS'),
        });
        return { KeyMetadata: keyMetadata(arn, key) };
      },
    ],
    [
      'DescribeKey',
      async (body) => {
        const { arn, key } = keys.find(text(body, 'KeyId'));
        return { KeyMetadata: keyMetadata(arn, key) };
      },
    ],
    ['CreateAlias', async (body) => keys.createAlias(text(body, 'AliasName'), text(body, 'TargetKeyId'))],
    ['UpdateAlias', async (body) => keys.updateAlias(text(body, 'AliasName'), text(body, 'TargetKeyId'))],
    [
      'ListAliases',
      async (body) => {
        const ofKey = body.KeyId === undefined ? [] : [text(body, 'KeyId')];
        const aliases = keys.aliases(...ofKey).map(({ name, alias, targetKeyId }) => ({
          AliasName: name,
          AliasArn: alias,
          TargetKeyId: targetKeyId,
        }));
        return { Aliases: aliases, Truncated: false };
      },
    ],
    ['EnableKey', async (body) => keys.setEnabled(text(body, 'KeyId'), true)],
    ['DisableKey', async (body) => keys.setEnabled(text(body, 'KeyId'), false)],
    [
      'ScheduleKeyDeletion',
      async (body) => {
        const days = Number(body.PendingWindowInDays ?? 30);
        const { arn, key } = keys.scheduleDeletion(text(body, 'KeyId'), days);
        return {
          KeyId: arn,
          KeyState: key.state,
          DeletionDate: seconds(key.deletionTime),
          PendingWindowInDays: days,
        };
      },
    ],
    ['CancelKeyDeletion', async (body) => ({ KeyId: keys.cancelDeletion(text(body, 'KeyId')) })],
  ]);
}

function sign(keys: AwsKeys, fault: Fault | undefined, body: Body) {
  const signing = text(body, 'SigningAlgorithm');
  const { arn, signature } = signatureOf(keys, body);
  return {
    KeyId: tamperName(fault, arn),
    Signature: tamperSignature(fault, signature).toString('base64'),
    SigningAlgorithm: tamperAlgorithm(fault, signing),
  };
}

/** Both algorithms are deterministic, so the right signature is the one that would be made now. */
function verify(keys: AwsKeys, body: Body) {
  const { arn, signature } = signatureOf(keys, body);
  if (!signature.equals(Buffer.from(text(body, 'Signature'), 'base64'))) {
    throw new AwsError('KMSInvalidSignatureException', 'The signature is not valid.');
  }
  return { KeyId: arn, SignatureValid: true, SigningAlgorithm: text(body, 'SigningAlgorithm') };
}

function signatureOf(keys: AwsKeys, body: Body) {
  return keys.sign(
    text(body, 'KeyId'),
    text(body, 'SigningAlgorithm'),
    messageOf(body),
    text(body, 'MessageType', 'RAW'),
  );
}

function getPublicKey(keys: AwsKeys, fault: Fault | undefined, body: Body) {
  const { arn, key, spec, spki } = keys.publicKey(text(body, 'KeyId'));
  const keySpec = tamperAlgorithm(fault, key.keySpec);
  return {
    KeyId: tamperName(fault, arn),
    PublicKey: spki.toString('base64'),
    KeySpec: keySpec,
    CustomerMasterKeySpec: keySpec,
    KeyUsage: spec.usage,
    ...algorithmsOf(spec),
  };
}

function keyMetadata(arn: string, key: AwsKeyMetadata) {
  const spec = AWS_KEY_SPECS[key.keySpec];
  const { origin = 'AWS_KMS' } = key;
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: arn.split('/')[1],
    Arn: arn,
    CreationDate: seconds(key.createTime),
    Enabled: key.state === 'Enabled',
    KeyUsage: spec.usage,
    KeyState: key.state,
    DeletionDate: seconds(key.deletionTime),
    Origin: origin,
    ExpirationModel:
      origin === 'EXTERNAL' && key.privateKeyFile !== undefined ? 'KEY_MATERIAL_DOES_NOT_EXPIRE' : undefined,
    KeyManager: 'CUSTOMER',
    KeySpec: key.keySpec,
    CustomerMasterKeySpec: key.keySpec,
    ...algorithmsOf(spec),
    MultiRegion: false,
  };
}
