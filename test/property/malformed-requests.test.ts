/**
 * More than 20,000 malformed requests at the real functions, over real sockets: every one is refused as problem+json
 * with a known code, tells nothing, changes nothing and leaves nothing in a log.
 *
 * A licence with one live session exists all along. Most requests are one fault away from one that would write to
 * it, so that a fault that is overlooked shows as a changed store. Generators whose fault is not certain (a flipped
 * byte may hit a member that is ignored) start from bodies that are wrong in several places instead.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bodies, bodiesAbout } from '../support/malformed/bodies.ts';
import { broken } from '../support/malformed/broken-http.ts';
import { media, sizes } from '../support/malformed/content.ts';
import { oddFields, randomJson, wrongTypes } from '../support/malformed/fields.ts';
import { headers } from '../support/malformed/headers.ts';
import { depths, mutated, randomBytes } from '../support/malformed/json-text.ts';
import { createSender, type Sender } from '../support/malformed/sending.ts';
import { JSON_HEADERS, json, MARKER, pathOf, RAW, type Shot } from '../support/malformed/shot.ts';
import { methods, paths } from '../support/malformed/targets.ts';
import { privateKeyLines } from '../support/malformed/traces.ts';
import { causeOf, createVolleys, type Volleys } from '../support/malformed/volley.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** How many malformed requests of each kind, and what makes them. Together they have to be `TOTAL` at least. */
const KINDS: readonly [kind: string, amount: number, generate: (bodies: Bodies) => fc.Arbitrary<Shot>][] = [
  ['wrong types', 3000, wrongTypes],
  ['odd strings, missing and extra fields', 3000, oddFields],
  ['random JSON', 2000, randomJson],
  ['random bytes', 1600, randomBytes],
  ['mutated bodies', 3000, mutated],
  ['depth', 1000, depths],
  ['sizes', 1000, sizes],
  ['media types and encodings', 1600, media],
  ['methods', 1600, methods],
  ['paths', 1600, paths],
  ['headers', 1600, headers],
  ['broken HTTP', 1600, broken],
];
const TOTAL = 20_000;
const CONCURRENCY = 32;

let service: TestService;
let sender: Sender;
let volleys: Volleys;
let bodies: Bodies;
let untouched: string;

beforeAll(async () => {
  service = await startTestService();
  const licenseKey = await service.addLicense({ policy: { lease_seconds: 86_400 } });
  const hardwareId = 'machine-with-the-live-session';
  const { body } = await service.post(pathOf('acquire'), {
    license_key: licenseKey,
    hardware_id: hardwareId,
  });
  bodies = bodiesAbout({ licenseKey, hardwareId, sessionId: body.session_id, token: body.license_data });
  untouched = service.dumpStore();
  const { signature } = body.license_data;
  const keyLines = privateKeyLines(service.kms.home);
  sender = createSender(service.baseUrl, CONCURRENCY);
  volleys = createVolleys(service, sender, [MARKER, licenseKey, body.session_id, signature, ...keyLines]);
});

afterAll(async () => {
  vi.restoreAllMocks();
  sender.close();
  await service.stop();
});

test.each(KINDS)('%s: %i requests refused, nothing changed', async (kind, amount, generate) => {
  const shotsAtOnce = fc.array(generate(bodies), { minLength: CONCURRENCY, maxLength: CONCURRENCY });
  const property = fc.asyncProperty(shotsAtOnce, (shots) => volleys.fire(kind, shots));
  // A volley names the request that failed, so there is nothing to shrink.
  const outcome = await fc.check(property, {
    numRuns: Math.ceil(amount / CONCURRENCY),
    endOnFailure: true,
  });
  if (outcome.failed)
    throw new Error(
      `seed ${outcome.seed}, path ${outcome.counterexamplePath}\n${causeOf(outcome.errorInstance)}`,
    );
});

test('bodies of 10 MB are refused before they are read', async () => {
  const name = 'acquire';
  const shots = (['agent', 'raw', 'fetch'] as const).flatMap((transport) =>
    [false, true].map((chunked): Shot => {
      const shot = { ...RAW, path: pathOf(name), headers: JSON_HEADERS, codes: ['body_too_large'] };
      return { ...shot, via: transport, chunked, body: json(bodies.good(name)), padTo: 10_000_000 };
    }),
  );
  await volleys.fire('10 MB', shots);
});

test('that was enough, nothing changed, and the service still answers', async () => {
  vi.restoreAllMocks();
  const total = [...volleys.sent.values()].reduce((sum, amount) => sum + amount, 0);
  console.log(
    `${total} malformed requests:`,
    Object.fromEntries(volleys.sent),
    'closed without an answer:',
    Object.fromEntries(volleys.unanswered),
  );
  expect(total).toBeGreaterThanOrEqual(TOTAL);
  for (const [kind] of KINDS) expect(volleys.sent.get(kind), kind).toBeGreaterThanOrEqual(1000);
  expect(volleys.printed).toEqual([]);
  expect(service.dumpStore()).toBe(untouched);
  const { status, body } = await service.post(pathOf('acquire'), bodies.good('acquire'));
  expect([status, body.session_id]).toEqual([200, bodies.live.sessionId]);
});
