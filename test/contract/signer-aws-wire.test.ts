/** What the AWS signer sends, byte for byte, and what it makes of answers that lie. No KMS is involved. */

import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { HttpResponse, http, passthrough } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AwsKmsClient, awsPublicKey, awsSigner, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { CountersignError } from '../../shared/errors.ts';

const ENDPOINT = 'http://kms.test';
const ARN = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555';
const OTHER_ARN = ARN.replace('1111-', '9999-');
const ALIAS = 'alias/license';
const MESSAGE = Buffer.from('{"owner":"Zoë"}');
/** How late an answer may be on a busy machine. */
const SLACK_MS = 4_000;

const KEYS = {
  rsa: {
    ...generateKeyPairSync('rsa', { modulusLength: 4096 }),
    hash: 'sha256',
    keySpec: 'RSA_4096',
    signing: 'RSASSA_PKCS1_V1_5_SHA_256',
    sent: { Message: createHash('sha256').update(MESSAGE).digest('base64'), MessageType: 'DIGEST' },
  },
  ed25519: {
    ...generateKeyPairSync('ed25519'),
    hash: null,
    keySpec: 'ECC_NIST_EDWARDS25519',
    signing: 'ED25519_SHA_512',
    sent: { Message: MESSAGE.toString('base64'), MessageType: 'RAW' },
  },
} as const;
type Key = (typeof KEYS)[keyof typeof KEYS];

const server = setupServer();
let client: AwsKmsClient;
beforeAll(() => {
  server.listen({ onUnhandledFrame: 'error' });
  client = createAwsKmsClient({ endpoint: ENDPOINT });
});
afterEach(() => {
  server.resetHandlers();
  vi.unstubAllEnvs();
});
afterAll(async () => {
  server.close();
  await client.close();
});

const spkiOf = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64');
const signatureOf = ({ hash, privateKey }: Key) => sign(hash, MESSAGE, privateKey).toString('base64');
const publicKeyAnswer = (key: Key) => ({
  KeyId: ARN,
  PublicKey: spkiOf(key.publicKey),
  KeySpec: key.keySpec,
  KeyUsage: 'SIGN_VERIFY',
});
const signAnswer = (key: Key) => ({ KeyId: ARN, Signature: signatureOf(key), SigningAlgorithm: key.signing });

interface Seen {
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Answers the n-th request with the n-th answer, later ones with the last; returns what was received. */
function answering(...answers: readonly (() => Response)[]): Seen[] {
  const seen: Seen[] = [];
  server.use(
    http.all('*', async ({ request }) => {
      const body: unknown = JSON.parse((await request.text()) || 'null');
      seen.push({ url: request.url, headers: request.headers, body });
      return (answers[seen.length - 1] ?? answers.at(-1))?.();
    }),
  );
  return seen;
}
const json =
  (body: object, status = 200) =>
  () =>
    HttpResponse.json(body, { status }) as Response;
const text = (body: string, status: number) => () => new HttpResponse(body, { status }) as Response;
const failing = (type: string, status = 400) => json({ __type: type, message: `${ARN} says no` }, status);

function signerOf(key: Key, options: { keyId?: string; deadlineMs?: number; over?: AwsKmsClient } = {}) {
  const { keyId = ALIAS, over = client, deadlineMs } = options;
  const algorithm = key.hash === null ? 'EC_SIGN_ED25519' : 'RSA_SIGN_PKCS1_4096_SHA256';
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return awsSigner(over, { keyId, publicKey: { keyArn: ARN, algorithm, pem }, kid: 'test', deadlineMs });
}

async function failureOf(promise: Promise<unknown>): Promise<CountersignError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CountersignError)) throw new Error(`not a CountersignError: ${error}`);
  expect(error.code).toBe('signing_unavailable');
  expect(error.message).not.toMatch(/arn:|alias|Exception/);
  return error;
}

