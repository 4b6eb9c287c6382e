/**
 * The local KMS's folder: private keys as PKCS#8 PEM files, secrets as JWK files (RFC 7518 §6.4) and one JSON file
 * of metadata.
 *
 *   <home>/                0700
 *     metadata.json        0600  rings, keys, versions, imports, aliases; names the file of each key
 *     private/<uuid>.pem   0600  a private key
 *     private/<uuid>.jwk   0600  a secret
 *     lock                 0600  held by the running process; the system drops it when the process dies
 *
 * Every file is written beside its place, synced and renamed, so a reader sees the old or the new content
 * whole, also after `kill -9`. A key is written before the metadata that names it: a crash between the two
 * leaves an orphan file, never a version without its key.
 */

import { createPrivateKey, createSecretKey, type KeyObject, randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LocalAlgorithmName } from './algorithms.ts';
import type { AwsKeySpecName } from './aws/key-specs.ts';
import type { ImportMethodName } from './import-jobs.ts';

export type VersionState = 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED';

export interface VersionMetadata {
  readonly algorithm: LocalAlgorithmName;
  state: VersionState;
  /** Milliseconds since the epoch. */
  readonly createTime: number;
  /** When it was or will be destroyed; present in DESTROY_SCHEDULED only. */
  destroyTime?: number;
  /** Name of the file in `private/`. */
  readonly privateKeyFile: string;
  /** The import job that brought the key; absent from one that was generated here. */
  readonly importJob?: string;
}

export interface KeyMetadata {
  readonly algorithm: LocalAlgorithmName;
  readonly createTime: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly destroyScheduledSeconds: number;
  /** Refuses versions that would be generated here. */
  readonly importOnly?: boolean;
}

export interface ImportJobMetadata {
  readonly importMethod: ImportMethodName;
  /** Milliseconds since the epoch. */
  readonly createTime: number;
  /** Name of the file of the wrapping key in `private/`. */
  readonly privateKeyFile: string;
}

export interface AwsKeyMetadata {
  readonly keySpec: AwsKeySpecName;
  /** PendingImport: its material has not come yet. */
  state: 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport';
  /** Absent from a key that was generated here. */
  readonly origin?: 'EXTERNAL';
  /** Milliseconds since the epoch. */
  readonly createTime: number;
  /** When it will be deleted; present in PendingDeletion only. */
  deletionTime?: number;
  /** Name of the file in `private/`; absent before the first import. */
  privateKeyFile?: string;
}

export interface AwsImportMetadata {
  /** The ARN of the one key that it imports into. */
  readonly keyArn: string;
  /** Milliseconds since the epoch. */
  readonly validTo: number;
  /** Name of the file of the wrapping key in `private/`. */
  readonly privateKeyFile: string;
}

/** Each map's keys are full resource names; those of `awsKeys` are ARNs. */
interface Metadata {
  readonly keyRings: Record<string, { readonly createTime: number }>;
  readonly cryptoKeys: Record<string, KeyMetadata>;
  readonly cryptoKeyVersions: Record<string, VersionMetadata>;
  readonly importJobs: Record<string, ImportJobMetadata>;
  readonly awsKeys: Record<string, AwsKeyMetadata>;
  /** By import token. */
  readonly awsImports: Record<string, AwsImportMetadata>;
  /** The ARN of the key by `alias/…`. */
  readonly awsAliases: Record<string, string>;
}

export interface Storage {
  /** Everybody changes this one object; `saveMetadata` writes it whole. */
  readonly metadata: Metadata;
  /** Durable when it returns. */
  saveMetadata(): void;
  readKey(file: string): KeyObject;
  /** Stores a private or secret key durably and returns its file's name. */
  writeKey(key: KeyObject): string;
  /** Lets another process open the folder. */
  release(): void;
}

/**
 * Opens the folder, creating it where it is missing.
 *
 * @throws Error with a sentence for the operator: not writable, in use, or unreadable metadata.
 */
export function openStorage(home: string): Storage {
  const privateFolder = join(home, 'private');
  const metadataFile = join(home, 'metadata.json');
  prepareFolders(home, privateFolder);
  const lock = acquireLock(home);
  const metadata = readMetadata(metadataFile);
  return {
    metadata,
    saveMetadata: () => writeDurably(metadataFile, `${JSON.stringify(metadata, null, 2)}\n`),
    readKey: (file) => parseKey(file, readFileSync(join(privateFolder, file), 'utf8')),
    writeKey: (key) => {
      const file = `${randomUUID()}.${key.type === 'secret' ? 'jwk' : 'pem'}`;
      writeDurably(join(privateFolder, file), keyText(key));
      return file;
    },
    release: () => lock.close(),
  };
}

function keyText(key: KeyObject): string {
  if (key.type === 'secret') return JSON.stringify(key.export({ format: 'jwk' }));
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function parseKey(file: string, text: string): KeyObject {
  if (!file.endsWith('.jwk')) return createPrivateKey(text);
  const { k } = JSON.parse(text) as { readonly k: string };
  return createSecretKey(k, 'base64url');
}

function prepareFolders(...folders: string[]): void {
  for (const folder of folders) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
    } catch (cause) {
      throw new Error(
        `The local KMS cannot use the folder ${folder} (${reasonOf(cause)}); point LOCAL_KMS_HOME at a folder that this user may write.`,
        { cause },
      );
    }
  }
}

/** An SQLite file is locked by the system for as long as the process lives: no stale lock to clean up. */
function acquireLock(home: string): DatabaseSync {
  try {
    const file = join(home, 'lock');
    closeSync(openSync(file, 'a', 0o600));
    const lock = new DatabaseSync(file);
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    throw new Error(
      `The local KMS cannot lock the folder ${home} (${reasonOf(cause)}); stop the other local KMS that uses it, or point LOCAL_KMS_HOME elsewhere.`,
      { cause },
    );
  }
}

function readMetadata(file: string): Metadata {
  const empty = {
    keyRings: {},
    cryptoKeys: {},
    cryptoKeyVersions: {},
    importJobs: {},
    awsKeys: {},
    awsImports: {},
    awsAliases: {},
  };
  if (!existsSync(file)) return empty;
  try {
    // A folder of an earlier release lacks the maps that came later.
    return { ...empty, ...(JSON.parse(readFileSync(file, 'utf8')) as Partial<Metadata>) };
  } catch (cause) {
    throw new Error(
      `The local KMS cannot read ${file} (${reasonOf(cause)}); restore it, or delete the whole folder to start with new keys.`,
      { cause },
    );
  }
}

function writeDurably(file: string, content: string): void {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const descriptor = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

/** Without this a power cut may undo the rename. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
