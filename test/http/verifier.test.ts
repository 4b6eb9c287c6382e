/** A client that pins the root alone, through a rotation and a compromise; and what servers do to it that are down or hostile. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKmsClient, type KmsClient } from '../../infra/kms/google.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { createClient } from '../../shared/client/client.ts';
import { createVerifier, type Verifier } from '../../shared/client/verifier.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { publishManifest } from '../../shared/usecases/publish-manifest.ts';
import { TEST_KEYS } from '../support/kms.ts';
import { type Root, rootOf } from '../support/root-of.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';

const ED25519 = 'EC_SIGN_ED25519';
const RING = 'projects/test/locations/global/keyRings/verifier';
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
const LIFETIME_SECONDS = 30 * DAY_SECONDS;
/** As long as a verifier goes without a read, and a little. */
const STALE_SECONDS = 21;

let service: TestService;
let served: ServedKeys;
let kms: KmsClient;
let next: string;
let root: Root;
let otherRoot: Root;

beforeAll(async () => {
  service = await startTestService();
  const ids = ['root', 'other-root', 'next'].map((id) => ({ id, algorithm: ED25519 }) as const);
  const names = await provisionKeys(service.kms.endpoint, RING, ids);
  const [rootName = '', otherName = ''] = names;
  next = names[2] ?? '';
  kms = createKmsClient({ endpoint: service.kms.endpoint });
  [root, otherRoot] = [await rootOf(kms, rootName), await rootOf(kms, otherName)];
});
afterAll(async () => {
  await kms.close();
  await service.stop();
});

beforeEach(async () => {
  served = await serveKeys(service);
});
afterEach(() => served.stop());

type State = Pick<SigningKey, 'state' | 'sunsetAt'>;

const keyIn = (name: string, state: State): SigningKey => ({
  name,
  algorithm: ED25519,
  use: 'license',
  ...state,
});

/** The operator publishes the service's keys; answers the manifest. */
async function publish({ signer } = root): Promise<string> {
  const keys = await served.directory().list();
  const publication = { root: signer, keys, issuer: 'test', lifetimeSeconds: LIFETIME_SECONDS };
  return (await publishManifest(service.ports, publication)).token;
}

/** The old key and the next one change their states: the service signs accordingly, and the operator publishes it. */
function rotate(old: State, young: State, by?: Root): Promise<string> {
  served.use({ keys: [keyIn(TEST_KEYS.ed25519, old), keyIn(next, young)] });
  return publish(by);
}

/** A document of the key that is active now. */
async function acquire(): Promise<string> {
  const license_key = await service.addLicense();
  const client = createClient({ baseUrl: served.baseUrl });
  const { token = '' } = await client.acquire({ license_key, hardware_id: 'machine-1', format: 'jws' });
  return token;
}

async function codeOf(verifier: Verifier, document: string): Promise<string> {
  const result = await verifier.verify(document, { scope: { hardwareId: 'machine-1' } });
  return result.valid ? 'valid' : result.code;
}

const [staged, active, retired] = [{ state: 'staged' }, { state: 'active' }, { state: 'retired' }] as const;
const compromised = { state: 'compromised' } as const;
const now = () => service.ports.clock.now();
const pinned = () => ({ root: root.key, now, baseUrl: service.baseUrl });

