/** Several KMS keys may have made the MAC of a CAIO-v1 licence, and each may be away. */
import { expect, test } from 'vitest';
import { createHasher } from '../../../infra/hasher.ts';
import { CountersignError } from '../../../shared/errors.ts';
import { caioV1 } from '../../../shared/formats/caio-v1.ts';
import type { MacVerifier } from '../../../shared/ports/mac-verifier.ts';
import { isMacGenuine } from '../../../shared/usecases/validate-mac.ts';
import { caioPayload, caioV1Of } from '../../support/issued-licenses.ts';

const TEXT = caioV1Of(JSON.stringify(caioPayload()));
const ports = { hasher: createHasher('a pepper for tests, long enough to pass') };

type Answer = 'yes' | 'no' | 'down' | 'silent';

/** A KMS that says the same each time, and how often it was asked. */
function kmsThatIs(answer: Answer): MacVerifier & { asked: number } {
  return {
    asked: 0,
    async verify() {
      this.asked += 1;
      if (answer === 'silent') await new Promise(() => {});
      if (answer === 'down') throw new CountersignError('signing_unavailable', 'It is away.');
      return answer === 'yes';
    },
  };
}

const ask = (verifiers: readonly MacVerifier[], text = TEXT) =>
  isMacGenuine(ports, verifiers, text, caioV1.decode(text)).catch((error: CountersignError) => error.code);

test.each<[expected: boolean | string, ...answers: Answer[]]>([
  [true, 'yes'],
  [true, 'yes', 'no'],
  [true, 'no', 'yes'],
  [true, 'yes', 'down'],
  [true, 'down', 'yes'],
  [true, 'silent', 'down', 'no', 'yes'],
  [false, 'no'],
  [false, 'no', 'no'],
  ['signing_unavailable', 'down'],
  ['signing_unavailable', 'no', 'down'],
  ['signing_unavailable', 'down', 'no'],
  ['signing_unavailable', 'down', 'down'],
])('%s of KMS that say %s, %s', async (expected, ...answers) => {
  expect(await ask(answers.map(kmsThatIs))).toBe(expected);
});

test('what was said is remembered of each key, and that it was away is not', async () => {
  const [no, down] = [kmsThatIs('no'), kmsThatIs('down')];
  for (const _ of [1, 2, 3]) expect(await ask([no, down])).toBe('signing_unavailable');
  expect([no.asked, down.asked]).toEqual([1, 3]);
  expect([await ask([no]), no.asked]).toEqual([false, 1]);
});

test('a fault that is none of a KMS is not hidden behind a no', async () => {
  const broken: MacVerifier = { verify: () => Promise.reject(new TypeError('a defect')) };
  await expect(isMacGenuine(ports, [kmsThatIs('no'), broken], TEXT, caioV1.decode(TEXT))).rejects.toThrow(
    TypeError,
  );
});
