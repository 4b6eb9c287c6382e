/**
 * The state and the rules of the AWS side: keys, their states, and aliases. It knows no HTTP.
 *
 * What differs from AWS KMS: one account in one region, and a key stays in PendingDeletion for ever.
 */

import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import type { AwsKeyMetadata, Storage } from '../storage.ts';
import { AwsError } from './errors.ts';
import { AWS_KEY_SPECS, isAwsKeySpecName } from './key-specs.ts';

const PREFIX = 'arn:aws:kms:us-east-1:000000000000:';
/** API reference of CreateAlias; `alias/aws/` is reserved. */
const ALIAS = /^alias\/(?!aws\/)[a-zA-Z0-9/_-]{1,250}$/;
const DAY_MS = 24 * 60 * 60 * 1000;

export type AwsKeys = ReturnType<typeof createAwsKeys>;

export function createAwsKeys({ metadata, saveMetadata, ...files }: Storage, now: () => number = Date.now) {
  const { awsKeys: keys, awsAliases: aliases } = metadata;
  const privateKeys = new Map<string, KeyObject>();

  /** The ARN that a key id, a key's ARN, an alias or an alias's ARN stands for. */
  function arnOf(keyId: string): string {
    const id = keyId.startsWith(PREFIX) ? keyId.slice(PREFIX.length) : keyId;
    const arn = id.startsWith('alias/') ? own(aliases, id) : `${PREFIX}key/${id.replace(/^key\//, '')}`;
    if (arn === undefined) throw new AwsError('NotFoundException', `Alias ${PREFIX}${id} is not found.`);
    return arn;
  }

  function find(keyId: string): { arn: string; key: AwsKeyMetadata } {
    const arn = arnOf(keyId);
    const key = own(keys, arn);
    if (key === undefined) throw new AwsError('NotFoundException', `Key '${arn}' does not exist`);
    return { arn, key };
  }

  /** The key, for use: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
  function findEnabled(keyId: string) {
    const { arn, key } = findNotDeleted(keyId);
    if (key.state === 'Disabled') throw new AwsError('DisabledException', `${arn} is disabled.`);
    return { arn, key };
  }

  function findNotDeleted(keyId: string) {
    const { arn, key } = find(keyId);
    if (key.state === 'PendingDeletion') {
      throw new AwsError('KMSInvalidStateException', `${arn} is pending deletion.`);
    }
    return { arn, key };
  }

  function privateKeyOf(arn: string, key: AwsKeyMetadata): KeyObject {
    const known = privateKeys.get(arn) ?? createPrivateKey(files.readPrivateKey(key.privateKeyFile));
    privateKeys.set(arn, known);
    return known;
  }

  return {
    find,

    async create(keySpec: string, keyUsage: string) {
      if (!isAwsKeySpecName(keySpec) || keyUsage !== 'SIGN_VERIFY') {
        const known = Object.keys(AWS_KEY_SPECS).join(', ');
        throw new AwsError('UnsupportedOperationException', `The local KMS has ${known} for SIGN_VERIFY.`);
      }
      const privateKey = await AWS_KEY_SPECS[keySpec].algorithm.generate();
      const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      const arn = `${PREFIX}key/${randomUUID()}`;
      keys[arn] = {
        keySpec,
        state: 'Enabled',
        createTime: now(),
        privateKeyFile: files.writePrivateKey(pem),
      };
      saveMetadata();
      return find(arn);
    },

    createAlias(name: string, targetKeyId: string): void {
      if (!ALIAS.test(name)) throw new AwsError('InvalidAliasNameException', `${name} is no alias name.`);
      if (own(aliases, name)) throw new AwsError('AlreadyExistsException', `${name} already exists.`);
      aliases[name] = findNotDeleted(targetKeyId).arn;
      saveMetadata();
    },

    updateAlias(name: string, targetKeyId: string): void {
      arnOf(name);
      aliases[name] = findNotDeleted(targetKeyId).arn;
      saveMetadata();
    },

    setEnabled(keyId: string, enabled: boolean): void {
      findNotDeleted(keyId).key.state = enabled ? 'Enabled' : 'Disabled';
      saveMetadata();
    },

    scheduleDeletion(keyId: string, days: number) {
      if (!(days >= 7 && days <= 30)) {
        throw new AwsError('ValidationException', `PendingWindowInDays is ${days}; it has 7 to 30.`);
      }
      const { arn, key } = findNotDeleted(keyId);
      key.state = 'PendingDeletion';
      key.deletionTime = now() + days * DAY_MS;
      saveMetadata();
      return { arn, key };
    },

    /** SubjectPublicKeyInfo in DER. */
    publicKey(keyId: string) {
      const { arn, key } = findEnabled(keyId);
      const spki = createPublicKey(privateKeyOf(arn, key)).export({ type: 'spki', format: 'der' });
      return { arn, key, spki };
    },

    sign(keyId: string, signing: string, message: Buffer, messageType: string) {
      const { arn, key } = findEnabled(keyId);
      const spec = AWS_KEY_SPECS[key.keySpec];
      if (signing !== spec.signing) {
        throw new AwsError('InvalidKeyUsageException', `${signing} is incompatible with ${key.keySpec}.`);
      }
      const input = spec.input(message, messageType);
      return { arn, key, signature: spec.algorithm.sign(privateKeyOf(arn, key), input) };
    },
  };
}

function own<T>(entries: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}
