import { describe, expect, test } from 'vitest';
import { verifyManifest } from '../../../shared/client/manifest.ts';
import { importVerificationKey } from '../../../shared/client/verify.ts';
import { CommitInterruptedError, type DocumentStore } from '../../../shared/ports/document-store.ts';
import type { KeyRecord } from '../../../shared/ports/key-directory.ts';
import type { Signer } from '../../../shared/ports/signer.ts';
import { publishManifest } from '../../../shared/usecases/publish-manifest.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { NOW } from '../../support/records.ts';
import { ED, keys, RSA, signatureOf } from '../../support/signed-documents.ts';

const root: Signer = {
  kid: keys[ED].kid,
  algorithm: ED,
  sign: async (message) => ({ kid: keys[ED].kid, algorithm: ED, bytes: signatureOf(ED, message) }),
};
const { kty, n, e } = keys[RSA].jwk as unknown as { kty: 'RSA'; n: string; e: string };
const registered: KeyRecord[] = [
  {
    kid: keys[RSA].kid,
    algorithm: RSA,
    pem: keys[RSA].pem,
    jwk: { kty, n, e },
    state: 'retiring',
    sunsetAt: NOW,
  },
  { kid: 'gone', algorithm: ED, state: 'compromised' },
];
const clock = { now: () => NOW, pause: async () => undefined };
const random = { bytes: (length: number) => new Uint8Array(length) };
const publication = { root, keys: registered, issuer: 'countersign', lifetimeSeconds: 600 };
const publish = (store: DocumentStore, more = {}) =>
  publishManifest({ store, clock, random }, { ...publication, ...more });

describe('publishing the manifest', () => {
  test('signs every key with its state and deadline, for clients that pin the root', async () => {
    const { token } = await publish(openMemoryStore());
    const pinned = await importVerificationKey(keys[ED].jwk);
    const result = await verifyManifest(token, { root: pinned, now: NOW });
    expect(result).toMatchObject({
      valid: true,
      version: 1,
      expiresAt: Math.floor(NOW / 1000) * 1000 + 600_000,
    });
    expect(result.valid && result.keys).toMatchObject([
      { kid: keys[RSA].kid, state: 'retiring', sunsetAt: NOW },
      { kid: 'gone', state: 'compromised' },
    ]);
  });

  test('gives each publication the next version, also when two come at once', async () => {
    const store = openMemoryStore();
    const versions = await Promise.all([publish(store), publish(store), publish(store)]);
    expect(versions.map(({ version }) => version).sort()).toEqual([1, 2, 3]);
    expect((await publish(store)).version).toBe(4);
    const [stored] = await store.get(['signing_keys/manifest']);
    expect(stored?.fields.version).toBe(4);
  });

  test('never gives a version twice, though a commit was not confirmed', async () => {
    const store = openMemoryStore();
    let commits = 0;
    const doubtful: DocumentStore = {
      ...store,
      commit: async (writes) => {
        const versions = await store.commit(writes);
        commits += 1;
        if (commits === 1) throw new CommitInterruptedError();
        return versions;
      },
    };
    expect((await publish(doubtful)).version).toBe(2);
  });

  test('changes nothing when the root key cannot sign', async () => {
    const store = openMemoryStore();
    const failing = { ...root, sign: () => Promise.reject(new Error('the KMS is away')) };
    await expect(publish(store, { root: failing })).rejects.toThrow('the KMS is away');
    expect(await store.get(['signing_keys/manifest'])).toEqual([undefined]);
  });
});
