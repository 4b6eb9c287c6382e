/** What the AWS verifier sends, and what it makes of answers that lie. No KMS is involved. */

import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AwsKmsClient, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { awsMacVerifier } from '../../infra/kms/aws-mac.ts';
import { failureOf } from './mac-verifier-clouds.ts';

const ENDPOINT = 'http://kms.test';
const ARN = 'arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555';
const OTHER_ARN = ARN.replace('1111-', '9999-');
const MESSAGE = Buffer.from('{"owner":"Zoë"}');
const MAC = Buffer.alloc(32, 7);
const YES = { KeyId: ARN, MacValid: true, MacAlgorithm: 'HMAC_SHA_256' };

const server = setupServer();
let client: AwsKmsClient;
beforeAll(() => {
  server.listen({ onUnhandledFrame: 'error' });
  client = createAwsKmsClient({ endpoint: ENDPOINT });
});
afterEach(() => server.resetHandlers());
afterAll(async () => {
  server.close();
  await client.close();
});

interface Answer {
  readonly body: object | string;
  readonly status?: number;
}

/** Answers the n-th request with the n-th answer, later ones with the last; returns what was received. */
function answering(...answers: readonly Answer[]) {
  const seen: { readonly headers: Headers; readonly body: unknown }[] = [];
  server.use(
    http.all('*', async ({ request }) => {
      seen.push({ headers: request.headers, body: await request.json() });
      const { body = '', status = 200 } = answers[seen.length - 1] ?? answers.at(-1) ?? {};
      return new HttpResponse(typeof body === 'string' ? body : JSON.stringify(body), { status });
    }),
  );
  return seen;
}

const verify = (keyId = ARN) => awsMacVerifier(client, { keyId }).verify(MESSAGE, MAC);
const failing = (__type: string, status = 400): Answer => ({ body: { __type, message: 'no' }, status });

test('what is sent: message, MAC and algorithm, with a signature that covers the body', async () => {
  const seen = answering({ body: YES });
  expect(await verify()).toBe(true);
  const [{ headers, body } = {}] = seen;
  expect(headers?.get('x-amz-target')).toBe('TrentService.VerifyMac');
  expect(headers?.get('authorization')).toMatch(/SignedHeaders=[^,]*x-amz-content-sha256/);
  expect(body).toEqual({
    KeyId: ARN,
    Message: MESSAGE.toString('base64'),
    Mac: MAC.toString('base64'),
    MacAlgorithm: 'HMAC_SHA_256',
  });
  expect(seen).toHaveLength(1);
});

describe('answers that lie', () => {
  const lies: [label: string, answer: Answer, cause: string][] = [
    ['another key', { body: { ...YES, KeyId: OTHER_ARN } }, 'the answer names'],
    ['no key', { body: { ...YES, KeyId: undefined } }, 'the answer names'],
    ['another algorithm', { body: { ...YES, MacAlgorithm: 'HMAC_SHA_512' } }, 'the answer is for'],
    ['no algorithm', { body: { ...YES, MacAlgorithm: undefined } }, 'the answer is for'],
    ['a success that says false', { body: { ...YES, MacValid: false } }, 'says false'],
    ['a success that says nothing', { body: { ...YES, MacValid: undefined } }, 'says undefined'],
    ['a success that says "true"', { body: { ...YES, MacValid: 'true' } }, ''],
    ['an empty object', { body: {} }, 'the answer names'],
    ['an empty body', { body: '' }, 'the answer names'],
    ['HTML', { body: '<html>Welcome to the hotel</html>' }, 'MalformedAnswer'],
    ['a wrong MAC that is an error of the server', failing('KMSInvalidMacException', 500), 'KMSInvalidMac'],
    ['KMSInternalException', failing('KMSInternalException', 500), 'KMSInternalException'],
    ['ThrottlingException', failing('ThrottlingException'), 'ThrottlingException'],
  ];

  test.each(lies)('%s, once: asked again, and the verdict is right', async (_, lie) => {
    const seen = answering(lie, { body: YES });
    expect(await verify()).toBe(true);
    expect(seen).toHaveLength(2);
    answering(lie, failing('KMSInvalidMacException'));
    expect(await verify()).toBe(false);
  });

  test.each(lies)('%s, always: three attempts, and no verdict', async (_, lie, cause) => {
    const seen = answering(lie);
    expect(String((await failureOf(verify())).cause)).toContain(cause);
    expect(seen).toHaveLength(3);
  });

  test.each(['AccessDeniedException', 'InvalidKeyUsageException', 'KMSInvalidSignatureException'])(
    '%s is no verdict, and is not asked again',
    async (type) => {
      const seen = answering(failing(type));
      expect(String((await failureOf(verify())).cause)).toContain(type);
      expect(seen).toHaveLength(1);
    },
  );

  test('an alias for an answer is no key', async () => {
    answering({ body: { ...YES, KeyId: 'alias/license-hmac' } });
    await failureOf(verify('alias/license-hmac'));
  });
});
