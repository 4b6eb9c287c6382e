/** A KMS has a quota: re-issue asks for no more signatures a second than it was told, and for no fewer. */
import { expect, test } from 'vitest';
import { aegis } from '../../../shared/formats/aegis.ts';
import type { Signer } from '../../../shared/ports/signer.ts';
import { reissue } from '../../../shared/usecases/reissue.ts';
import { aegisPayload, granted, seal } from '../../support/issued-licenses.ts';
import { openMemoryStore } from '../../support/memory-store.ts';
import { DAY, NOW } from '../../support/records.ts';
import { ED, keys, signatureOf } from '../../support/signed-documents.ts';

const FROM = 'the old key';
const DOCUMENTS = 120;

async function filledStore() {
  const store = openMemoryStore();
  const document = {
    license_id: 'license-1',
    customer_id: 'customer-1',
    format: 'aegis',
    kid: FROM,
    text: seal(aegis, aegisPayload()),
    issued_at: NOW - DAY,
    replaces: null,
  };
  for (let place = 0; place < DOCUMENTS; place += 1)
    await store.commit([
      { op: 'set', path: `licenses/${place}`, fields: granted.aegis },
      { op: 'set', path: `licenses/${place}/documents/aegis_${FROM}`, fields: document },
    ]);
  return store;
}

/** Time of its own: when everything waits, it moves to the end of the pause that is over first. */
function timeline() {
  let now = NOW;
  const sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const step = () => {
    const next = sleepers.sort((a, b) => a.until - b.until).shift();
    if (next === undefined) return;
    now = Math.max(now, next.until);
    next.wake();
  };
  const pause = (milliseconds: number) =>
    new Promise<void>((wake) => {
      sleepers.push({ until: now + milliseconds, wake });
      setImmediate(step);
    });
  return { clock: { now: () => Math.round(now), pause }, exactly: () => now };
}

/** When each signature was asked for; each takes `signMs`, in which others may be asked for. */
async function timesOfSignatures(rate: number, signMs: number): Promise<number[]> {
  const { clock, exactly } = timeline();
  const times: number[] = [];
  const signer: Signer = {
    kid: keys[ED].kid,
    algorithm: ED,
    sign: async (message) => {
      times.push(exactly());
      if (signMs > 0) await clock.pause(signMs);
      return { kid: keys[ED].kid, algorithm: ED, bytes: signatureOf(ED, message) };
    },
  };
  const options = { from: FROM, signer, isDryRun: false, rate, onReissued: () => undefined };
  const random = { bytes: (length: number) => new Uint8Array(length) };
  await reissue({ store: await filledStore(), clock, random }, options);
  return times;
}

test.each([
  [1, 0],
  [7.5, 0],
  [1000, 0],
  [20, 30],
  [20, 600],
])('at %d a second, where each takes %d ms', async (rate, signMs) => {
  const times = await timesOfSignatures(rate, signMs);
  expect(times).toHaveLength(DOCUMENTS);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  // The clock counts whole milliseconds.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000 / rate - 1);
  // A page ends before the next one begins.
  const whole = (times.at(-1) ?? 0) - (times[0] ?? 0);
  expect(whole).toBeLessThanOrEqual(((DOCUMENTS - 1) * 1000) / rate + signMs + DOCUMENTS);
});

test('what was not used in time is not made up for', async () => {
  // 16 at once, each of which takes as long as 40 of them may: the KMS is the bottleneck, and no burst follows.
  const times = await timesOfSignatures(20, 2000);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(49);
});