describe('a client that pins the root alone', () => {
  test('goes through a rotation with a manifest of last week, first offline and then online', async () => {
    let kept: string | undefined;
    await rotate(active, staged);
    const onManifest = (text: string) => {
      kept = text;
    };
    const verifier = await createVerifier({ ...pinned(), onManifest });
    expect(await codeOf(verifier, await acquire())).toBe('valid');
    const stored = kept;
    expect(stored).toBeDefined();

    service.advance(7 * DAY_SECONDS);
    const ofOld = await acquire();
    const sunsetAt = now() + DAY_SECONDS * 1000;
    await rotate({ state: 'retiring', sunsetAt }, active);
    const ofNext = await acquire();
    const offline = () => Promise.reject(new Error('offline'));
    const away = await createVerifier({ root: root.key, now, stored, fetchManifest: offline });
    const back = await createVerifier({ ...pinned(), stored, onManifest });
    for (const client of [away, back]) {
      expect(client.problem).toBeUndefined();
      expect([await codeOf(client, ofNext), await codeOf(client, ofOld)]).toEqual(['valid', 'valid']);
    }
    expect([away.problem?.code, back.problem]).toEqual(['manifest_unavailable', undefined]);
    expect(kept).not.toBe(stored);

    service.advance(DAY_SECONDS - HOUR_SECONDS);
    expect(await codeOf(back, ofOld)).toBe('valid');
    service.advance(HOUR_SECONDS);
    expect([await codeOf(back, ofNext), await codeOf(back, ofOld)]).toEqual(['valid', 'key_retired']);
    await rotate(retired, active);
    service.advance(STALE_SECONDS);
    expect([await codeOf(back, ofNext), await codeOf(back, ofOld)]).toEqual(['valid', 'key_retired']);
    // Without ever having heard of the rotation: the new key holds, and the old one too.
    expect([await codeOf(away, ofNext), await codeOf(away, ofOld)]).toEqual(['valid', 'valid']);
  });

  test('refuses a compromised key soon after its publication, and accepts the new one at once', async () => {
    served.use({ keys: [keyIn(TEST_KEYS.ed25519, active)] });
    await publish();
    const leaked = await acquire();
    const [running, other] = [await createVerifier(pinned()), await createVerifier(pinned())];
    expect([await codeOf(running, leaked), await codeOf(other, leaked)]).toEqual(['valid', 'valid']);

    await rotate(compromised, active);
    service.advance(STALE_SECONDS);
    expect(await codeOf(running, leaked)).toBe('key_compromised');
    const ofNext = await acquire();
    expect([await codeOf(running, ofNext), await codeOf(other, ofNext)]).toEqual(['valid', 'valid']);
  });

  test('reads the manifest again for a key that was never announced', async () => {
    await rotate(active, staged);
    const verifier = await createVerifier(pinned());
    expect(await codeOf(verifier, await acquire())).toBe('valid');
    const [hasty = ''] = await provisionKeys(service.kms.endpoint, RING, [
      { id: 'hasty', algorithm: ED25519 },
    ]);
    served.use({ keys: [keyIn(hasty, active)] });
    const document = await acquire();
    expect(await codeOf(verifier, document)).toBe('unknown_key');
    await publish();
    service.advance(5);
    expect(await codeOf(verifier, document)).toBe('valid');
  });
});

