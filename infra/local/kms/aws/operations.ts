/**
 * The operations of AWS KMS that are served, one row per `x-amz-target`. Members of requests and answers are
 * those of the API reference; bytes are base64, times are seconds since the epoch.
 */

import { type Fault, type Faults, strike, tamperAlgorithm, tamperName, tamperSignature } from '../faults.ts';
import type { AwsKeyMetadata } from '../storage.ts';
import { AwsError } from './errors.ts';
import { AWS_KEY_SPECS } from './key-specs.ts';
import type { AwsKeys } from './keys.ts';

/** "Messages can be 0-4096 bytes" (API reference of Sign), though its schema asks for one. */
const MAX_MESSAGE_BYTES = 4096;

export type Body = Readonly<Record<string, unknown>>;
/** Resolves with the answer, or with nothing where AWS sends no body. */
export type Operation = (body: Body) => Promise<unknown>;

/** Counted from outside, so that a test can tell how often it was asked. */
export interface AwsCounts {
  readonly signs: { requested: number; succeeded: number };
  publicKeys: number;
}

export function awsOperations(
  keys: AwsKeys,
  faults: Faults,
  counts: AwsCounts,
): ReadonlyMap<string, Operation> {
  return new Map<string, Operation>([
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
        const { arn, key } = await keys.create(
          text(body, 'KeySpec', 'SYMMETRIC_DEFAULT'),
          text(body, 'KeyUsage', 'ENCRYPT_DECRYPT'),
        );
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
  const message = Buffer.from(text(body, 'Message'), 'base64');
  if (message.length > MAX_MESSAGE_BYTES) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to ${MAX_MESSAGE_BYTES}`,
    );
  }
  return keys.sign(
    text(body, 'KeyId'),
    text(body, 'SigningAlgorithm'),
    message,
    text(body, 'MessageType', 'RAW'),
  );
}

function getPublicKey(keys: AwsKeys, fault: Fault | undefined, body: Body) {
  const { arn, key, spki } = keys.publicKey(text(body, 'KeyId'));
  const keySpec = tamperAlgorithm(fault, key.keySpec);
  return {
    KeyId: tamperName(fault, arn),
    PublicKey: spki.toString('base64'),
    KeySpec: keySpec,
    CustomerMasterKeySpec: keySpec,
    KeyUsage: 'SIGN_VERIFY',
    SigningAlgorithms: [AWS_KEY_SPECS[key.keySpec].signing],
  };
}

function keyMetadata(arn: string, key: AwsKeyMetadata) {
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: arn.split('/')[1],
    Arn: arn,
    CreationDate: seconds(key.createTime),
    Enabled: key.state === 'Enabled',
    KeyUsage: 'SIGN_VERIFY',
    KeyState: key.state,
    DeletionDate: seconds(key.deletionTime),
    Origin: 'AWS_KMS',
    KeyManager: 'CUSTOMER',
    KeySpec: key.keySpec,
    CustomerMasterKeySpec: key.keySpec,
    SigningAlgorithms: [AWS_KEY_SPECS[key.keySpec].signing],
    MultiRegion: false,
  };
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

/** A member that is a string; `otherwise` stands for one that is absent. */
function text(body: Body, member: string, otherwise?: string): string {
  const value = body[member] ?? otherwise;
  if (typeof value === 'string' && value !== '') return value;
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must not be null`,
  );
}
