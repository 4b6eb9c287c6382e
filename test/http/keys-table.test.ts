/** The table of docs/keys.md, run: by the rule, by the client library, and by the service over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { decideKey } from '../../shared/decide/key.ts';
import { KEY_STATES, type KeyState } from '../../shared/keys/states.ts';
import { TEST_KEY_RING, TEST_KEYS } from '../support/kms.ts';
import { NOW, SECOND } from '../support/records.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { inlineOf, jwsOf, KINDS, trusted } from '../support/signed-documents.ts';
import { verdict } from '../support/verdict.ts';

const ED25519 = 'EC_SIGN_ED25519';
const OFFSETS = [-SECOND, 0, SECOND];

interface Case {
  readonly state: KeyState;
  /** Milliseconds from the boundary to now. */
  readonly offset: number;
  readonly expected: string;
}

const page = readFileSync(join(import.meta.dirname, '../../docs/keys.md'), 'utf8');
const table = page.split(/^## /m).find((part) => part.startsWith('What a document of such a key is told'));
const cases: Case[] = [...(table ?? '').matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].flatMap(([, state, cells]) =>
  (cells ?? '').split(' | ').map((cell, column) => ({
    state: state as KeyState,
    offset: OFFSETS[column] ?? Number.NaN,
    expected: cell === 'accepted' ? 'valid' : cell.replaceAll('`', ''),
  })),
);

/** Only a retiring key has one; for the others the boundary is any instant. */
const sunsetOf = (state: KeyState, boundary: number) => (state === 'retiring' ? boundary : undefined);

test('the table has every state, before, at and after the boundary', () => {
  const expected = KEY_STATES.flatMap((state) => OFFSETS.map((offset) => [state, offset]));
  expect(cases.map(({ state, offset }) => [state, offset])).toEqual(expected);
});

describe.each(cases)('$state, $offset ms from the boundary: $expected', ({ state, offset, expected }) => {
  test('by the rule', () => {
    expect(decideKey(state, sunsetOf(state, NOW), NOW + offset) ?? 'valid').toBe(expected);
  });

  test.each(KINDS)('by the client library, %s', async (kind) => {
    const sunsetAt = sunsetOf(state, NOW - offset);
    const keys = trusted.map((key) => ({ ...key, state, sunsetAt }));
    expect(await verdict(jwsOf(kind), { keys })).toBe(expected);
    expect(await verdict(inlineOf(kind), { keys })).toBe(expected);
  });
});

test('a retiring key holds to the millisecond, and not without a deadline or a clock', () => {
  expect(decideKey('retiring', NOW, NOW - 1)).toBeUndefined();
  expect(decideKey('retiring', NOW, NOW)).toBe('key_retired');
  expect(decideKey('retiring', undefined, NOW)).toBe('key_retired');
  expect(decideKey('retiring', NOW, Number.NaN)).toBe('key_retired');
});

describe('by the service', () => {
  let service: TestService;
  let served: ServedKeys;
  let next: string;
  let document: object;
  let token: string;
  let signedAt: number;

  beforeAll(async () => {
    service = await startTestService();
    const [name] = await provisionKeys(service.kms.endpoint, TEST_KEY_RING, [
      { id: 'license-ed25519-next', algorithm: ED25519 },
    ]);
    next = name ?? '';
    served = await serveKeys(service);
    const request = { license_key: await service.addLicense(), hardware_id: 'machine-1' };
    const { license_data } = await service.client.acquire(request);
    const jws = await service.client.acquire({ ...request, format: 'jws' });
    document = license_data ?? {};
    token = jws.token ?? '';
    signedAt = Date.now();
  });

  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  test.each(cases)('$state, $offset ms from the boundary: $expected', async ({ state, offset, expected }) => {
    const boundary = signedAt + 60 * SECOND;
    const key = { name: TEST_KEYS.ed25519, algorithm: ED25519, use: 'license', state } as const;
    const successor = { name: next, algorithm: ED25519, use: 'license', state: 'active' } as const;
    const keys = [
      { ...key, sunsetAt: sunsetOf(state, boundary) },
      ...(state === 'active' ? [] : [successor]),
    ];
    served.use({ keys, now: boundary + offset });
    expect(await served.validate(document)).toBe(expected);
    expect(await served.validate(token)).toBe(expected);
  });
});