describe.each(Object.entries(KEYS))('%s', (_, key) => {
  test('Sign: what is sent, once, with local credentials and to nobody else', async () => {
    const seen = answering(json(signAnswer(key)));
    const { bytes } = await signerOf(key).sign(MESSAGE);
    expect(verify(key.hash, MESSAGE, key.publicKey, bytes)).toBe(true);
    expect(seen).toHaveLength(1);
    const [{ url, headers, body } = {} as Seen] = seen;
    expect(url).toBe(`${ENDPOINT}/`);
    expect(headers.get('x-amz-target')).toBe('TrentService.Sign');
    expect(headers.get('content-type')).toBe('application/x-amz-json-1.1');
    expect(headers.get('authorization')).toMatch(/^AWS4-HMAC-SHA256 Credential=local\/\d+\/us-east-1\/kms/);
    expect(body).toEqual({ KeyId: ALIAS, SigningAlgorithm: key.signing, ...key.sent });
  });

  test('GetPublicKey: what is sent, and a PEM out of the DER', async () => {
    const seen = answering(json(publicKeyAnswer(key)));
    const { keyArn, pem } = await awsPublicKey(client, ALIAS);
    expect(keyArn).toBe(ARN);
    expect(pem).toBe(key.publicKey.export({ type: 'spki', format: 'pem' }));
    expect(seen.map(({ headers, body }) => [headers.get('x-amz-target'), body])).toEqual([
      ['TrentService.GetPublicKey', { KeyId: ALIAS }],
    ]);
  });

  const good = Buffer.from(signatureOf(key), 'base64');
  const withSignature = (bytes: Buffer) => json({ ...signAnswer(key), Signature: bytes.toString('base64') });
  const lies: [label: string, answer: () => Response, cause: string][] = [
    ['another key', json({ ...signAnswer(key), KeyId: OTHER_ARN }), 'the answer names'],
    ['the alias', json({ ...signAnswer(key), KeyId: ALIAS }), 'the answer names'],
    ['no key', json({ ...signAnswer(key), KeyId: undefined }), 'the answer names'],
    [
      'another algorithm',
      json({ ...signAnswer(key), SigningAlgorithm: 'RSASSA_PSS_SHA_256' }),
      'the answer is for',
    ],
    ['no signature', json({ ...signAnswer(key), Signature: undefined }), 'has 0 bytes'],
    ['an empty signature', withSignature(Buffer.alloc(0)), 'has 0 bytes'],
    ['a truncated signature', withSignature(good.subarray(1)), 'bytes, not'],
    ['a longer signature', withSignature(Buffer.concat([good, Buffer.alloc(1)])), 'bytes, not'],
    ['zeros', withSignature(Buffer.alloc(good.length)), 'does not verify'],
    [
      'the signature of another message',
      withSignature(sign(key.hash, Buffer.from('other'), key.privateKey)),
      'does not verify',
    ],
    ['no base64', json({ ...signAnswer(key), Signature: '?'.repeat(88) }), 'MalformedAnswer'],
    ['numbers for strings', json({ KeyId: 1, Signature: 2, SigningAlgorithm: 3 }), ''],
    ['an empty object', json({}), 'the answer names undefined'],
    ['an empty body', text('', 200), 'the answer names undefined'],
    ['HTML', text('<html>Welcome to the hotel</html>', 200), 'MalformedAnswer'],
    ['HTML with 502', text('<html>Bad gateway</html>', 502), 'MalformedAnswer'],
    ['500 without a word', text('', 500), 'Unknown'],
    ['KMSInternalException', failing('KMSInternalException', 500), 'KMSInternalException'],
    ['DependencyTimeoutException', failing('DependencyTimeoutException', 500), 'DependencyTimeout'],
    ['KeyUnavailableException', failing('KeyUnavailableException', 500), 'KeyUnavailableException'],
    ['an unknown error with 503', failing('NewException', 503), 'NewException'],
    ['ThrottlingException', failing('ThrottlingException'), 'ThrottlingException'],
  ];

  test.each(lies)('%s, once: asked again, and the signature is right', async (_, lie) => {
    const seen = answering(lie, json(signAnswer(key)));
    const { bytes } = await signerOf(key).sign(MESSAGE);
    expect(verify(key.hash, MESSAGE, key.publicKey, bytes)).toBe(true);
    expect(seen).toHaveLength(2);
  });

  test.each(lies)('%s, always: three attempts, and no signature', async (_, lie, cause) => {
    const seen = answering(lie);
    const error = await failureOf(signerOf(key).sign(MESSAGE));
    expect(String(error.cause)).toContain(cause);
    expect(seen).toHaveLength(3);
  });
});

test.each([
  ['AccessDeniedException', 'denied access'],
  ['DisabledException', 'is disabled'],
  ['KMSInvalidStateException', 'pending deletion'],
  ['NotFoundException', 'does not exist'],
  ['LimitExceededException', 'limit of its account'],
  ['ExpiredTokenException', 'refused'],
  ['InvalidKeyUsageException', 'refused'],
  ['constructor', 'refused'],
  ['__proto__', 'refused'],
])('%s: not asked again; the sentence says what is wrong, the cause who said it', async (type, detail) => {
  const seen = answering(failing(type));
  const error = await failureOf(signerOf(KEYS.ed25519).sign(MESSAGE));
  expect(error.message).toContain(detail);
  expect(error.retryAfterSeconds).toBe(60);
  expect(String(error.cause)).toContain(`${type}: ${ARN} says no`);
  expect(seen).toHaveLength(1);
});

