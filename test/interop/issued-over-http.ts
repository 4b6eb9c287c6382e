/**
 * Licences of a running service, as an operator and a client get them: issued, renewed, changed and given away over HTTP,
 * and issued anew by another key after a rotation. Nothing of it is read anywhere else than in answers.
 *
 *   const issuer = await startIssuer();
 *   const documents = await issuer.documents();
 *   await issuer.rotate();
 *   await issuer.stop();
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { provisionKeys } from '../../infra/local/kms/provision.ts';
import { ALGORITHM_NAMES, type AlgorithmName } from '../../shared/algorithms.ts';
import type { License, LicenseDocument } from '../../shared/wire/admin-licenses.ts';
import { type AdminCall, adminCalls } from '../support/admin-calls.ts';
import type { Answer } from '../support/service.ts';
import { REPOSITORY, type SpawnedStack, spawnProgram, spawnStack } from '../support/spawn-stack.ts';
import type { Licence, PublishedKeys } from './verifiers.ts';

const FOUR_SCRIPTS = 'Zoë Müller "東京" \\ Москва دبي 😀\u2028';
const HYPHENS = { id: '-acme--de-2_x-', name: 'Acme' };
const NAMED = { id: 'zoe-1', name: FOUR_SCRIPTS };
const HARDWARE_ID = 'machine "é" \\ 機械 😀';
const NONCE = 'n-42 é\u2028😀';
const ED25519_KEY_ID = 'license-ed25519';

/** What is issued, and what becomes of it: a call each. */
const CASES: readonly [string, object, readonly [string, string, object][]][] = [
  ['a customer id with hyphens', { customer_id: HYPHENS.id }, []],
  [
    'a name in four scripts',
    { customer_id: NAMED.id, holder: { name: FOUR_SCRIPTS, email: 'zoe@example.com' } },
    [],
  ],
  ['an empty feature list', { features: [] }, []],
  ['one version, the lowest', { allowed_major_versions: [0] }, []],
  ['perpetual', { license_type: 'perpetual', duration_days: undefined }, []],
  ['until a leap day', {}, [['PATCH', '', { expires_at: endOfLeapDay() }]]],
  ['renewed', {}, [['POST', '/renew', { duration_days: 30 }]]],
  [
    'changed',
    {},
    [
      [
        'PATCH',
        '',
        { features: ['東', ''.padEnd(40, 'x')], limits: limits(7), allowed_major_versions: [18] },
      ],
    ],
  ],
  ['given to another customer', {}, [['POST', '/transfer', { customer_id: HYPHENS.id }]]],
];

export interface Document extends Licence {
  readonly what: string;
  /** What it has to say; undefined of one of before a change. */
  readonly says: object | undefined;
}

export interface Issuer {
  /** Every document of every licence, and a session of each in both formats. */
  documents(): Promise<Document[]>;
  keys(): Promise<PublishedKeys>;
  /** Another Ed25519 key signs from now on, and every document of the one before it is issued anew. */
  rotate(): Promise<{ readonly from: string; readonly to: string }>;
  stop(): Promise<void>;
}

interface Issued {
  readonly what: string;
  readonly id: string;
  readonly licenseKey: string;
  readonly algorithm: AlgorithmName;
}

