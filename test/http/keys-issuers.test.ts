/** The second table of docs/keys.md, run: whose documents a key vouches for, by the client library and by the service over HTTP. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VerificationKey } from '../../shared/client/verify.ts';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import type { ForeignKey } from '../../shared/keys/registry.ts';
import { issueInEveryFormat, OURS } from '../support/every-format.ts';
import {
  aegisOf,
  aegisPayload,
  caioPayload,
  dtlic2Terms,
  licenseVerdict,
  seal,
} from '../support/issued-licenses.ts';
import { deskOn } from '../support/license-desk.ts';
import { documentPayload, NOW } from '../support/records.ts';
import { type ServedKeys, serveKeys } from '../support/served-keys.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { claimsOf, ED, inlineOf, jwsOf, keys, trusted } from '../support/signed-documents.ts';
import { verdict } from '../support/verdict.ts';

const COLUMNS = ['ours', 'named', 'another'] as const;
type Column = (typeof COLUMNS)[number];

const page = readFileSync(join(import.meta.dirname, '../../docs/keys.md'), 'utf8');
const table = page.split(/^## /m).find((part) => part.startsWith('Whose documents a key vouches for'));
const cases = [...(table ?? '').matchAll(/^\| `([\w+-]+)` \| (.+) \|$/gm)].flatMap(([, kind, cells]) =>
  (cells ?? '').split(' | ').map((cell, place) => ({
    kind: kind as keyof typeof KINDS,
    column: COLUMNS[place] as Column,
    expected: cell === 'accepted' ? 'valid' : cell.replaceAll('`', ''),
  })),
);

/** A document of each kind that the test key signed, and the issuer that it names or that its format implies. */
const KINDS = {
  inline: { issuer: 'aegis', text: JSON.stringify(inlineOf(ED, { issuer: 'aegis' })) },
  'license+jwt': {
    issuer: 'aegis',
    text: jwsOf(ED, { payload: claimsOf(documentPayload({ issuer: 'aegis' })) }),
  },
  aegis: { issuer: 'aegis', text: aegisOf(ED, aegisPayload({ iss: 'aegis' })) },
  'caio-v2': { issuer: 'caio', text: seal(caioV2, caioPayload()) },
  dtlic2: { issuer: 'datatools', text: seal(dtlic2, dtlic2Terms()) },
} as const;

const isSession = (kind: string) => kind === 'inline' || kind === 'license+jwt';
const issuerOf = (kind: keyof typeof KINDS, column: Column) =>
  column === 'named' ? KINDS[kind].issuer : 'another';

test('the table has every kind of document, and every kind of key', () => {
  const expected = Object.keys(KINDS).flatMap((kind) => COLUMNS.map((column) => [kind, column]));
  expect(cases.map(({ kind, column }) => [kind, column])).toEqual(expected);
});

test.each(cases)(
  '$kind, by the client library, of a key that is $column: $expected',
  async ({ kind, column, expected }) => {
    const issuer = column === 'ours' ? undefined : issuerOf(kind, column);
    const list: VerificationKey[] = trusted.map((key) => ({ ...key, issuer }));
    const { text } = KINDS[kind];
    const judged = isSession(kind) ? verdict(text, { keys: list }) : licenseVerdict(text, { keys: list });
    expect(await judged).toBe(expected);
  },
);

describe('by the service', () => {
  let service: TestService;
  let served: ServedKeys;
  /** What the service itself has signed. */
  let own: Readonly<Record<string, string>>;
  const desk = deskOn(() => service);

  beforeAll(async () => {
    service = await startTestService({ deadlineMs: 10_000 });
    served = await serveKeys(service);
    await desk.openDesk();
    const request = { license_key: await service.addLicense(), hardware_id: 'machine-1' };
    const { license_data } = await service.client.acquire(request);
    const { token = '' } = await service.client.acquire({ ...request, format: 'jws' });
    const { texts } = await issueInEveryFormat(desk);
    own = { inline: JSON.stringify(license_data), 'license+jwt': token, ...texts };
  });
  afterAll(async () => {
    await served.stop();
    await service.stop();
  });

  test.each(cases)('$kind, of a key that is $column: $expected', async ({ kind, column, expected }) => {
    if (column === 'ours') {
      served.use({ keys: [OURS] });
      expect(await served.validate(own[kind])).toBe(expected);
      return;
    }
    const foreign: ForeignKey = {
      use: 'verify',
      pem: keys[ED].pem,
      algorithm: ED,
      issuer: issuerOf(kind, column),
      kid: keys[ED].kid,
      state: 'retiring',
      sunsetAt: NOW + 1,
    };
    served.use({ keys: [OURS, foreign], now: NOW });
    expect(await served.validate(KINDS[kind].text)).toBe(expected);
  });

  test.each(['inline', 'license+jwt'] as const)('%s that names this service is refused too', async (kind) => {
    const { issuer } = service.settings;
    const forged = {
      inline: inlineOf(ED, { issuer }),
      'license+jwt': jwsOf(ED, { payload: claimsOf(documentPayload({ issuer })) }),
    };
    const foreign = { use: 'verify', pem: keys[ED].pem, algorithm: ED, issuer, kid: keys[ED].kid } as const;
    served.use({ keys: [OURS, { ...foreign, state: 'retiring', sunsetAt: NOW + 1 }], now: NOW });
    expect(await served.validate(forged[kind])).toBe('issuer_mismatch');
  });
});
