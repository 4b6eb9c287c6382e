/** `countersign keys …` as an operator types it: what is printed, and what is in the list, the manifest and the audit trail. */
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestKms, TEST_KEYS, type TestKms } from '../support/kms.ts';
import { ACTOR, startTestOperator, type TestOperator } from '../support/operator.ts';

const DAY_MS = 86_400_000;
const ROOT = TEST_KEYS.rsa;

let kms: TestKms;
let operator: TestOperator;
/** The active key of the list, and one that is made for the test. */
let old: { name: string; kid: string };
let next: { name: string; kid: string };
let tests = 0;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  operator = await startTestOperator(kms);
  tests += 1;
  const name = await operator.newKey(`next-${tests}`);
  old = { name: TEST_KEYS.ed25519, kid: await operator.kidOf(TEST_KEYS.ed25519) };
  next = { name, kid: await operator.kidOf(name) };
});
afterEach(() => operator.stop());

/** Runs a command that has to succeed; its answer. */
async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await operator.run(['keys', ...args]);
  expect([code, stderr], stdout).toEqual([0, '']);
  return stdout;
}

const answered = async (...args: string[]) => JSON.parse(await done(...args, '--json'));

/** The new key is staged, and has been published long enough. */
async function stageNext(): Promise<void> {
  await done('stage', '--name', next.name, '--yes');
  await operator.publishedAgo(61);
}

async function rotate(): Promise<void> {
  await stageNext();
  await done('activate', next.kid, '--yes');
}

describe('status', () => {
  test('shows the list as a table, and that nothing is published', async () => {
    const before = await operator.everything();
    const [header, first, second, ...rest] = (await done('status')).trimEnd().split('\n');
    expect(header?.split(/ {2,}/)).toEqual(['KID', 'USE', 'ALGORITHM', 'STATE', 'NAME']);
    expect(first?.split(/ {2,}/)).toEqual([old.kid, 'license', 'EC_SIGN_ED25519', 'active', old.name]);
    expect(second?.split(/ {2,}/).slice(1, 4)).toEqual(['root', 'RSA_SIGN_PKCS1_4096_SHA256', 'active']);
    expect(rest).toEqual(['', 'No manifest is published. Publish one: countersign keys publish']);
    expect(await operator.everything()).toBe(before);
  });

  test('as JSON it says what is published, and until when', async () => {
    expect(await answered('status')).toMatchObject({ manifest: null, is_published: false });
    await rotate();
    const status = await answered('status');
    expect(status.keys).toEqual([
      expect.objectContaining({
        kid: old.kid,
        state: 'retiring',
        published: `retiring until ${status.keys[0].sunset_at}`,
      }),
      expect.objectContaining({ use: 'root', state: 'active', published: null }),
      expect.objectContaining({ kid: next.kid, state: 'active', published: 'active', name: next.name }),
    ]);
    expect(status).toMatchObject({ is_published: true, manifest: { version: 2 } });
    expect(Date.parse(status.manifest.expires_at)).toBe((await operator.manifest(ROOT))?.expiresAt);
  });

  test('says so when the manifest is behind the list', async () => {
    await stageNext();
    const rows = JSON.parse(JSON.stringify(operator.rows()));
    operator.write([{ ...rows[0], state: 'active' }, rows[1], { ...rows[2], state: 'compromised' }]);
    expect((await answered('status')).is_published).toBe(false);
    expect(await done('status')).toContain('The manifest says something else than the list. Publish it');
    await done('publish', '--yes');
    expect((await answered('status')).is_published).toBe(true);
  });
});

test('status compares keys of other systems too, and rows that are gone', async () => {
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const other = { use: 'verify', pem, algorithm: 'EC_SIGN_ED25519', issuer: 'https://other.test' };
  const mac = {
    use: 'mac',
    name: `${old.name}9`,
    algorithm: 'HMAC_SHA256',
    sunset_at: '2100-01-01T00:00:00Z',
  };
  const own = JSON.parse(readFileSync(operator.keysFile, 'utf8'));
  const list = (...rows: object[]) => writeFileSync(operator.keysFile, JSON.stringify([...own, ...rows]));

  list({ ...other, sunset_at: '2100-01-01T00:00:00Z' }, mac);
  await done('publish', '--yes');
  const { keys, is_published } = await answered('status');
  expect(is_published).toBe(true);
  expect(keys[2]).toMatchObject({ use: 'verify', published: 'retiring until 2100-01-01T00:00:00.000+00:00' });
  expect((await operator.manifest(ROOT))?.states[keys[2].kid]).toMatch(/^retiring until 2100/);
  expect((await done('status')).split('\n')[4]).toMatch(/^- +mac +HMAC_SHA256 +retiring until 2100/);

  list({ ...other, state: 'compromised' }, mac);
  expect((await answered('status')).is_published).toBe(false);
  list(mac);
  expect((await answered('status')).is_published).toBe(false);
});