export async function startIssuer(): Promise<Issuer> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-issuer-'));
  const home = join(folder, 'home');
  mkdirSync(home);
  const start = () => spawnStack({ home, env: { LOG_LEVEL: 'WARNING' } });
  let stack = await start();
  const issued = await issueAll(callsOf(stack));
  return {
    documents: async () => (await Promise.all(issued.map((each) => documentsOf(stack, each)))).flat(),
    keys: () => publishedKeys(stack.local.base_url),
    async rotate() {
      const before = await activeKid(stack);
      await nextKey(home);
      await stack.stop();
      stack = await start();
      const to = await activeKid(stack);
      const bin = join(REPOSITORY, 'scripts', 'countersign.js');
      const args = ['keys', 'reissue', '--from', before, '--to', to, '--yes'];
      const { code, stderr } = await spawnProgram(bin, args, { env: { COUNTERSIGN_HOME: home } }).ended;
      expect([stderr, code]).toEqual(['', 0]);
      return { from: before, to };
    },
    async stop() {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const callsOf = ({ local }: SpawnedStack) =>
  adminCalls({ baseUrl: local.base_url }, { 'x-api-key': local.admin_api_key });

async function issueAll(call: AdminCall): Promise<Issued[]> {
  for (const customer of [HYPHENS, NAMED])
    answered(
      201,
      await call('POST', '/api/v1/customers', { ...customer, email: `${customer.id}@example.com` }),
    );
  const all: Issued[] = [];
  for (const algorithm of ALGORITHM_NAMES) {
    for (const [what, wanted, changes] of CASES) {
      const { id, license_key: licenseKey } = answered(
        201,
        await call('POST', '/api/v1/licenses', { ...ordinary(algorithm), ...wanted }),
      );
      for (const [method, path, body] of changes)
        answered(200, await call(method, `/api/v1/licenses/${id}${path}`, body));
      all.push({ what: `${what}, ${algorithm}`, id, licenseKey, algorithm });
    }
  }
  return all;
}

function ordinary(algorithm: AlgorithmName): object {
  return {
    customer_id: NAMED.id,
    module_name: 'sale_forecast',
    license_type: 'subscription',
    duration_days: 365,
    allowed_major_versions: [16, 17],
    features: ['reports', 'Übersicht 📊'],
    tier: 'team',
    limits: limits(3),
    holder: { name: 'Ada Lovelace', email: 'Ada@Example.com' },
    signing_algorithm: algorithm,
    formats: ['aegis', 'caio-v2', 'dtlic2'],
  };
}

function limits(instances: number) {
  return { max_instances: instances, max_services: 20, max_requests_per_day: 1_000_000 };
}

/** The last millisecond of the next 29 February. */
function endOfLeapDay(): string {
  const year = new Date().getUTCFullYear();
  const leap = [1, 2, 3, 4, 5, 6, 7, 8].map((after) => year + after).find((each) => each % 4 === 0) ?? year;
  return `${leap}-02-29T23:59:59.999+00:00`;
}

async function documentsOf(stack: SpawnedStack, { what, id, licenseKey }: Issued): Promise<Document[]> {
  const call = callsOf(stack);
  const license: License = answered(200, await call('GET', `/api/v1/licenses/${id}`));
  const { documents } = answered(200, await call('GET', `/api/v1/licenses/${id}/documents`));
  const newest = new Set<string>();
  const texts = (documents as LicenseDocument[]).map(({ format, key_id: kid, document: text }) => {
    const isNewest = !newest.has(format);
    newest.add(format);
    const says = isNewest ? SAYS[format as keyof typeof SAYS](license, licenseKey, kid) : undefined;
    return { what: `${format}, ${what}${isNewest ? '' : ', of before'}`, kid, text, says };
  });
  const sessions = await Promise.all(
    (['inline', 'jws'] as const).map(async (format) => {
      const asked = { license_key: licenseKey, hardware_id: HARDWARE_ID, nonce: NONCE, format };
      const { license_data: data, token } = answered(
        200,
        await call('POST', '/api/v1/licenses/acquire', asked),
      );
      const text: string = data === undefined ? token : JSON.stringify(data);
      const kid: string = data?.kid ?? JSON.parse(base64url(token.split('.')[0])).kid;
      return { what: `${format}, ${what}`, kid, text, says: sessionSays(license) };
    }),
  );
  return [...texts, ...sessions];
}

const base64url = (part: string) => Buffer.from(part, 'base64url').toString();

/** What each format says of a licence, in its own names. */
const SAYS = {
  aegis: ({ id, customer_id, customer_name, ...license }: License) => ({
    jti: id,
    customer: { id: customer_id, name: customer_name },
    module: { technical_name: license.module_name, allowed_major_versions: license.allowed_major_versions },
    license_type: license.license_type,
    ...(license.expires_at !== null && { exp: Math.floor(Date.parse(license.expires_at) / 1000) }),
  }),
  'caio-v2': ({ customer_id, license_type, features, limits, expires_at }: License) => ({
    customer_id,
    license_type: license_type === 'perpetual' ? 'perpetual' : 'standard',
    features,
    ...limits,
    expires_at,
  }),
  dtlic2: ({ holder, expires_at }: License, licenseKey: string, kid: string) => ({
    license_key: licenseKey,
    ...holder,
    tier: 'core',
    expires_at,
    kid,
  }),
};

function sessionSays({ id, customer_id, customer_name, expires_at, ...license }: License): object {
  return {
    license_id: id,
    customer: { id: customer_id, name: customer_name },
    product: license.module_name,
    features: license.features,
    allowed_major_versions: license.allowed_major_versions,
    license_expires_at: expires_at,
    hardware_id: HARDWARE_ID,
    nonce: NONCE,
  };
}

async function publishedKeys(baseUrl: string): Promise<PublishedKeys> {
  const read = async (path: string) => {
    const response = await fetch(new URL(path, baseUrl));
    expect(response.status).toBe(200);
    return response.text();
  };
  const jwks: PublishedKeys['jwks'] = JSON.parse(await read('/.well-known/jwks.json'));
  const pems = await Promise.all(
    jwks.keys.map(async ({ kid }) => [kid, await read(`/api/v1/keys/${kid}.pem`)]),
  );
  return { jwks, pems: Object.fromEntries(pems) };
}

async function activeKid(stack: SpawnedStack): Promise<string> {
  const { keys } = answered(200, await callsOf(stack)('GET', '/api/v1/keys'));
  const rows = keys as { kid: string; algorithm: string; state: string }[];
  return rows.find((row) => row.algorithm === 'EC_SIGN_ED25519' && row.state === 'active')?.kid ?? '';
}

/** What the list of keys says once an operator has activated another key. */
async function nextKey(home: string): Promise<void> {
  const path = join(home, 'keys.json');
  const rows: { name: string; state: string }[] = JSON.parse(readFileSync(path, 'utf8'));
  const old = rows.find(({ name }) => name.includes(`/${ED25519_KEY_ID}/`));
  if (old === undefined) throw new Error('the local stack has no Ed25519 key');
  const { KMS_ENDPOINT } = JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8'));
  const [ring = ''] = old.name.split('/cryptoKeys/');
  const added = { id: `${ED25519_KEY_ID}-2`, algorithm: 'EC_SIGN_ED25519' } as const;
  const [name] = await provisionKeys(KMS_ENDPOINT, ring, [added]);
  const retiring = { ...old, state: 'retiring', sunset_at: '2100-01-01T00:00:00+00:00' };
  const next = { name, algorithm: added.algorithm, state: 'active' };
  writeFileSync(path, JSON.stringify([...rows.map((row) => (row === old ? retiring : row)), next]));
}

function answered(status: number, { status: got, body }: Answer) {
  expect([got, body]).toEqual([status, expect.anything()]);
  return body;
}
