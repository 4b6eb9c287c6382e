/**
 * Active keys that no waiting makes usable, in both clouds at their wires: what the start is told of each, and that a KMS which
 * is only out of reach is told apart.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Server } from '@grpc/grpc-js';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openClients } from '../../infra/keys.ts';
import { crc32c } from '../../infra/kms/crc32c.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { answer, bind, loadService } from '../../infra/local/kms/grpc.ts';
import { StatusError, type StatusName } from '../../infra/local/kms/status.ts';
import { createLog } from '../../infra/log.ts';
import type { RegisteredKey, SigningKey } from '../../shared/keys/registry.ts';

const ED = 'EC_SIGN_ED25519';
const RSA = 'RSA_SIGN_PKCS1_4096_SHA256';
const GOOGLE_NAME = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555';
const DEADLINE_MS = 30_000;

const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const PEMS = {
  rsa: spki(generateKeyPairSync('rsa', { modulusLength: 4096 }).publicKey),
  rsa2048: spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey),
  ed: spki(generateKeyPairSync('ed25519').publicKey),
};

let closeClients: () => Promise<void> = async () => undefined;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
});
afterEach(async () => {
  await closeClients();
  vi.unstubAllEnvs();
});

async function problemsOf(key: Partial<SigningKey>, ...others: RegisteredKey[]): Promise<string[]> {
  const clients = openClients({ KMS_ENDPOINT: endpoint, AWS_KMS_ENDPOINT: undefined });
  closeClients = clients.close;
  const row: SigningKey = { name: GOOGLE_NAME, algorithm: RSA, use: 'license', state: 'active', ...key };
  const log = createLog('ERROR', () => undefined);
  const keys = [row, ...others];
  return createKeyDirectory({ ...clients.access, keys, deadlineMs: DEADLINE_MS, log }).activeProblems();
}

/** Google's side: what the next questions for the public key are answered, the last one from then on. */
let answers: (object | StatusName)[] = [];
let endpoint: string;
const google = new Server();

beforeAll(async () => {
  google.addService(loadService(), {
    GetPublicKey: answer(async ({ name }: { name: string }) => {
      const [next = 'INTERNAL'] = answers.length > 1 ? answers.splice(0, 1) : answers;
      if (typeof next === 'string') throw new StatusError(next, `the key ${name} says ${next}`);
      return { name, ...next };
    }),
  });
  endpoint = `127.0.0.1:${await bind(google, 0)}`;
});
afterAll(() => google.forceShutdown());

const publicKey = (algorithm: string, pem = PEMS.rsa) => ({
  algorithm,
  pem,
  pemCrc32c: { value: crc32c(Buffer.from(pem)) },
});

