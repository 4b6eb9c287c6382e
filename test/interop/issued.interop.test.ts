/**
 * Licences between this code and programs that share none with it: they verify what we encode and what Python signed as
 * vectors, and we verify what Python's standard library and the openssl command make.
 */
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, type JsonWebKeyInput } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importVerificationKey, type PublicJwk, type VerificationKey } from '../../shared/client/verify.ts';
import { verifyLicense } from '../../shared/client/verify-license.ts';
import { aegis } from '../../shared/formats/aegis.ts';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { instanceFingerprint } from '../../shared/formats/instance-fingerprint.ts';
import { aegisPayload, caioPayload, dtlic2Terms, licenseVerdict, seal } from '../support/issued-licenses.ts';
import { NOW } from '../support/records.ts';
import { ED, KINDS, type Kind, keys, newKeyPair, RSA, testKey } from '../support/signed-documents.ts';
import { vectors } from '../support/vectors.ts';
import { forgeriesOf } from './forgeries.ts';
import {
  expectPayloads,
  expectRefusals,
  type Licence,
  type PublishedKeys,
  VERIFIER_NAMES,
  verifiers,
  withOtherKeys,
} from './verifiers.ts';

const HERE = import.meta.dirname;
const NAME = 'Zoë Müller "東京" Москва 😀\u2028';
const NAMED = { customer: { id: 'c-1', name: NAME } };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-issued-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case extends Licence {
  readonly what: string;
  /** What the programs are to say that was signed. */
  readonly payload: object;
}

const OWN: Case[] = [
  own('AEGIS', ED, seal(aegis, aegisPayload(NAMED)), aegisPayload(NAMED)),
  ...KINDS.map((kind) => {
    const payload = caioPayload({ customer_id: 'acme-de-2_x', features: [NAME, ''] });
    return own('CAIO', kind, seal(caioV2, payload, kind), payload);
  }),
  own('DTLIC2', ED, seal(dtlic2, dtlic2Terms({ name: NAME })), {
    ...dtlic2Terms({ name: NAME }),
    kid: keys[ED].kid,
  }),
];

function own(title: string, kind: Kind, text: string, payload: object): Case {
  return { what: `${title} with ${kind}`, kid: keys[kind].kid, text, payload };
}

const VECTORS: Case[] = [
  ...vectors.licenses.map(({ title, format, kid, text, payload }) => ({
    what: title,
    kid,
    text,
    payload: format === 'dtlic2' ? { ...payload, kid } : payload,
  })),
  // The claims of a JWS repeat some members under registered names.
  ...vectors.sessions.map(({ title, format, kid, text }) => ({
    what: title,
    kid,
    text,
    payload: JSON.parse(
      format === 'inline' ? text : Buffer.from(text.split('.')[1] ?? '', 'base64url').toString(),
    ),
  })),
];

function published(jwks: readonly PublicJwk[]): PublishedKeys {
  const pem = (key: PublicJwk) =>
    createPublicKey({ key, format: 'jwk' } as JsonWebKeyInput).export({
      format: 'pem',
      type: 'spki',
    }) as string;
  return { jwks: { keys: jwks }, pems: Object.fromEntries(jwks.map((key) => [key.kid, pem(key)])) };
}

const OUR_KEYS = published(KINDS.map((kind) => keys[kind].jwk));
const VECTOR_KEYS = published(vectors.keys);

describe.each(VERIFIER_NAMES)('%s', (name) => {
  const verify = verifiers[name];
  const lists = [
    ['licences of ours', OUR_KEYS, OWN],
    ['the vectors', VECTOR_KEYS, VECTORS],
  ] as const;

  test.for(lists)('verify %s, and say what was signed', async ([, trusted, cases], context) => {
    await expectPayloads(verify, context, trusted, cases);
  });

  test.for(lists)('refuse %s when they are changed', async ([, trusted, cases], context) => {
    const forged = cases.flatMap((each) => forgeriesOf(each, trusted));
    expect(forged.length).toBeGreaterThan(cases.length * 4);
    await expectRefusals(verify, context, trusted, forged);
  });

  test.for(lists)('refuse %s with other keys of the same names', async ([, trusted, cases], context) => {
    await expectRefusals(verify, context, await withOtherKeys(trusted), cases);
  });
});

