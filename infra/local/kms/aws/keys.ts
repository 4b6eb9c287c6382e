/**
 * The state and the rules of the AWS side: keys, their states, and aliases. It knows no HTTP.
 *
 * What differs from AWS KMS: one account in one region, and a key stays in PendingDeletion for ever.
 */

import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto';
import type { AwsKeyMetadata, Storage } from '../storage.ts';
import { AwsError } from './errors.ts';
import { AWS_KEY_SPECS, type AwsKeySpec, type AwsKeySpecName, isAwsKeySpecName } from './key-specs.ts';

const PREFIX = 'arn:aws:kms:us-east-1:000000000000:';
/** API reference of CreateAlias; `alias/aws/` is reserved. */
const ALIAS = /^alias\/(?!aws\/)[a-zA-Z0-9/_-]{1,250}$/;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface NewAwsKey {
  readonly keySpec: string;
  readonly keyUsage: string;
  /** `AWS_KMS` or `EXTERNAL`. */
  readonly origin: string;
}

export type AwsKeys = ReturnType<typeof createAwsKeys>;

export function createAwsKeys({ metadata, saveMetadata, ...files }: Storage, now: () => number = Date.now) {
  const { awsKeys: keys, awsAliases: aliases } = metadata;
  const keyObjects = new Map<string, KeyObject>();

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
  function findEnabled(keyId: string): { arn: string; key: AwsKeyMetadata; spec: AwsKeySpec } {
    const { arn, key } = findWithMaterial(keyId);
    if (key.state === 'Disabled') throw new AwsError('DisabledException', `${arn} is disabled.`);
    return { arn, key, spec: AWS_KEY_SPECS[key.keySpec] };
  }

  function findWithMaterial(keyId: string) {
    const { arn, key } = findNotDeleted(keyId);
    if (key.state === 'PendingImport') throw pendingImport(arn);
    return { arn, key };
  }

  function findNotDeleted(keyId: string) {
    const { arn, key } = find(keyId);
    if (key.state === 'PendingDeletion') {
      throw new AwsError('KMSInvalidStateException', `${arn} is pending deletion.`);
    }
    return { arn, key };
  }

  function keyObjectOf(arn: string, { privateKeyFile }: AwsKeyMetadata): KeyObject {
    if (privateKeyFile === undefined) throw pendingImport(arn);
    const known = keyObjects.get(arn) ?? files.readKey(privateKeyFile);
    keyObjects.set(arn, known);
    return known;
  }

  return {
    find,

    findNotDeleted,

    async create({ keySpec, keyUsage, origin }: NewAwsKey) {
      const spec = requireSpec(keySpec, keyUsage, origin);
      const isExternal = origin === 'EXTERNAL';
      const material = isExternal
        ? ({ state: 'PendingImport', origin } as const)
        : ({
            state: 'Enabled',
            privateKeyFile: files.writeKey(await AWS_KEY_SPECS[spec].algorithm.generate()),
          } as const);
      const arn = `${PREFIX}key/${randomUUID()}`;
      keys[arn] = { keySpec: spec, createTime: now(), ...material };
      saveMetadata();
      return find(arn);
    },

    /**
     * Stores the secret of a key that waits for it.
     *
     * @throws AwsError IncorrectKeyMaterialException when the key has another one already.
     */
    importSecret(arn: string, secret: KeyObject): void {
      const { key } = find(arn);
      if (key.privateKeyFile === undefined) {
        key.privateKeyFile = files.writeKey(secret);
        key.state = 'Enabled';
        saveMetadata();
      } else if (!secret.equals(keyObjectOf(arn, key))) {
        throw new AwsError('IncorrectKeyMaterialException', `${arn} has other key material.`);
      }
    },

    /** Every alias, or those of one key. */
    aliases(keyId?: string): { name: string; alias: string; targetKeyId: string }[] {
      const arn = keyId === undefined ? undefined : find(keyId).arn;
      return Object.entries(aliases)
        .filter(([, target]) => arn === undefined || target === arn)
        .map(([name, target]) => ({
          name,
          alias: `${PREFIX}${name}`,
          targetKeyId: target.split('/')[1] ?? '',
        }))
        .sort((a, b) => a.name.localeCompare(b.name, 'en'));
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
      findWithMaterial(keyId).key.state = enabled ? 'Enabled' : 'Disabled';
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

    cancelDeletion(keyId: string): string {
      const { arn, key } = find(keyId);
      if (key.state !== 'PendingDeletion') {
        throw new AwsError('KMSInvalidStateException', `${arn} is not pending deletion.`);
      }
      key.state = key.privateKeyFile === undefined ? 'PendingImport' : 'Disabled';
      delete key.deletionTime;
      saveMetadata();
      return arn;
    },

    /** SubjectPublicKeyInfo in DER. */
    publicKey(keyId: string) {
      const { arn, key, spec } = findEnabled(keyId);
      if (spec.usage !== 'SIGN_VERIFY') {
        throw new AwsError('UnsupportedOperationException', `${arn} has no public key.`);
      }
      const spki = createPublicKey(keyObjectOf(arn, key)).export({ type: 'spki', format: 'der' });
      return { arn, key, spec, spki };
    },

    sign(keyId: string, signing: string, message: Buffer, messageType: string) {
      const { arn, key, spec } = findEnabled(keyId);
      if (spec.usage !== 'SIGN_VERIFY') throw wrongUsage(arn, spec);
      if (signing !== spec.signing) {
        throw new AwsError('InvalidKeyUsageException', `${signing} is incompatible with ${key.keySpec}.`);
      }
      const input = spec.input(message, messageType);
      return { arn, key, signature: spec.algorithm.sign(keyObjectOf(arn, key), input) };
    },

    mac(keyId: string, macAlgorithm: string, message: Buffer) {
      const { arn, key, spec } = findEnabled(keyId);
      if (spec.usage !== 'GENERATE_VERIFY_MAC') throw wrongUsage(arn, spec);
      if (macAlgorithm !== spec.mac) {
        throw new AwsError(
          'InvalidKeyUsageException',
          `${macAlgorithm} is incompatible with ${key.keySpec}.`,
        );
      }
      return { arn, tag: spec.algorithm.tag(keyObjectOf(arn, key), message) };
    },
  };
}

function requireSpec(keySpec: string, keyUsage: string, origin: string): AwsKeySpecName {
  const spec = isAwsKeySpecName(keySpec) ? AWS_KEY_SPECS[keySpec] : undefined;
  const isOriginServed = origin === 'AWS_KMS' || (origin === 'EXTERNAL' && spec?.algorithm.purpose === 'MAC');
  if (spec?.usage === keyUsage && isOriginServed) return keySpec as AwsKeySpecName;
  const known = Object.entries(AWS_KEY_SPECS).map(([name, { usage }]) => `${name} for ${usage}`);
  throw new AwsError(
    'UnsupportedOperationException',
    `The local KMS has ${known.join(', ')}; EXTERNAL only for MACs.`,
  );
}

function pendingImport(arn: string): AwsError {
  return new AwsError('KMSInvalidStateException', `${arn} is pending import.`);
}

function wrongUsage(arn: string, { usage }: AwsKeySpec): AwsError {
  return new AwsError(
    'InvalidKeyUsageException',
    `${arn} key usage is ${usage} which is not valid for this.`,
  );
}

function own<T>(entries: Record<string, T>, name: string): T | undefined {
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
}