describe('a public key that is not what was asked for', () => {
  const right = publicKeyAnswer(KEYS.ed25519);
  const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  test.each([
    ['another ARN', ARN, { ...right, KeyId: OTHER_ARN }, 3],
    ['another key id', '11111111', right, 3],
    ['an alias for an answer', ALIAS, { ...right, KeyId: ALIAS }, 3],
    ['no key id', ALIAS, { ...right, KeyId: undefined }, 3],
    ['no key', ALIAS, { ...right, PublicKey: undefined }, 3],
    ['bytes that are no key', ALIAS, { ...right, PublicKey: 'AAAA' }, 3],
    ['a key of a third kind', ALIAS, { ...right, PublicKey: spkiOf(P256.publicKey) }, 3],
    ['another spec than the key has', ALIAS, { ...right, KeySpec: 'RSA_4096' }, 3],
    ['a spec nobody knows', ALIAS, { ...right, KeySpec: '__proto__' }, 1],
    ['a spec nobody signs with', ALIAS, { ...right, KeySpec: 'ECC_NIST_P256' }, 1],
    ['another usage', ALIAS, { ...right, KeyUsage: 'ENCRYPT_DECRYPT' }, 1],
  ])('%s', async (_, keyId, answer, attempts) => {
    const seen = answering(json(answer));
    await failureOf(awsPublicKey(client, keyId));
    expect(seen).toHaveLength(attempts);
  });

  test('a smaller RSA key than the spec says', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    answering(json({ ...publicKeyAnswer(KEYS.rsa), PublicKey: spkiOf(publicKey) }));
    const error = await failureOf(awsPublicKey(client, ALIAS));
    expect(String(error.cause)).toContain('is no RSA_4096');
  });

  test('the ARN or the id that was asked for', async () => {
    answering(json(right));
    for (const keyId of [ARN, ARN.slice(-36)]) expect((await awsPublicKey(client, keyId)).keyArn).toBe(ARN);
  });
});

/** A server that treats each connection as told; `passthrough` leaves its port to the network. */
async function signAgainst(
  treat: (socket: Socket) => void,
): Promise<{ error: CountersignError; ms: number }> {
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => treat(socket));
  }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const endpoint = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
  server.use(http.all(`${endpoint}/*`, () => passthrough()));
  const over = createAwsKmsClient({ endpoint });
  const start = performance.now();
  const error = await failureOf(signerOf(KEYS.ed25519, { over, deadlineMs: 800 }).sign(MESSAGE));
  const ms = performance.now() - start;
  await over.close();
  tcp.close();
  return { error, ms };
}

describe('connections', () => {
  const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"KeyId":';

  test.each([
    ['reset before an answer', (socket: Socket) => socket.resetAndDestroy(), 'Unreachable'],
    ['reset inside an answer', (socket: Socket) => socket.write(HEAD, () => socket.destroy()), 'Unreachable'],
    ['silent', () => {}, 'TimedOut'],
    ['silent inside an answer', (socket: Socket) => socket.write(HEAD), 'TimedOut'],
    ['no HTTP', (socket: Socket) => socket.end('220 smtp ready\r\n'), 'Unreachable'],
  ])('%s', async (_, treat, cause) => {
    const { error, ms } = await signAgainst(treat);
    expect(String(error.cause)).toContain(cause);
    expect(ms).toBeLessThan(800 + SLACK_MS);
  });
});

describe('credentials of the environment', () => {
  function withoutCredentials(): void {
    const variables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'];
    for (const variable of variables) vi.stubEnv(variable, undefined);
    for (const file of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(file, 'nonexistent');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  }

  test('none: unavailable, and the next call looks again', async () => {
    withoutCredentials();
    const seen = answering(json(signAnswer(KEYS.ed25519)));
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    const over = createAwsKmsClient();
    const signer = signerOf(KEYS.ed25519, { over });
    for (const _ of ['first', 'second']) {
      expect(String((await failureOf(signer.sign(MESSAGE))).cause)).toContain('Misconfigured');
    }
    expect(seen).toHaveLength(0);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    await signer.sign(MESSAGE);
    expect(seen.map(({ url }) => url)).toEqual(['https://kms.eu-central-1.amazonaws.com/']);
    expect(seen[0]?.headers.get('authorization')).toContain('Credential=AKIDEXAMPLE/');
    await over.close();
  });

  test('some that never come: given up at the deadline', async () => {
    withoutCredentials();
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://localhost/credentials');
    const asked = vi.fn(() => new Promise<never>(() => {}));
    server.use(http.get('http://localhost/credentials', asked));
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    const over = createAwsKmsClient();
    const start = performance.now();
    const signing = signerOf(KEYS.ed25519, { over, deadlineMs: 400 }).sign(MESSAGE);
    expect(String((await failureOf(signing)).cause)).toContain('TimedOut');
    expect(performance.now() - start).toBeLessThan(400 + SLACK_MS);
    expect(asked).toHaveBeenCalled();
    await over.close();
  });

  test('no region: unavailable, and the log says so', async () => {
    withoutCredentials();
    for (const variable of ['AWS_REGION', 'AWS_DEFAULT_REGION']) vi.stubEnv(variable, undefined);
    const over = createAwsKmsClient();
    const error = await failureOf(awsPublicKey(over, ALIAS));
    expect(String(error.cause)).toContain('Region is missing');
    await over.close();
  });
});
