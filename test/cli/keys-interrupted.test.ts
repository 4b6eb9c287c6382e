/** `countersign keys …` that stops half way, or is given twice at once: what it began can be completed, and nothing is lost. */
import { randomUUID } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { registryProblems } from '../../shared/keys/registry.ts';
import { startTestKms, type TestKms } from '../support/kms.ts';
import type { TestOperator } from '../support/operator.ts';
import {
  ACTIVE,
  type BeforeRotation,
  carryOut,
  ROOT,
  startBeforeRotation,
} from '../support/rotation-operator.ts';

let kms: TestKms;
let operator: TestOperator;
let next: BeforeRotation['next'];
let kid: string;

beforeAll(async () => {
  kms = await startTestKms();
});
afterAll(() => kms.stop());

beforeEach(async () => {
  ({ operator, next, kid } = await startBeforeRotation(kms));
});
afterEach(async () => {
  await kms.setFault(null);
  await operator.stop();
});

const published = () => operator.manifest(ROOT.name);

const done = (...args: string[]) => carryOut(operator, args);

describe('while the KMS of the root is out of reach', () => {
  const away = { AWS_KMS_ENDPOINT: 'http://127.0.0.1:1' };

  test('nothing is changed', async () => {
    await done('stage', '--name', next.name);
    await operator.publishedAgo(61);
    const before = await operator.everything();
    const commands = [['publish'], ['activate', next.kid], ['retire', next.kid]];
    const ends = await Promise.all(commands.map((args) => operator.run(['keys', ...args, '--yes'], away)));
    for (const { code, stderr } of ends) {
      expect(code).toBe(1);
      expect(stderr).toContain('(signing_unavailable)');
    }
    expect(await operator.everything()).toBe(before);
  });

  test('a compromise is in the list already, and the same command completes it', async () => {
    await done('stage', '--name', next.name);
    const args = ['keys', 'compromise', kid, '--successor', next.kid, '--yes'];
    const { code, stderr } = await operator.run(args, away);
    expect(code).toBe(1);
    expect(stderr).toContain('the manifest does not say so yet. Give the command again.\n');
    expect(stderr).toContain('(signing_unavailable)');
    expect(operator.states()).toMatchObject({ [ACTIVE.name]: 'compromised', [next.name]: 'active' });
    expect((await published())?.states).toEqual({ [kid]: 'active', [next.kid]: 'staged' });

    expect((await operator.run(args)).code).toBe(0);
    expect(await published()).toMatchObject({
      version: 2,
      states: { [kid]: 'compromised', [next.kid]: 'active' },
    });
    expect((await operator.audit()).at(-1)).toMatchObject({ action: 'keys.compromise', target: kid });
    await done('compromise', kid, '--successor', next.kid);
    expect((await published())?.version).toBe(2);
  });
});

test('interrupted between the manifest and the list, a change is completed by the same command', async () => {
  await done('stage', '--name', next.name);
  await operator.publishedAgo(61);
  // Beside a name that is nearly as long as names can be no other file can be made.
  const place = join(operator.folder, 'k'.repeat(250));
  renameSync(operator.keysFile, place);
  const activate = ['keys', 'activate', next.kid, '--yes'];
  const { code, stderr } = await operator.run(activate, { SIGNING_KEYS_FILE: place });
  renameSync(place, operator.keysFile);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^The change is published as version 2, but not in the list of keys\. Give the command again\.\n/,
  );
  expect(stderr).toContain('ENAMETOOLONG');
  expect(operator.states()).toMatchObject({ [ACTIVE.name]: 'active', [next.name]: 'staged' });
  expect((await published())?.states[next.kid]).toBe('active');

  expect((await operator.run(activate)).code).toBe(0);
  expect(operator.states()).toMatchObject({ [ACTIVE.name]: 'retiring', [next.name]: 'active' });
  expect((await published())?.version).toBe(3);
});

describe('two commands at once', () => {
  /** Wide enough for both to have read the list before either has changed it. */
  const slowRoot = () => kms.setFault({ kind: 'latency', ms: 1500 }, { method: 'TrentService.Sign' });

  test('of which one stages another key: both are in the list, or one is told to try again', async () => {
    const other = await operator.newKey(`other-${randomUUID()}`);
    await slowRoot();
    const names = [next.name, other];
    const ends = await Promise.all(
      names.map((name) => operator.run(['keys', 'stage', '--name', name, '--yes'])),
    );
    const states = operator.states();
    for (const [i, { code, stderr }] of ends.entries()) {
      if (code !== 0) expect(stderr).toContain('Give the command again.');
      expect(states[names[i] ?? ''], stderr).toBe(code === 0 ? 'staged' : undefined);
    }
    expect(ends.map(({ code }) => code)).toContain(0);
    expect(registryProblems(operator.rows())).toEqual([]);
    const answer = JSON.parse((await operator.run(['keys', 'status', '--json'])).stdout);
    expect(answer.is_published).toBe(true);
    // Neither took a version of the other: every publication is on record.
    expect((await published())?.version).toBe((await operator.audit()).length);
  });

  test('of which one says that a key is compromised: it is', async () => {
    await done('stage', '--name', next.name);
    const other = await operator.newKey(`other-${randomUUID()}`);
    await slowRoot();
    const [stage, compromise] = await Promise.all([
      operator.run(['keys', 'stage', '--name', other, '--yes']),
      operator.run(['keys', 'compromise', kid, '--successor', next.kid, '--yes']),
    ]);
    expect(compromise.code, compromise.stderr).toBe(0);
    expect(stage.code === 0, stage.stderr).toBe(other in operator.states());
    expect(operator.states()).toMatchObject({ [ACTIVE.name]: 'compromised', [next.name]: 'active' });
    expect((await published())?.states).toMatchObject({ [kid]: 'compromised', [next.kid]: 'active' });
  });
});
