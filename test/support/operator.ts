/**
 * An operator at a shell: the command `countersign` as a process of its own, on a list of keys and a SQLite store in a
 * temporary folder, with the KMS of the test.
 *
 *   const operator = await startTestOperator(kms);
 *   const { code, stdout } = await operator.run(['keys', 'publish', '--yes']);
 *   expect((await operator.manifest()).version).toBe(1);
 *   await operator.stop();
 *
 * The list begins as one written by hand, without fingerprints: an active Ed25519 licence key, and the root.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { awsPublicKey, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { createKmsClient, googlePublicKey } from '../../infra/kms/google.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { parseSigningKeys } from '../../infra/signing-keys.ts';
import { openSqliteStore, type SqliteStore } from '../../infra/stores/sqlite.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { verifyManifest } from '../../shared/client/manifest.ts';
import { importVerificationKey, type VerificationKey } from '../../shared/client/verify.ts';
import { cloudOf, isSigningKey, type RegisteredKey } from '../../shared/keys/registry.ts';
import { auditRecord } from '../../shared/records/audit.ts';
import { manifestRecord } from '../../shared/records/manifest.ts';
import { MANIFEST_PATH } from '../../shared/records/paths.ts';
import { TEST_AWS_KEYS, TEST_KEYS, type TestKms } from './kms.ts';
import { type Ended, type Program, REPOSITORY, spawnProgram } from './spawn-stack.ts';

const BIN = join(REPOSITORY, 'scripts', 'countersign.js');

export const ACTOR = 'ada@office';

/** Any region will do: the local AWS KMS is one account. */
export const TEST_ARNS = {
  rsa: `arn:aws:kms:us-east-1:000000000000:${TEST_AWS_KEYS.rsa}`,
  ed25519: `arn:aws:kms:us-east-1:000000000000:${TEST_AWS_KEYS.ed25519}`,
} as const;

/** As in the file. */
export interface ListedKey {
  readonly name: string;
  readonly algorithm: string;
  readonly use?: string;
  readonly state?: string;
  readonly sunset_at?: string;
  readonly fingerprint?: string;
}

/** Far beyond what a busy machine takes. */
const KMS_DEADLINE_MS = 30_000;

