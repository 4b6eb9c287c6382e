/** Keys that no manifest lists: a staged root and a staged download key are activated, and pinned clients follow a new root. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createVerifier, type VerifierOptions } from '../../shared/client/verifier.ts';
import { importVerificationKey } from '../../shared/client/verify.ts';
import { manifestRecord } from '../../shared/records/manifest.ts';
import { MANIFEST_PATH } from '../../shared/records/paths.ts';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { startTestOperator, type TestOperator } from '../support/operator.ts';
import { REPOSITORY, spawnProgram } from '../support/spawn-stack.ts';

const ED = 'EC_SIGN_ED25519';
const ROOT = TEST_KEYS.rsa;
const LIST = [
  { name: TEST_KEYS.ed25519, algorithm: ED },
  { name: ROOT, algorithm: 'RSA_SIGN_PKCS1_4096_SHA256', use: 'root' },
];
let keys = 0;

let kms: TestKms;
let operator: TestOperator;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());
beforeEach(async () => {
  operator = await startTestOperator(kms, LIST);
});
afterEach(() => operator.stop());

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await operator.run(['keys', ...args]);
  expect([code, stderr], stdout).toEqual([0, '']);
  return stdout;
}

async function newKey() {
  keys += 1;
  const name = await operator.newKey(`beside-${keys}`);
  return { name, kid: await operator.kidOf(name) };
}

/** A client that pins the key `name`, and reads what is published. */
async function clientOf(name: string, more: Partial<VerifierOptions> = {}) {
  const fetchManifest = async () => {
    const [snapshot] = await operator.store.get([MANIFEST_PATH]);
    return manifestRecord.parse(snapshot?.fields).token;
  };
  const root = await operator.publicKey(name);
  return createVerifier({ root, ...more, fetchManifest, baseUrl: undefined });
}

/** No document is needed to see whether a client has a manifest: of one that has, an unknown key is the worst. */
const verdict = async (client: Awaited<ReturnType<typeof clientOf>>) => {
  const token = `${btoa('{"alg":"EdDSA","kid":"nobody","typ":"license+jwt"}').replaceAll('=', '')}.e30.AAAA`;
  const result = await client.verify(token);
  return result.valid || result.code;
};

test('a staged root is activated without being in a manifest, which clients are told of first', async () => {
  const next = await newKey();
  const old = await operator.kidOf(ROOT);
  await done('publish', '--yes');
  await done('stage', '--name', next.name, '--use', 'root', '--yes');
  expect((await operator.manifest(ROOT))?.states).not.toHaveProperty(next.kid);
  const consequence =
    `Clients that pin the root ${old} take no manifest from now on (unknown_root): the one that they have holds until it expires, ` +
    `then they refuse every document. They need a build that pins ${next.kid}.`;
  const before = await operator.everything();
  const unasked = await operator.run(['keys', 'activate', next.kid]);
  expect([unasked.code, unasked.stdout]).toEqual([3, expect.stringContaining(consequence)]);
  expect(await operator.everything()).toBe(before);

  const present = await clientOf(ROOT);
  expect(await verdict(present)).not.toBe('unknown_root');
  expect(await verdict(await clientOf(next.name))).toBe('unknown_root');
  expect(await done('activate', next.kid, '--yes')).toContain(consequence);
  expect(operator.states()).toMatchObject({ [ROOT]: 'retiring', [next.name]: 'active' });
  expect((await operator.manifest(next.name))?.version).toBe(3);
  // Whoever has read the last manifest of the old root goes on with it; whoever has none finds none.
  expect(await verdict(present)).not.toBe('unknown_root');
  expect(await verdict(await clientOf(ROOT))).toBe('unknown_root');
  expect(await verdict(await clientOf(next.name))).not.toBe('unknown_root');
});

test('the JWK of a staged root is made as docs/keys.md says', async () => {
  const next = await newKey();
  await done('stage', '--name', next.name, '--use', 'root', '--yes');
  const page = readFileSync(join(REPOSITORY, 'docs', 'keys.md'), 'utf8');
  const [, script = ''] = /^ +node -p '([^']+)'$/m.exec(page) ?? [];
  const text = script.replace('"keys.json"', JSON.stringify(operator.keysFile));
  expect(text).not.toBe(script);
  const { stdout, stderr } = await spawnProgram('-p', [text]).ended;
  expect(stderr).toBe('');
  const { algorithm, ...pinned } = await importVerificationKey(JSON.parse(stdout));
  expect(pinned.kid).toBe(next.kid);
  expect(algorithm).toBe((await operator.publicKey(next.name)).algorithm);
  await done('activate', next.kid, '--yes');
  const client = await clientOf(next.name, { root: { ...pinned, algorithm } });
  expect(await verdict(client)).not.toBe('unknown_root');
});

test('a staged download key is activated at once, and no client has to be told', async () => {
  const [first, next] = [await newKey(), await newKey()];
  operator.write([...LIST, { name: first.name, algorithm: ED, use: 'download' }]);
  await done('stage', '--name', next.name, '--use', 'download', '--yes');
  const said = await done('activate', next.kid, '--yes');
  expect(said).not.toContain('unknown_root');
  expect(operator.states()).toMatchObject({ [first.name]: 'retiring', [next.name]: 'active' });
});
