/**
 * The real service for a test file: the functions-framework serves every endpoint in this process, on SQLite in a
 * temporary folder or on Firestore's test server, signing through a local KMS in another process. Only the clock can be
 * moved.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { serve } from '../../functions/http/serve.ts';
import { createManifestWatch } from '../../functions/keys/manifest-watch.ts';
import { createHasher } from '../../infra/hasher.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import { createLog } from '../../infra/log.ts';
import { createInstanceMemory } from '../../infra/memory.ts';
import { readableOnly } from '../../infra/stores/readable.ts';
import { generateApiKey } from '../../shared/access/api-key.ts';
import { type AccessScope, SCOPE_NAMES } from '../../shared/access/scopes.ts';
import type { JsonObject } from '../../shared/canonical/strict-json.ts';
import { type Client, createClient } from '../../shared/client/client.ts';
import {
  importVerificationKey,
  type VerificationKey,
  type VerificationResult,
  verifyDocument,
} from '../../shared/client/verify.ts';
import type { Scope } from '../../shared/decide/scope.ts';
import { generateLicenseKey } from '../../shared/license-key.ts';
import type { Identify } from '../../shared/ports/authenticate.ts';
import type { Fields } from '../../shared/ports/document-store.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { licensePath } from '../../shared/records/paths.ts';
import { createAuthenticate } from '../../shared/usecases/authenticate.ts';
import { apiKeyWrite } from '../../shared/usecases/create-api-key.ts';
import { createLicense, type NewLicense } from '../../shared/usecases/create-license.ts';
import type { Settings } from '../../shared/usecases/settings.ts';
import type { ProductTable } from '../../shared/wire/products.ts';
import { everyEndpoint } from './every-endpoint.ts';
import type { FirestoreServer } from './firestore/server.ts';
import { startTestKms, type TestKms } from './kms.ts';
import { listenFor } from './listen.ts';
import { openTestStore, type TestStoreKind } from './test-store.ts';

export const TEST_CUSTOMER = { id: 'customer-1', name: 'Société Générale 東京 😀' };

export interface TestService {
  readonly baseUrl: string;
  /** Everything that is served. */
  readonly endpoints: readonly Endpoint[];
  readonly client: Client;
  readonly ports: Ports;
  readonly settings: Settings;
  readonly kms: TestKms;
  /** Of a service on Firestore: the far side of the wire. */
  readonly firestore: FirestoreServer | undefined;
  /** Every line that was logged. */
  readonly logLines: readonly string[];
  /** Moves the service's clock. */
  advance(seconds: number): void;
  /** A licence with one seat, Ed25519 and tier pro, unless `wanted` says otherwise; answers its key. */
  addLicense(wanted?: Partial<NewLicense>): Promise<string>;
  /** Changes a stored licence, as an administrator would. */
  updateLicense(licenseKey: string, fields: Fields): Promise<void>;
  /** Headers with a new API key: of all scopes and all customers unless told. */
  admin(scopes?: readonly AccessScope[], customerId?: string | null): Promise<{ 'x-api-key': string }>;
  /** A POST whose body is sent as it is. */
  post(path: string, body: object | string, headers?: Record<string, string>): Promise<Answer>;
  verificationKeys(): Promise<VerificationKey[]>;
  /** What a client says about a document, with the service's keys and at its time. */
  verify(document: string | JsonObject, scope?: Scope): Promise<VerificationResult>;
  /** Everything in the store, as text: equal texts mean that nothing changed. */
  dumpStore(): string;
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly body: any;
}

export interface TestServiceOptions {
  readonly clockSkewSeconds?: number;
  readonly allowedOrigins?: readonly string[];
  readonly deadlineMs?: number;
  readonly signingFailurePolicy?: 'reject' | 'unsigned';
  /** Default 0. */
  readonly trustedProxies?: number;
  /** Of ID tokens; none by default. */
  readonly identify?: Identify;
  /** Default `sqlite`. */
  readonly store?: TestStoreKind;
  /** None by default. */
  readonly products?: ProductTable;
}

