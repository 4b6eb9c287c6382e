/**
 * Issued licences between this code and programs that share none with it: Python's standard library and the openssl
 * command verify what we encode, and we verify what they make.
 */
import { spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importVerificationKey, type VerificationKey } from '../../shared/client/verify.ts';
import { verifyLicense } from '../../shared/client/verify-license.ts';
import { aegis } from '../../shared/formats/aegis.ts';
import { caioV2 } from '../../shared/formats/caio-v2.ts';
import { dtlic2 } from '../../shared/formats/dtlic2.ts';
import { instanceFingerprint } from '../../shared/formats/instance-fingerprint.ts';
import { aegisPayload, caioPayload, dtlic2Terms, licenseVerdict, seal } from '../support/issued-licenses.ts';
import { NOW } from '../support/records.ts';
import { ED, type Kind, keys, newKeyPair, RSA, replaceAt, testKey } from '../support/signed-documents.ts';

const HERE = import.meta.dirname;
const NAME = 'Zoë Müller "東京" Москва 😀\u2028';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-issued-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [LONG, OTHER] = ['acme-de-2_x', { customer: { id: 'c-1', name: NAME } }];
const OURS: [string, Kind, string, object][] = [
  ['an AEGIS licence', ED, seal(aegis, aegisPayload(OTHER), ED), aegisPayload(OTHER)],
  ['an AEGIS licence', RSA, seal(aegis, aegisPayload(OTHER), RSA), aegisPayload(OTHER)],
  ...[ED, RSA].map((kind): [string, Kind, string, object] => {
    const payload = caioPayload({ customer_id: LONG, features: [NAME, ''] });
    return ['a CAIO licence', kind as Kind, seal(caioV2, payload, kind as Kind), payload];
  }),
  [
    'a DTLIC2 licence',
    ED,
    seal(dtlic2, dtlic2Terms({ name: NAME })),
    { ...dtlic2Terms({ name: NAME }), kid: keys[ED].kid },
  ],
];

describe('Python and openssl', () => {
  test.each(OURS)('verify %s of ours, signed with %s', (_what, kind, text, payload) => {
    const { status, stdout, stderr } = python(VERIFY, [file(`${kind}.pem`, keys[kind].pem)], text);
    expect([stderr, status]).toEqual(['', 0]);
    expect(JSON.parse(stdout)).toEqual(payload);
  });

  test.each(OURS)('refuse %s of ours, signed with %s, when it is changed', (_what, kind, text) => {
    const pem = file(`${kind}.pem`, keys[kind].pem);
    const change = (at: number) => replaceAt(text, at, text[at] === 'A' ? 'B' : 'A');
    const [signature, payload] = [text.lastIndexOf('.') + 3, Math.floor(text.length / 3)].map((at) =>
      python(VERIFY, [pem], change(at)),
    );
    expect(signature).toMatchObject({ status: 1, stderr: expect.stringContaining('Not genuine') });
    // Of the payload, a change may also break the JSON.
    expect(payload).toMatchObject({ status: 1, stdout: '' });
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

  test('as a JWT, in an order of its own and with white space, is valid', async () => {
    const header = Buffer.from(texts.aegis.split('.')[0] ?? '', 'base64url').toString();
    expect(header.startsWith('{"typ": "JWT", "kid": ')).toBe(true);
    expect(await verifyLicense(texts.aegis, { keys: trusted, now: NOW })).toMatchObject({
      valid: true,
      license: {
        customer: { id: 'c-1', name: NAME },
        product: 'sale_forecast',
        expiresAt: 1_835_395_200_000,
      },
    });
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

/** Prints the payload of the licence on stdin when the key of the PEM file signed it; otherwise fails. */
const VERIFY = `
import base64, json, sys
from pathlib import Path
from verify_inline import NotGenuine, algorithm_of, check_signature

def decode(part, alphabet):
    decoded = base64.b64decode(part + "=" * (-len(part) % 4 if alphabet == b"-_" else 0), altchars=alphabet, validate=True)
    assert base64.b64encode(decoded, alphabet).decode().rstrip("=") == part.rstrip("="), "not canonical base64"
    return decoded

text = sys.stdin.read()
if text.startswith("CAIO-v2-"):
    customer_id, _, parts = text.removeprefix("CAIO-v2-").rpartition("-")
    signed, signature = (decode(part, b"+/") for part in parts.split("."))
    payload = json.loads(signed)
    assert payload["customer_id"] == customer_id, "another customer"
elif text.startswith("DTLIC2:"):
    signed, signature = (decode(part, b"-_") for part in text.removeprefix("DTLIC2:").split("."))
    payload = json.loads(signed)
else:
    header_part, payload_part, signature_part = text.split(".")
    header = json.loads(decode(header_part, b"-_"))
    assert header["typ"] == "JWT" and set(header) == {"alg", "kid", "typ"}, "another header"
    signed, signature = f"{header_part}.{payload_part}".encode(), decode(signature_part, b"-_")
    payload = json.loads(decode(payload_part, b"-_"))

pem = Path(sys.argv[1])
try:
    check_signature(algorithm_of(pem), pem, signature, signed)
except NotGenuine as reason:
    sys.exit(f"Not genuine: {reason}.")
print(json.dumps(payload))
`;

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
