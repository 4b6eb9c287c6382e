import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault, FaultOptions } from '../../infra/local/kms/faults.ts';
import { startLocalKms } from '../../infra/local/kms/process.ts';
import type { CountersignError } from '../../shared/errors.ts';
import { copyOfTestKeys, startTestKms, type TestKms } from '../support/kms.ts';
import { CLOUDS, type Cloud, failureOf, type Options } from './mac-verifier-clouds.ts';

const SECRET = Buffer.alloc(32, 'secret');
const MESSAGE = Buffer.from('{"customer_id":"acme"}');
const RIGHT = createHmac('sha256', SECRET).update(MESSAGE).digest();
const WRONG = createHmac('sha256', SECRET).update('another message').digest();

let kms: TestKms;
beforeAll(async () => {
  kms = await startTestKms();
});
afterEach(() => kms.setFault(null));
afterAll(() => kms.stop());

describe.each(CLOUDS)('$name, when it fails', (cloud) => {
  const faultOf = (kind: Fault['kind']) => ({ kind }) as Fault;
  let connection: ReturnType<Cloud['connect']>;
  let key: string;
  beforeAll(async () => {
    connection = cloud.connect(kms);
    key = await cloud.provision(kms, 'license-hmac', SECRET);
  });
  afterAll(() => connection.close());

  const setFault = (fault: Fault, options: FaultOptions = {}) =>
    kms.setFault(fault, { method: cloud.method, ...options });
  const verify = (mac: Uint8Array, limits: Omit<Options, 'key'> = {}) =>
    connection.verifier({ key, ...limits }).verify(MESSAGE, mac);

  async function timesAsked(during: () => Promise<unknown>): Promise<number> {
    const before = cloud.asked(await kms.stats());
    await during();
    return cloud.asked(await kms.stats()) - before;
  }

  test.each(cloud.passing)('%s, once: asked again, and the verdict is right', async (kind) => {
    await setFault(faultOf(kind), { times: 1 });
    expect(await timesAsked(async () => expect(await verify(RIGHT)).toBe(true))).toBe(2);
    await setFault(faultOf(kind), { times: 1 });
    expect(await verify(WRONG)).toBe(false);
  });

  test.each(cloud.passing)('%s, always: unavailable after three attempts', async (kind) => {
    await setFault(faultOf(kind));
    const asked = await timesAsked(async () => {
      const error = await failureOf(verify(RIGHT));
      expect((error.cause as AggregateError).errors).toHaveLength(3);
    });
    expect(asked).toBe(3);
  });

  test.each(cloud.final)('%s: unavailable, not asked again', async (kind) => {
    await setFault(faultOf(kind));
    expect(await timesAsked(() => failureOf(verify(RIGHT)))).toBe(1);
    expect(await timesAsked(() => failureOf(verify(WRONG)))).toBe(1);
  });

  test.each([...cloud.passing, ...cloud.final])(
    '%s never turns a wrong MAC into a right one',
    async (kind) => {
      await setFault(faultOf(kind));
      const verdict = await verify(WRONG).catch((error: CountersignError) => error.code);
      expect([false, 'signing_unavailable']).toContain(verdict);
    },
  );

  test('a slow KMS within the deadline is waited for', async () => {
    await setFault({ kind: 'latency', ms: 200 }, { times: 2 });
    expect(await verify(RIGHT, { deadlineMs: 30_000 })).toBe(true);
    expect(await verify(WRONG, { deadlineMs: 30_000 })).toBe(false);
  });

  test('a KMS that does not answer before the deadline: unavailable', async () => {
    await setFault({ kind: 'latency', ms: 20_000 });
    const error = await failureOf(verify(RIGHT, { deadlineMs: 300 }));
    expect(String(error.cause)).toMatch(/DEADLINE_EXCEEDED|TimedOut/);
  });

  test('the number of attempts can be set', async () => {
    await setFault({ kind: 'contradiction' });
    expect(await timesAsked(() => failureOf(verify(RIGHT, { maxAttempts: 1 })))).toBe(1);
  });

  test('a port where nobody listens: unavailable', async () => {
    const nobody = cloud.connect({ endpoint: '127.0.0.1:1', awsEndpoint: 'http://127.0.0.1:1' });
    const verifier = nobody.verifier({ key, deadlineMs: 1_000 });
    const error = await failureOf(verifier.verify(MESSAGE, RIGHT));
    expect(String(error.cause)).toMatch(/UNAVAILABLE|Unreachable/);
    await nobody.close();
  });

  test('a KMS that was killed and started again on its ports verifies again', async () => {
    const home = await copyOfTestKeys();
    const first = await startLocalKms({ home });
    const endpoints = {
      endpoint: `127.0.0.1:${first.port}`,
      awsEndpoint: `http://127.0.0.1:${first.awsPort}`,
    };
    const verifier = { key: await cloud.provision(endpoints, 'license-hmac', SECRET) };
    const reconnecting = cloud.connect(endpoints);
    const ask = () => reconnecting.verifier(verifier).verify(MESSAGE, RIGHT);
    expect(await ask()).toBe(true);
    first.kill('SIGKILL');
    await first.exited;
    await failureOf(ask());

    const second = await startLocalKms({ home, port: first.port, awsPort: first.awsPort });
    await expect.poll(ask, { timeout: 30_000 }).toBe(true);
    await reconnecting.close();
    await second.stop();
  });
});