export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const { clockSkewSeconds = 10, allowedOrigins = [], deadlineMs = 15_000 } = options;
  const kms = await startTestKms();
  const kmsClient = createKmsClient({ endpoint: kms.endpoint });
  const testStore = await openTestStore(options.store ?? 'sqlite');
  const { store } = testStore;
  const logLines: string[] = [];
  let offset = 0;
  const ports: Ports = {
    store,
    keys: createKeyDirectory({ client: kmsClient, keys: kms.signingKeys, deadlineMs }),
    clock: { now: () => Date.now() + offset, pause: (milliseconds) => pause(milliseconds) },
    random: { bytes: (length) => randomBytes(length) },
    hasher: createHasher('a pepper for tests, long enough to pass'),
    memory: createInstanceMemory(),
  };
  const name = `countersign-${randomUUID()}`;
  const { signingFailurePolicy = 'reject' } = options;
  const { products } = options;
  const issuer = 'https://countersign.test';
  const settings = { issuer, clockSkewSeconds, signingFailurePolicy, ...(products && { products }) };
  const log = createLog('DEBUG', (line) => logLines.push(line));
  // As in `infra/ports.ts`. Tests write what they like through `ports.store`, damaged records too.
  const guarded = { ...ports, store: readableOnly(store) };
  const endpoints = serve(
    {
      ports: guarded,
      log,
      authenticate: createAuthenticate(guarded, { log, identify: options.identify }),
      about: { name, version: '0.0.0-test', environment: 'test', issuer: settings.issuer },
      config: { CORS_ALLOWED_ORIGINS: allowedOrigins, TRUSTED_PROXIES: options.trustedProxies ?? 0 },
    },
    everyEndpoint(guarded, settings, undefined, createManifestWatch(log, ports.clock)),
  );
  const { baseUrl, stop } = await listenFor(name);
  const client = createClient({ baseUrl });
  const verificationKeys = async () => Promise.all((await client.jwks()).keys.map(importVerificationKey));

  return {
    baseUrl,
    endpoints,
    client,
    ports,
    settings,
    kms,
    firestore: testStore.firestore,
    logLines,
    advance: (seconds) => {
      offset += seconds * 1000;
    },
    addLicense: async (wanted = {}) => {
      const licenseKey = generateLicenseKey('TEST', ports.random);
      await createLicense(ports, { ...DEFAULT_LICENSE, licenseKey, licenseId: randomUUID(), ...wanted });
      return wanted.licenseKey ?? licenseKey;
    },
    updateLicense: async (licenseKey, fields) => {
      await store.commit([
        { op: 'update', path: licensePath(ports.hasher.hash('license', licenseKey)), fields },
      ]);
    },
    admin: async (scopes = SCOPE_NAMES, customerId = null) => {
      const apiKey = generateApiKey(ports.random);
      const granted = { name: 'test', scopes: [...scopes], customer_id: customerId, expires_at: null };
      await store.commit([apiKeyWrite(ports.hasher, apiKey, granted, ports.clock.now())]);
      return { 'x-api-key': apiKey };
    },
    post: (path, body, headers) => post(baseUrl, path, body, headers),
    verificationKeys,
    verify: async (document, scope = {}) =>
      verifyDocument(document, { keys: await verificationKeys(), now: ports.clock.now(), scope }),
    dumpStore: testStore.dump,
    stop: async () => {
      await stop();
      await kmsClient.close();
      await testStore.close();
      await kms.stop();
    },
  };
}

const DEFAULT_LICENSE = {
  customer: TEST_CUSTOMER,
  product: 'demo-app',
  tier: 'pro',
  features: ['export', 'reports'],
  seats: 1,
  signingAlgorithm: 'EC_SIGN_ED25519',
} as const;

async function post(baseUrl: string, path: string, body: object | string, headers = {}): Promise<Answer> {
  const response = await fetch(new URL(path, baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}