describe.each([ED, RSA] as const)('what Python and openssl sign with %s', (kind) => {
  let trusted: VerificationKey[];
  let texts: Record<'aegis' | 'caio' | 'dtlic2', string>;

  beforeAll(async () => {
    const pair = await newKeyPair[kind]();
    const privateFile = file(`${kind}.private.pem`, pair.privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(createPrivateKey(readFileSync(privateFile)).asymmetricKeyType).toBe(
      kind === ED ? 'ed25519' : 'rsa',
    );
    const { jwk, kid, alg } = testKey(kind, pair);
    trusted = [await importVerificationKey(jwk)];
    const { status, stdout, stderr } = python(SIGN, [privateFile, alg, kid], NAME);
    expect([stderr, status]).toEqual(['', 0]);
    texts = JSON.parse(stdout);
  });

  const verify = (text: string, scope = {}) => licenseVerdict(text, { keys: trusted, scope });

  test('as a JWT, in an order of its own and with white space, is valid when it is Ed25519', async () => {
    const header = Buffer.from(texts.aegis.split('.')[0] ?? '', 'base64url').toString();
    expect(header.startsWith('{"typ": "JWT", "kid": ')).toBe(true);
    const license = {
      customer: { id: 'c-1', name: NAME },
      product: 'sale_forecast',
      expiresAt: 1_835_395_200_000,
    };
    const expected = kind === ED ? { valid: true, license } : { valid: false, code: 'algorithm_mismatch' };
    expect(await verifyLicense(texts.aegis, { keys: trusted, now: NOW })).toMatchObject(expected);
    expect(await verify(texts.aegis.replace(/.$/, '_'))).not.toBe('valid');
  });

  test('as CAIO, with the separators of json.dumps, is valid', async () => {
    const json = Buffer.from(texts.caio.split('-').at(-1)?.split('.')[0] ?? '', 'base64').toString();
    expect(json).toContain('"features": ["reports", "\\u6771"]');
    expect(await verify(texts.caio, { customerId: 'acme-de-2', features: ['東'] })).toBe('valid');
    expect(await verify(texts.caio.replace('acme-de-2', 'acme-de-3'))).toBe('malformed_document');
  });

  test('as DTLIC2 is valid when it is Ed25519', async () => {
    const scope = { name: NAME, email: 'ada@EXAMPLE.com' };
    expect(await verify(texts.dtlic2, scope)).toBe(kind === ED ? 'valid' : 'algorithm_mismatch');
  });
});

test('Python and this code have the same fingerprint of an instance', async () => {
  const { stdout } = python(FINGERPRINT, ['5f0c1d1e-0001', 'münchen.example']);
  expect(await instanceFingerprint('5f0c1d1e-0001', 'münchen.example')).toBe(stdout.trim());
});

/** Prints a licence of each format for the name on stdin. Arguments: private key in PEM, JOSE alg, kid. */
const SIGN = `
import base64, json, subprocess, sys, tempfile

key, alg, kid = sys.argv[1:]
name = sys.stdin.read()

def sign(message):
    with tempfile.NamedTemporaryFile() as file:
        file.write(message)
        file.flush()
        rsa = ["dgst", "-sha256", "-sign", key, file.name]
        ed25519 = ["pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", file.name]
        command = ["openssl", *(rsa if alg == "RS256" else ed25519)]
        return subprocess.run(command, check=True, capture_output=True).stdout

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

def standard(data):
    return base64.b64encode(data).decode()

claims = {
    "module": {"technical_name": "sale_forecast", "allowed_major_versions": [17, 16]},
    "license_type": "subscription", "exp": 1835395200, "iat": 1764644645, "note": None,
    "jti": "0b9f6a52-3c55-4a0e-8a3e-6f2f0f8f5b11", "iss": "https://aegis.test",
    "customer": {"name": name, "id": "c-1"},
}
header = {"typ": "JWT", "kid": kid, "alg": alg}
signed = f"{base64url(json.dumps(header).encode())}.{base64url(json.dumps(claims, indent=2, ensure_ascii=False).encode())}"
caio = json.dumps({
    "version": "2.0", "customer_id": "acme-de-2", "license_type": "trial", "issued_at": "2025-12-02T03:04:05.123456",
    "expires_at": "2028-02-29T00:00:00+00:00", "features": ["reports", "東"], "max_instances": 1, "max_services": 2,
    "max_requests_per_day": 3,
}).encode()
blob = json.dumps({
    "license_key": "DT1-PRO-1", "name": name, "email": "Ada@example.com", "tier": "pro", "kid": kid,
    "issued_at": "2025-12-02T03:04:05+00:00", "expires_at": None,
}).encode()
print(json.dumps({
    "aegis": f"{signed}.{base64url(sign(signed.encode()))}",
    "caio": f"CAIO-v2-acme-de-2-{standard(caio)}.{standard(sign(caio))}",
    "dtlic2": f"DTLIC2:{base64url(blob)}.{base64url(sign(blob))}",
}))
`;

const FINGERPRINT = `
import hashlib, sys
print("sha256:" + hashlib.sha256(f"{sys.argv[1]}:{sys.argv[2]}".encode()).hexdigest())
`;

/** The tests' folder is on the path of modules; `-B` leaves no __pycache__ in it. */
function python(program: string, args: readonly string[], input = '') {
  const env = { ...process.env, PYTHONPATH: HERE, PYTHONUTF8: '1' };
  const options = { cwd: HERE, env, input, encoding: 'utf8' } as const;
  const ended = spawnSync('python3', ['-B', '-c', program, ...args], options);
  if (ended.error !== undefined) throw ended.error;
  return ended;
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}
