/**
 * Licences of every format that a running service has issued over HTTP, verified with the keys that it publishes by programs
 * that share no code with it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgeriesOf } from './forgeries.ts';
import { type Document, type Issuer, startIssuer } from './issued-over-http.ts';
import { expectRefusals, type PublishedKeys, VERIFIER_NAMES, verifiers, withOtherKeys } from './verifiers.ts';

const FORMATS = ['aegis', 'caio-v2', 'dtlic2', 'inline', 'jws'];

let issuer: Issuer | undefined;
/** Before a rotation and after it, with the keys that were published then. */
let stages: { readonly documents: Document[]; readonly keys: PublishedKeys }[];
let rotation: { readonly from: string; readonly to: string };

beforeAll(async () => {
  issuer = await startIssuer();
  const before = { documents: await issuer.documents(), keys: await issuer.keys() };
  rotation = await issuer.rotate();
  stages = [before, { documents: await issuer.documents(), keys: await issuer.keys() }];
});
afterAll(() => issuer?.stop());

describe.each(VERIFIER_NAMES)('%s', (name) => {
  const verify = verifiers[name];

  test.for([
    ['as they were issued', 0],
    ['after a rotation', 1],
  ] as const)('verify all licences %s, and read what the service says of them', async ([, at], context) => {
    const { documents, keys } = stageOf(at);
    const lines = await verify(context, keys, documents);
    expect(lines).toHaveLength(documents.length);
    for (const [place, { what, says }] of documents.entries()) {
      const line = lines[place] ?? '';
      expect(line, what).not.toMatch(/^refused/);
      const payload = JSON.parse(line);
      expect(payload, what).toMatchObject(says ?? {});
      if (says !== undefined && what.startsWith('aegis') && !('exp' in says))
        expect(payload).not.toHaveProperty('exp');
    }
  });

  test('refuse them when they are changed', async (context) => {
    const { documents, keys } = stageOf(1);
    const forged = oneOfEach(documents).flatMap((document) => forgeriesOf(document, keys));
    expect(forged.length).toBeGreaterThan(oneOfEach(documents).length * 4);
    await expectRefusals(verify, context, keys, forged);
  });

  test('refuse them with other keys of the same names', async (context) => {
    const { documents, keys } = stageOf(1);
    await expectRefusals(verify, context, await withOtherKeys(keys), oneOfEach(documents));
  });
});

test('are of every format, by both algorithms where the format has them', () => {
  const [before] = stages;
  const kids = (format: string) =>
    new Set(before?.documents.filter(({ what }) => what.startsWith(`${format},`)).map(({ kid }) => kid));
  expect(FORMATS.map((format) => [format, kids(format).size])).toEqual([
    ['aegis', 1],
    ['caio-v2', 2],
    ['dtlic2', 1],
    ['inline', 2],
    ['jws', 2],
  ]);
});

test('are by the new key after a rotation, beside those of before, which are as they were', () => {
  const [before, after] = [stageOf(0), stageOf(1)];
  const texts = (documents: readonly Document[]) => documents.map(({ text }) => text);
  const kept = before.documents.filter(({ what }) => !/^(inline|jws)/.test(what));
  expect(texts(after.documents)).toEqual(expect.arrayContaining(texts(kept)));
  const newest = after.documents.filter(({ says }) => says !== undefined);
  expect(newest.filter(({ kid }) => kid === rotation.from)).toEqual([]);
  for (const format of FORMATS)
    expect(newest.some(({ what, kid }) => what.startsWith(format) && kid === rotation.to)).toBe(true);
});

/** One of each format and key: openssl is a process for each signature. */
function oneOfEach(documents: readonly Document[]): Document[] {
  return [...new Map(documents.map((each) => [`${each.what.split(',')[0]} ${each.kid}`, each])).values()];
}

function stageOf(at: number) {
  const stage = stages[at];
  if (stage === undefined) throw new Error('the service did not get so far');
  return stage;
}
