/** A manifest that nobody renews: the service says so in its log when it serves it, in time and not too often. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKmsClient } from '../../infra/kms/google.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { openRootKey } from '../../infra/root-key.ts';
import { publishManifest } from '../../shared/usecases/publish-manifest.ts';
import { startTestService, type TestService } from '../support/service.ts';

const RING = 'projects/test/locations/global/keyRings/root';
const ED = 'EC_SIGN_ED25519';
const DAY = 86_400;
const LIFE_DAYS = 30;

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let service: TestService;
  let publish: () => Promise<unknown>;

  beforeAll(async () => {
    service = await startTestService({ store, deadlineMs: 10_000 });
    const { endpoint } = service.kms;
    const [name = ''] = await provisionKeys(endpoint, RING, [{ id: 'life-root', algorithm: ED }]);
    const client = createKmsClient({ endpoint });
    const list = [{ name, algorithm: ED, use: 'root', state: 'active' }] as const;
    const { signer } = await openRootKey(list, { client, deadlineMs: 10_000 });
    publish = async () => {
      const keys = await service.ports.keys.list();
      const publication = { root: signer, keys, issuer: 'test', lifetimeSeconds: LIFE_DAYS * DAY };
      await publishManifest(service.ports, publication);
    };
    return () => client.close();
  });
  afterAll(() => service.stop());
  beforeEach(() => publish());

  /** What the log says of the manifest when it is asked for so often. */
  async function serve(times = 1): Promise<string[]> {
    const before = service.logLines.length;
    for (let count = 0; count < times; count += 1) {
      const response = await fetch(new URL('/.well-known/license-keys', service.baseUrl));
      expect(response.status).toBe(200);
    }
    const said = service.logLines.slice(before).map((line) => JSON.parse(line));
    expect(said.filter(({ message }) => message === 'request')).toHaveLength(times);
    return said
      .filter(({ message }) => message !== 'request')
      .map(({ severity, message }) => `${severity}: ${message}`);
  }

  const ENDING = expect.stringMatching(
    /^WARNING: the key manifest has to be published again: it ends \d{4}-\S+\+00:00$/,
  );
  const EXPIRED = expect.stringMatching(
    /^ERROR: the key manifest has expired, and clients accept no document since \d{4}-\S+\+00:00$/,
  );

  test('one warning a day while less than a third is left, then an error', async () => {
    service.advance(19 * DAY);
    expect(await serve(2)).toEqual([]);
    service.advance(2 * DAY);
    expect(await serve(3)).toEqual([ENDING]);
    service.advance(DAY - 60);
    expect(await serve()).toEqual([]);
    service.advance(60);
    expect(await serve(2)).toEqual([ENDING]);
    // Not a day later, and it is another thing to say.
    service.advance(7.5 * DAY);
    expect(await serve()).toEqual([ENDING]);
    service.advance(0.5 * DAY);
    expect(await serve(2)).toEqual([EXPIRED]);
    service.advance(DAY);
    expect(await serve(2)).toEqual([EXPIRED]);
  });

  test('nothing once it is renewed, and the same again when that one ends', async () => {
    service.advance(25 * DAY);
    expect(await serve()).toEqual([ENDING]);
    await publish();
    expect(await serve()).toEqual([]);
    service.advance(LIFE_DAYS * DAY);
    expect(await serve()).toEqual([EXPIRED]);
  });
});