const ED25519 = 'EC_SIGN_ED25519';
const ACTIVE_KEY: ListedKey = { name: TEST_KEYS.ed25519, algorithm: ED25519 };
const ROOT: ListedKey = { name: TEST_KEYS.rsa, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', use: 'root' };

export interface Published {
  readonly version: number;
  readonly expiresAt: number;
  /** The state of each kid, and for a retiring one until when. */
  readonly states: Readonly<Record<string, string>>;
}

export interface TestOperator {
  readonly folder: string;
  readonly keysFile: string;
  readonly environment: Readonly<Record<string, string>>;
  /** A connection of the test's own to the store that the commands use. */
  readonly store: SqliteStore;
  /** `countersign …args`, to its end. */
  run(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended>;
  /** `countersign …args`, under way. */
  start(args: readonly string[], environment?: Readonly<Record<string, string>>): Program;
  /** Another Ed25519 key in the KMS; its name. */
  newKey(id: string): Promise<string>;
  /** As a client has it that trusts it. */
  publicKey(name: string): Promise<VerificationKey>;
  kidOf(name: string): Promise<string>;
  rows(): readonly RegisteredKey[];
  /** `state` of each signing key by its name. */
  states(): Readonly<Record<string, string>>;
  write(keys: readonly ListedKey[]): void;
  /** The manifest in the store, as a client accepts it that pins the root `rootName`. Undefined when there is none. */
  manifest(rootName?: string): Promise<Published | undefined>;
  /** What was done, in its order. */
  audit(): Promise<readonly ReturnType<typeof auditRecord.parse>[]>;
  /** Lets time pass for every key that is published. */
  publishedAgo(seconds: number): Promise<void>;
  /** Everything that a command may change: equal texts mean that it changed nothing. */
  everything(): Promise<string>;
  stop(): Promise<void>;
}

export async function startTestOperator(
  kms: TestKms,
  keys: readonly ListedKey[] = [ACTIVE_KEY, ROOT],
): Promise<TestOperator> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-operator-'));
  const keysFile = join(folder, 'keys.json');
  const storeFile = join(folder, 'store.sqlite');
  const store = openSqliteStore({ path: storeFile });
  const clients = {
    google: createKmsClient({ endpoint: kms.endpoint }),
    aws: createAwsKmsClient({ endpoint: kms.awsEndpoint }),
  };
  const environment = {
    KMS_ENDPOINT: kms.endpoint,
    AWS_KMS_ENDPOINT: kms.awsEndpoint,
    SIGNING_KEYS_FILE: keysFile,
    STORE: 'sqlite',
    SQLITE_PATH: storeFile,
    COUNTERSIGN_ACTOR: ACTOR,
  };
  const start = (args: readonly string[], more = {}) =>
    spawnProgram(BIN, args, { env: { ...environment, ...more } });
  const write = (rows: readonly ListedKey[]) => writeFileSync(keysFile, JSON.stringify(rows));
  const rows = () => parseSigningKeys(readFileSync(keysFile, 'utf8'));

  async function publicKey(name: string): Promise<VerificationKey> {
    const { pem, algorithm } = await (cloudOf(name) === 'aws'
      ? awsPublicKey(clients.aws, name, KMS_DEADLINE_MS)
      : googlePublicKey(clients.google, name, KMS_DEADLINE_MS));
    const jwk = jwkFromPem(pem);
    return importVerificationKey({ ...jwk, kid: thumbprint(jwk), alg: ALGORITHMS[algorithm].jose });
  }

  async function manifest(rootName: string = ROOT.name): Promise<Published | undefined> {
    const [snapshot] = await store.get([MANIFEST_PATH]);
    if (snapshot === undefined) return undefined;
    const { token } = manifestRecord.parse(snapshot.fields);
    const result = await verifyManifest(token, { root: await publicKey(rootName), now: Date.now() });
    if (!result.valid) throw new Error(`a client refuses the manifest: ${result.code}`);
    return {
      version: result.version,
      expiresAt: result.expiresAt,
      states: Object.fromEntries(result.keys.map((key) => [key.kid, stateOf(key)])),
    };
  }

  async function documentsOf(collection: string) {
    return store.query({ collection, limit: 1000 });
  }

  write(keys);
  return {
    folder,
    keysFile,
    environment,
    store,
    start,
    run: (args, more) => start(args, more).ended,
    newKey: async (id) => {
      const [ring] = TEST_KEYS.ed25519.split('/cryptoKeys/');
      const [name = ''] = await provisionKeys(kms.endpoint, ring ?? '', [{ id, algorithm: ED25519 }]);
      return name;
    },
    publicKey,
    kidOf: async (name) => (await publicKey(name)).kid,
    rows,
    states: () =>
      Object.fromEntries(
        rows()
          .filter(isSigningKey)
          .map(({ name, state }) => [name, state]),
      ),
    write,
    manifest,
    audit: async () => (await documentsOf('audit')).map(({ fields }) => auditRecord.parse(fields)),
    async publishedAgo(seconds) {
      const [snapshot] = await store.get([MANIFEST_PATH]);
      const { first_published } = manifestRecord.parse(snapshot?.fields);
      const since = Date.now() - seconds * 1000;
      const fields = {
        first_published: Object.fromEntries(Object.keys(first_published).map((kid) => [kid, since])),
      };
      await store.commit([{ op: 'update', path: MANIFEST_PATH, fields }]);
    },
    everything: async () =>
      JSON.stringify([
        readFileSync(keysFile, 'utf8'),
        await documentsOf('signing_keys'),
        await documentsOf('audit'),
      ]),
    stop: async () => {
      await Promise.all([store.close(), clients.google.close(), clients.aws.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function stateOf({
  state = 'active',
  ...key
}: {
  readonly state?: string;
  readonly sunsetAt?: number | undefined;
}): string {
  return key.sunsetAt === undefined ? state : `${state} until ${new Date(key.sunsetAt).toISOString()}`;
}