describe('a server of manifests', () => {
  let server: Server;
  let asked: { readonly path: string | undefined; readonly headers: IncomingHttpHeaders }[];
  let answer: (response: ServerResponse) => void;
  let port = 0;

  const says = (text: string) => (response: ServerResponse) => void response.end(text);
  async function listen(): Promise<void> {
    server = createServer(({ url, headers }, response) => {
      asked.push({ path: url, headers });
      answer(response);
    });
    await once(server.listen(port, '127.0.0.1'), 'listening');
    ({ port } = server.address() as AddressInfo);
  }
  const close = async () => {
    server.closeAllConnections();
    if (server.listening) await once(server.close(), 'close');
  };

  beforeEach(async () => {
    asked = [];
    await listen();
  });
  afterEach(close);

  const start = (more: { stored?: string; timeoutMs?: number } = {}) =>
    createVerifier({ root: root.key, now, baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 30_000, ...more });

  test('that goes down and comes back: the manifest at hand holds until it expires', async () => {
    answer = says(await rotate(active, staged));
    const verifier = await start();
    expect(await codeOf(verifier, await acquire())).toBe('valid');
    await close();
    service.advance(LIFETIME_SECONDS - HOUR_SECONDS);
    const document = await acquire();
    expect(await codeOf(verifier, document)).toBe('valid');
    expect(verifier.problem).toMatchObject({ code: 'manifest_unavailable', cause: expect.any(Error) });
    service.advance(HOUR_SECONDS);
    expect(await codeOf(verifier, document)).toBe('manifest_expired');
    answer = says(await rotate(active, staged));
    await listen();
    service.advance(STALE_SECONDS);
    expect([await codeOf(verifier, document), verifier.problem]).toEqual(['valid', undefined]);
  });

  test('that serves an old manifest again is refused, and the compromise stays known', async () => {
    const old = await rotate(active, staged);
    const leaked = await acquire();
    const current = await rotate(compromised, active);
    answer = says(current);
    const verifier = await start();
    expect(await codeOf(verifier, leaked)).toBe('key_compromised');
    answer = says(old);
    service.advance(STALE_SECONDS);
    expect([await codeOf(verifier, leaked), verifier.problem?.code]).toEqual([
      'key_compromised',
      'manifest_outdated',
    ]);
    const restarted = await start({ stored: current });
    expect([await codeOf(restarted, leaked), restarted.problem?.code]).toEqual([
      'key_compromised',
      'manifest_outdated',
    ]);
  });

  test('that serves a manifest of another root is refused', async () => {
    const genuine = await rotate(active, staged);
    answer = says(await rotate(active, staged, otherRoot));
    const document = await acquire();
    expect(await codeOf(await start(), document)).toBe('unknown_root');
    const verifier = await start({ stored: genuine });
    expect([await codeOf(verifier, document), verifier.problem?.code]).toEqual(['valid', 'unknown_root']);
  });

  test.each([404, 500])('that answers %i has no manifest, whatever it says', async (status) => {
    const text = await rotate(active, staged);
    answer = (response) => void response.writeHead(status).end(text);
    const verifier = await start();
    expect(await codeOf(verifier, await acquire())).toBe('manifest_unavailable');
    expect(String(verifier.problem?.cause)).toContain(`status ${status}`);
  });

  test.each([
    ['answers nothing', () => {}],
    ['stops in the middle', (response: ServerResponse) => void response.writeHead(200).write('eyJ')],
  ])('that %s is given up', async (_what, silence) => {
    const stored = await rotate(active, staged);
    const gone = Promise.withResolvers<unknown>();
    answer = (response) => {
      response.once('close', gone.resolve);
      silence(response);
    };
    const verifier = await start({ stored, timeoutMs: 100 });
    expect(await codeOf(verifier, await acquire())).toBe('valid');
    expect(verifier.problem?.code).toBe('manifest_unavailable');
    await gone.promise;
  });

  test('that sends without end is given up before it fills the memory', async () => {
    const stored = await rotate(active, staged);
    const document = await acquire();
    const gone = Promise.withResolvers<unknown>();
    answer = (response) => {
      const part = gzipSync(Buffer.alloc(1_000_000, 'eyJ'));
      response.writeHead(200, { 'content-encoding': 'gzip' }).once('close', gone.resolve);
      const more = () => void response.write(part, () => response.destroyed || setImmediate(more));
      more();
    };
    const verifier = await start({ stored });
    expect(await codeOf(verifier, document)).toBe('valid');
    expect(String(verifier.problem?.cause)).toContain('more than a manifest has');
    await gone.promise;
  });

  test('is asked once, past the cache of the client', async () => {
    answer = says(await rotate(active, staged));
    await codeOf(await start(), await acquire());
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      path: '/.well-known/license-keys',
      headers: { 'cache-control': expect.stringMatching(/max-age=0|no-cache/) },
    });
  });
});

test('a base URL that is none stops the start', async () => {
  await expect(createVerifier({ root: root.key, baseUrl: 'nowhere' })).rejects.toThrow(TypeError);
});