describe('publish', () => {
  test('signs the list under the next version, and leaves the list as it is', async () => {
    const [list] = JSON.parse(await operator.everything());
    expect(await done('publish', '--yes')).toMatch(/Published as version 1\.\n$/);
    expect(await answered('publish', '--yes', '--manifest-days', '3')).toEqual({ manifest_version: 2 });
    const published = await operator.manifest(ROOT);
    expect(published).toMatchObject({ version: 2, states: { [old.kid]: 'active' } });
    const days = ((published?.expiresAt ?? 0) - Date.now()) / DAY_MS;
    expect(days).toBeGreaterThan(2.9);
    expect(days).toBeLessThanOrEqual(3);
    expect(JSON.parse(await operator.everything())[0]).toBe(list);
    expect(await operator.audit()).toMatchObject([
      {
        actor: ACTOR,
        action: 'keys.publish',
        target: 'manifest',
        before: [{ kid: old.kid, state: null }],
        after: [{ kid: old.kid, state: 'active' }],
      },
      // The second one only renews it.
      { action: 'keys.publish', before: null, after: null },
    ]);
  });

  test('makes the certificate of the root', async () => {
    await done('publish', '--yes');
    const kid = await operator.kidOf(ROOT);
    const [found] = await operator.store.get([`signing_keys/${kid}`]);
    expect(found?.fields).toMatchObject({ kid, issuer_kid: kid });
    expect(found?.fields.chain).toMatch(/^-----BEGIN CERTIFICATE-----/);
  });
});

describe('stage', () => {
  test('by name: listed, pinned and published, and not signing', async () => {
    chmodSync(operator.keysFile, 0o640);
    const stdout = await done('stage', '--name', next.name, '--yes');
    expect(stdout).toMatch(new RegExp(`${next.kid}\\s+\\(new\\)\\s+staged\\s+${next.name}`));
    expect(stdout).toMatch(/Done\. Published as version 1\.\n$/);
    expect(operator.rows()).toMatchObject([
      { name: old.name, state: 'active', fingerprint: old.kid },
      { use: 'root', fingerprint: await operator.kidOf(ROOT) },
      { name: next.name, use: 'license', state: 'staged', fingerprint: next.kid },
    ]);
    expect(statSync(operator.keysFile).mode & 0o777).toBe(0o640);
    expect((await operator.manifest(ROOT))?.states).toEqual({ [old.kid]: 'active', [next.kid]: 'staged' });
    expect(await operator.audit()).toMatchObject([
      {
        actor: ACTOR,
        action: 'keys.stage',
        target: next.kid,
        before: [{ kid: next.kid, state: null }],
        after: [{ kid: next.kid, state: 'staged' }],
      },
    ]);
  });

  test('of a version that the KMS makes for it', async () => {
    const [key = ''] = next.name.split('/cryptoKeyVersions/');
    const answer = await answered('stage', '--new-version-of', key, '--yes', '--actor', 'bob');
    const name = `${key}/cryptoKeyVersions/2`;
    expect(answer).toEqual({
      changes: [{ kid: await operator.kidOf(name), from: null, to: 'staged', sunset_at: null }],
      manifest_version: 1,
    });
    expect(operator.states()[name]).toBe('staged');
    expect(await operator.audit()).toMatchObject([{ actor: 'bob', action: 'keys.stage' }]);
  });

  test('a second time there is nothing to do', async () => {
    await done('stage', '--name', next.name, '--yes');
    const before = await operator.everything();
    expect(await done('stage', '--name', next.name, '--yes')).toBe(
      'Nothing to do: it is that way already, and published.\n',
    );
    expect(await answered('stage', '--name', next.name)).toEqual({ changes: [], manifest_version: null });
    expect(await operator.everything()).toBe(before);
  });
});

