/** Clients of issued licences that pin the root alone: what an operator has issued, through a compromise and its re-issue. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKmsClient, type KmsClient } from '../../infra/kms/google.ts';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { createVerifier, type Verifier } from '../../shared/client/verifier.ts';
import type { SigningKey } from '../../shared/keys/registry.ts';
import { publishManifest } from '../../shared/usecases/publish-manifest.ts';
import {
  ISSUED,
  issueInEveryFormat,
  newestTexts,
  nextKey,
  OURS,
  reissueBy,
} from '../support/every-format.ts';
import { deskOn } from '../support/license-desk.ts';
import { type Root, rootOf } from '../support/root-of.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';

const RING = 'projects/test/locations/global/keyRings/verifier-licenses';
/** As long as a verifier goes without a read, and a little. */
const STALE_SECONDS = 21;

let service: TestService;
let served: ServedKeys;
let kms: KmsClient;
let root: Root;
let next: SigningKey;
const desk = deskOn(() => service);

beforeAll(async () => {
  service = await startTestService({ deadlineMs: 10_000 });
  served = await serveKeys(service);
  kms = createKmsClient({ endpoint: service.kms.endpoint });
  const [name = ''] = await provisionKeys(service.kms.endpoint, RING, [
    { id: 'root', algorithm: OURS.algorithm },
  ]);
  [root, next] = [await rootOf(kms, name), await nextKey(service)];
  await desk.openDesk();
});
afterAll(async () => {
  await kms.close();
  await served.stop();
  await service.stop();
});

/** The operator publishes these keys; answers the manifest. */
async function publish(...keys: readonly SigningKey[]): Promise<string> {
  served.use({ keys });
  const records = await served.directory().list();
  const { issuer } = service.settings;
  const publication = { root: root.signer, keys: records, issuer, lifetimeSeconds: 3600 };
  return (await publishManifest(service.ports, publication)).token;
}

const pinned = () => ({ root: root.key, now: service.ports.clock.now, baseUrl: service.baseUrl });

async function codeOf(verifier: Verifier, text: string): Promise<string> {
  const result = await verifier.verifyLicense(text);
  return result.valid ? 'valid' : result.code;
}

describe.each(ISSUED)('%s', (format) => {
  test('holds, is refused once its key is compromised, and holds again when it was re-issued', async () => {
    await publish(OURS);
    const license = await issueInEveryFormat(desk);
    const leaked = license.texts[format];
    const verifier = await createVerifier({ ...pinned(), issuer: service.settings.issuer });
    expect(await codeOf(verifier, leaked)).toBe('valid');

    await publish({ ...OURS, state: 'compromised' }, next);
    service.advance(STALE_SECONDS);
    // A CAIO licence names no key.
    const refusal = format === 'caio-v2' ? 'signature_invalid' : 'key_compromised';
    expect(await codeOf(verifier, leaked)).toBe(refusal);
    await reissueBy(service, next);
    const own = (await newestTexts(desk, license.id))[format];
    expect(own).not.toBe(leaked);
    expect([await codeOf(verifier, own), await codeOf(verifier, leaked)]).toEqual(['valid', refusal]);
  });

  test('of a key that was never announced is accepted once that is published', async () => {
    await publish(next);
    const { texts } = await issueInEveryFormat(desk);
    const verifier = await createVerifier(pinned());
    expect(await codeOf(verifier, texts[format])).not.toBe('valid');
    await publish(next, { ...OURS, state: 'retiring', sunsetAt: Date.UTC(2100, 0, 1) });
    service.advance(5);
    expect(await codeOf(verifier, texts[format])).toBe('valid');
  });

  test('holds offline with the manifest that was stored', async () => {
    const stored = await publish(OURS);
    const { texts } = await issueInEveryFormat(desk);
    const fetchManifest = () => Promise.reject(new Error('offline'));
    const away = await createVerifier({ root: root.key, now: pinned().now, stored, fetchManifest });
    expect([await codeOf(away, texts[format]), away.problem?.code]).toEqual([
      'valid',
      'manifest_unavailable',
    ]);
  });
});

test('a verifier of another service takes nothing of a manifest of the same root', async () => {
  await publish(OURS);
  const { texts } = await issueInEveryFormat(desk);
  const verifier = await createVerifier({ ...pinned(), issuer: 'https://another.test' });
  for (const format of ISSUED) expect(await codeOf(verifier, texts[format])).toBe('issuer_mismatch');
});