describe('in Google Cloud', () => {
  test('a good key stops nothing', async () => {
    answers = [publicKey(RSA)];
    expect(await problemsOf({})).toEqual([]);
  });

  test.each([
    'RSA_SIGN_PSS_4096_SHA256',
    'RSA_SIGN_PKCS1_4096_SHA512',
    'RSA_SIGN_PKCS1_2048_SHA256',
    'EC_SIGN_P256_SHA256',
  ])('a key of the algorithm %s stops the start', async (algorithm) => {
    answers = [publicKey(algorithm)];
    expect(await problemsOf({})).toEqual([
      `The active key ${GOOGLE_NAME} cannot be used: ${GOOGLE_NAME} has the algorithm ${algorithm}, which Countersign does not know`,
    ]);
  });

  test('a key of the other algorithm stops the start', async () => {
    answers = [publicKey(ED, PEMS.ed)];
    expect(await problemsOf({})).toEqual([
      `The active key ${GOOGLE_NAME} cannot be used: its algorithm is configured as ${RSA}; its KMS has ${ED}`,
    ]);
  });

  test.each<StatusName>(['NOT_FOUND', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT'])(
    '%s stops the start, at once and after a failure that passes',
    async (status) => {
      for (const before of [[], ['UNAVAILABLE']] as StatusName[][]) {
        answers = [...before, status];
        const [problem, ...rest] = await problemsOf({});
        expect(problem).toContain(`The active key ${GOOGLE_NAME} cannot be used: ${status}: `);
        expect(rest).toEqual([]);
      }
    },
  );

  test.each<StatusName>(['UNAVAILABLE', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED'])(
    '%s stops nothing',
    async (status) => {
      answers = [status];
      expect(await problemsOf({})).toEqual([]);
    },
  );

  test('a key that is in the list a second time, which only its KMS says, stops the start', async () => {
    answers = [publicKey(RSA)];
    const kid = thumbprint(jwkFromPem(PEMS.rsa));
    const foreign = { use: 'verify', algorithm: RSA, issuer: 'x', state: 'compromised' } as const;
    expect(await problemsOf({}, { ...foreign, pem: PEMS.rsa, kid: 'old' })).toEqual([
      `The active key ${GOOGLE_NAME} cannot be used: its kid, ${kid}, is that of another key in the list`,
    ]);
    expect(await problemsOf({ fingerprint: kid }, { ...foreign, algorithm: ED, pem: PEMS.ed })).toEqual([]);
  });
});

describe('in AWS', () => {
  const aws = setupServer();
  // Not before Google's turn: it would have gRPC's connections too.
  beforeAll(() => aws.listen({ onUnhandledFrame: 'error' }));
  afterAll(() => aws.close());
  const key = { name: ARN };
  const good = { KeyId: ARN, KeySpec: 'RSA_4096', KeyUsage: 'SIGN_VERIFY', PublicKey: derOf(PEMS.rsa) };
  const answering = (body: object, status = 200) =>
    aws.use(http.all('*', () => HttpResponse.json(body, { status })));
  const refusing = (type: string, status = 400) =>
    answering({ __type: type, message: `${ARN} says no` }, status);

  afterEach(() => aws.resetHandlers());

  test('a good key stops nothing', async () => {
    answering(good);
    expect(await problemsOf(key)).toEqual([]);
  });

  test.each([
    ['a shorter RSA key', { KeySpec: 'RSA_2048', PublicKey: derOf(PEMS.rsa2048) }],
    ['a key for encryption', { KeyUsage: 'ENCRYPT_DECRYPT' }],
    ['a key on a curve that nobody asked for', { KeySpec: 'ECC_NIST_P256' }],
  ])('%s stops the start', async (_, more) => {
    answering({ ...good, ...more });
    const { KeySpec, KeyUsage } = { ...good, ...more };
    expect(await problemsOf(key)).toEqual([
      `The active key ${ARN} cannot be used: ${ARN} is ${KeySpec} for ${KeyUsage}, with which Countersign cannot sign`,
    ]);
  });

  test('a key of the other algorithm stops the start', async () => {
    answering({ ...good, KeySpec: 'ECC_NIST_EDWARDS25519', PublicKey: derOf(PEMS.ed) });
    expect(await problemsOf(key)).toEqual([
      `The active key ${ARN} cannot be used: its algorithm is configured as ${RSA}; its KMS has ${ED}`,
    ]);
  });

  test.each([
    'UnsupportedOperationException',
    'InvalidKeyUsageException',
    'DisabledException',
    'KMSInvalidStateException',
    'NotFoundException',
  ])('%s stops the start', async (type) => {
    refusing(type);
    expect(await problemsOf(key)).toEqual([`The active key ${ARN} cannot be used: ${type}: ${ARN} says no`]);
  });

  test.each([
    ['AccessDeniedException', 400],
    ['ThrottlingException', 400],
    ['KMSInternalException', 500],
  ])('%s stops nothing', async (type, status) => {
    refusing(type, status);
    expect(await problemsOf(key)).toEqual([]);
  });

  test('an environment without credentials stops the start', async () => {
    for (const variable of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
      vi.stubEnv(variable, undefined);
    for (const file of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(file, 'nonexistent');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    const [problem] = await problemsOf(key);
    expect(problem).toContain(
      `The active key ${ARN} cannot be used: Misconfigured: Could not load credentials`,
    );
  });
});

function derOf(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, '');
}