describe('activate', () => {
  test('the key before it is retiring until its sunset', async () => {
    await stageNext();
    const answer = await answered('activate', `kid=${next.kid.slice(0, 6)}`, '--yes', '--sunset-days', '10');
    const sunset = Date.parse(answer.changes[0].sunset_at);
    expect(answer).toMatchObject({
      changes: [
        { kid: old.kid, from: 'active', to: 'retiring' },
        { kid: next.kid, from: 'staged', to: 'active', sunset_at: null },
      ],
      manifest_version: 2,
    });
    expect(Math.abs(sunset - Date.now() - 10 * DAY_MS)).toBeLessThan(DAY_MS / 2);
    expect(operator.rows()[0]).toMatchObject({ state: 'retiring', sunsetAt: sunset });
    expect(operator.states()[next.name]).toBe('active');
    expect((await operator.manifest(ROOT))?.states).toEqual({
      [old.kid]: `retiring until ${new Date(sunset).toISOString()}`,
      [next.kid]: 'active',
    });
    expect((await operator.audit()).at(-1)).toMatchObject({
      action: 'keys.activate',
      target: next.kid,
      before: [
        { kid: old.kid, state: 'active' },
        { kid: next.kid, state: 'staged' },
      ],
      after: [
        { kid: old.kid, state: 'retiring', sunset_at: answer.changes[0].sunset_at },
        { kid: next.kid, state: 'active' },
      ],
    });
  });

  test('with --urgent does not wait for caches', async () => {
    await done('stage', '--name', next.name, '--yes');
    await done('activate', next.kid, '--yes', '--urgent');
    expect(operator.states()).toMatchObject({ [old.name]: 'retiring', [next.name]: 'active' });
  });
});

test('rollback: the retiring key signs again, and the other one is staged', async () => {
  await rotate();
  await done('rollback', old.kid, '--yes');
  expect(operator.rows()[0]).toMatchObject({ state: 'active', sunsetAt: undefined });
  expect((await operator.manifest(ROOT))?.states).toEqual({ [old.kid]: 'active', [next.kid]: 'staged' });
  expect((await operator.audit()).at(-1)).toMatchObject({ action: 'keys.rollback', target: old.kid });
  // Clients have known the staged one all along.
  await done('activate', next.kid, '--yes');
  expect(operator.states()[next.name]).toBe('active');
});

test('retire: nothing that the key signed is accepted any more', async () => {
  await rotate();
  await done('retire', old.kid, '--yes');
  expect(operator.states()).toMatchObject({ [old.name]: 'retired', [next.name]: 'active' });
  expect((await operator.manifest(ROOT))?.states).toEqual({ [old.kid]: 'retired', [next.kid]: 'active' });
  expect((await operator.audit()).at(-1)).toMatchObject({
    action: 'keys.retire',
    before: [{ kid: old.kid, state: 'retiring' }],
    after: [{ kid: old.kid, state: 'retired' }],
  });
});

describe('compromise', () => {
  test('of the signing key, with a successor: one signs and the other is refused at once', async () => {
    await done('stage', '--name', next.name, '--yes');
    await done('compromise', old.kid, '--successor', `kid=${next.kid.slice(0, 8)}`, '--yes');
    expect(operator.states()).toMatchObject({ [old.name]: 'compromised', [next.name]: 'active' });
    expect((await operator.manifest(ROOT))?.states).toEqual({
      [old.kid]: 'compromised',
      [next.kid]: 'active',
    });
    expect((await operator.audit()).at(-1)).toMatchObject({
      action: 'keys.compromise',
      target: old.kid,
      after: [
        { kid: old.kid, state: 'compromised' },
        { kid: next.kid, state: 'active' },
      ],
    });
  });

  test('with --disable-version its KMS signs with it no more', async () => {
    await stageNext();
    const stdout = await done('compromise', next.kid, '--disable-version', '--yes');
    expect(stdout).toContain(`${next.name} is disabled in its KMS.\n`);
    await expect(operator.kidOf(next.name)).rejects.toMatchObject({ code: 'signing_unavailable' });
    expect((await operator.manifest(ROOT))?.states).toEqual({
      [old.kid]: 'active',
      [next.kid]: 'compromised',
    });
    // Without its KMS it is still known, and stays published.
    await done('publish', '--yes');
    expect((await operator.manifest(ROOT))?.states[next.kid]).toBe('compromised');
  });
});
