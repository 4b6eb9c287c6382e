/** Two clouds: a second KMS takes over when the first one fails, and hands back when it returns. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { serve } from '../../functions/http/serve.ts';
import { keyEndpoints } from '../../functions/keys/endpoints.ts';
import { licenseEndpoints } from '../../functions/licenses/endpoints.ts';
import { type AwsKmsClient, awsPublicKey, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient, type KmsClient } from '../../infra/kms/google.ts';
import type { Fault } from '../../infra/local/kms/faults.ts';
import { createLog } from '../../infra/log.ts';
import { type Client, createClient } from '../../shared/client/client.ts';
import { importVerificationKey, verifyDocument } from '../../shared/client/verify.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { sessionsPath } from '../../shared/records/paths.ts';
import { TEST_AWS_KEYS, TEST_KEYS } from '../support/kms.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ED25519 = 'EC_SIGN_ED25519';
const DEADLINE_MS = 1_000;

let service: TestService;
let google: KmsClient;
let aws: AwsKmsClient;
let client: Client;
let close: () => Promise<void>;
let kids: { google: string; aws: string };
let rows: readonly SigningKey[];
const logLines: string[] = [];

beforeAll(async () => {
  service = await startTestService();
  google = createKmsClient({ endpoint: service.kms.endpoint });
  aws = createAwsKmsClient({ endpoint: service.kms.awsEndpoint });
  const { keyArn } = await awsPublicKey(aws, TEST_AWS_KEYS.ed25519);
  const row = (name: string): SigningKey => ({ name, algorithm: ED25519, use: 'license', state: 'active' });
  rows = [row(TEST_KEYS.ed25519), row(keyArn)];
  const log = createLog('DEBUG', (line) => logLines.push(line));
  const keys = createKeyDirectory({
    client: google,
    awsClient: aws,
    keys: rows,
    deadlineMs: DEADLINE_MS,
    log,
  });
  const ports = { ...service.ports, keys };
  const about = { name: `failover-${randomUUID()}`, version: '0', environment: 'test', issuer: 'test' };
  const endpoints = [...licenseEndpoints(ports, service.settings), ...keyEndpoints(keys)];
  serve({ ports, log, about, config: { CORS_ALLOWED_ORIGINS: [] } }, endpoints);
  const server = getTestServer(about.name);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = createClient({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  // The deadline is short for what the tests are about; reading both keys for the first time may take longer.
  const listed = await vi.waitFor(
    async () => {
      const both = await keys.list();
      expect(both).toHaveLength(2);
      return both;
    },
    { timeout: 30_000 },
  );
  const [first = '', second = ''] = listed.map(({ kid }) => kid);
  kids = { google: first, aws: second };
  close = () => new Promise((resolve) => server.close(() => resolve()));
});

afterEach(() => service.kms.setFault(null));
afterAll(async () => {
  await close();
  await Promise.all([google.close(), aws.close()]);
  await service.stop();
});

/** The kid of a document that a client with the published keys accepts. */
async function kidOfAcquire(licenseKey: string, machine: string): Promise<string> {
  const request = { license_key: licenseKey, hardware_id: machine, format: 'jws' as const };
  const { token = '' } = await client.acquire(request);
  const keys = await Promise.all((await client.jwks()).keys.map(importVerificationKey));
  const result = await verifyDocument(token, { keys, now: Date.now() });
  expect(result).toMatchObject({ valid: true });
  return result.valid ? result.kid : '';
}

test('both keys are published from the first day, and the first one signs', async () => {
  expect(kids.google).not.toBe(kids.aws);
  expect((await client.jwks()).keys.map(({ kid }) => kid).sort()).toEqual([kids.google, kids.aws].sort());
  expect(await kidOfAcquire(await service.addLicense(), 'machine')).toBe(kids.google);
});

const FAULTS: Fault[] = [
  { kind: 'unavailable' },
  { kind: 'permission_denied' },
  { kind: 'resource_exhausted' },
  { kind: 'latency', ms: 5000 },
  { kind: 'wrong_signature' },
  { kind: 'wrong_name' },
];

describe('while the first KMS fails', () => {
  test.each(FAULTS)(
    '$kind: acquires go on under the key of the second, without a second seat',
    async (fault) => {
      await service.kms.setFault(fault);
      const key = await service.addLicense({ seats: 6 });
      for (let i = 0; i < 6; i++) expect(await kidOfAcquire(key, `machine-${i}`)).toBe(kids.aws);
      await expect(client.acquire({ license_key: key, hardware_id: 'one too many' })).rejects.toMatchObject({
        code: 'seats_exhausted',
      });
      const sessions = sessionsPath(service.ports.hasher.hash('license', key));
      expect((await service.ports.store.aggregate({ collection: sessions })).count).toBe(6);
    },
  );

  test('its circuit opens, so that later requests do not wait for it', async () => {
    await service.kms.setFault({ kind: 'latency', ms: 5000 });
    const key = await service.addLicense({ seats: null });
    for (let i = 0; i < 3; i++) await kidOfAcquire(key, `machine-${i}`);
    const before = (await service.kms.stats()).signs.requested;
    for (let i = 3; i < 8; i++) await kidOfAcquire(key, `machine-${i}`);
    // At most a trial, where each of the five would have asked.
    expect((await service.kms.stats()).signs.requested - before).toBeLessThanOrEqual(2);
    expect(logLines.some((line) => line.includes('circuit') && line.includes('is open'))).toBe(true);
  });
});

test('the log says why a circuit is open, once for each time that it opens', async () => {
  const lines: string[] = [];
  const keys = createKeyDirectory({
    client: google,
    awsClient: aws,
    keys: rows,
    deadlineMs: 30_000,
    log: createLog('DEBUG', (line) => lines.push(JSON.parse(line).message)),
  });
  await keys.list();
  await service.kms.setFault({ kind: 'permission_denied' });
  for (let i = 0; i < 12; i++) {
    expect((await keys.sign(ED25519, () => new TextEncoder().encode('a message'))).kid).toBe(kids.aws);
  }
  const circuit = `the circuit of the signer ${TEST_KEYS.ed25519} is`;
  const why = `: PERMISSION_DENIED: Permission 'cloudkms.cryptoKeyVersions.useToSign' denied on resource (or it may not exist).`;
  // A machine that is slow makes trials, which fail too.
  const trials = lines.filter((line) => line === `${circuit} half-open`).length;
  expect(lines.filter((line) => line === `${circuit} open${why}`)).toHaveLength(1 + trials);
  expect(lines).toHaveLength(1 + 2 * trials);
});

test('when the first KMS returns, signing returns to it', async () => {
  await service.kms.setFault({ kind: 'unavailable' });
  const key = await service.addLicense({ seats: null });
  for (let i = 0; i < 4; i++) expect(await kidOfAcquire(key, `machine-${i}`)).toBe(kids.aws);
  await service.kms.setFault(null);
  let machine = 10;
  await expect
    .poll(() => kidOfAcquire(key, `machine-${machine++}`), { timeout: 45_000, interval: 250 })
    .toBe(kids.google);
});

test('when both fail: 503 for the acquire, and its session is there for the retry', async () => {
  await service.kms.setFault({ kind: 'unavailable' });
  await service.kms.setFault({ kind: 'unavailable' }, { method: 'TrentService.Sign' });
  const key = await service.addLicense({ seats: 1 });
  const request = { license_key: key, hardware_id: 'machine' };
  await expect(client.acquire(request)).rejects.toMatchObject({ status: 503, code: 'signing_unavailable' });
  await service.kms.setFault(null);
  expect((await client.acquire(request)).session_id).toBeDefined();
});
