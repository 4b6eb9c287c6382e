/**
 * Every endpoint with a request that succeeds, and with every refusal that OpenAPI promises of it. A code that is promised
 * and that no case provokes fails, and so does a case of a code that is not promised.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aboutEndpoints } from '../../functions/http/about.ts';
import { docsEndpoints } from '../../functions/http/docs.ts';
import type { Endpoint } from '../../functions/http/endpoint.ts';
import { openApiDocument } from '../../functions/http/openapi.ts';
import { ERRORS, type ErrorCode } from '../../shared/errors.ts';
import { everyEndpoint, NO_PORTS, NO_SETTINGS } from '../support/every-endpoint.ts';
import { EVERY_ROW, goodSending } from '../support/refusals/every-row.ts';
import { CASES, caseOf } from '../support/refusals/index.ts';
import { type Sending, type Stage, startStage } from '../support/refusals/stage.ts';
import type { Answer } from '../support/service.ts';

const ABOUT = { name: '', version: '', environment: '', issuer: '' };
const OWN = [...everyEndpoint(NO_PORTS, NO_SETTINGS), ...aboutEndpoints(NO_PORTS, ABOUT)];
const ROWS = [...OWN, ...docsEndpoints(OWN, '')];

/** What is met before an endpoint is looked at; framework.test.ts provokes it. Nobody means an internal error. */
const BEFORE_ANY_ROW: readonly string[] = [
  'malformed_request',
  'headers_too_large',
  'request_timeout',
  'internal_error',
];

/** What may have happened before the refusal: it is told of as the API page says. */
const AFTER_AN_EFFECT: readonly ErrorCode[] = ['signing_unavailable', 'mail_refused', 'mail_unavailable'];

/** What is found out without the store, and so on one store as on the other. */
const WITHOUT_THE_STORE: readonly ErrorCode[] = [
  'invalid_json',
  'json_duplicate_key',
  'json_lone_surrogate',
  'json_non_finite_number',
  'json_unsafe_integer',
  'json_too_deep',
  'body_too_large',
  'unsupported_media_type',
  'identity_unavailable',
  'rate_limited',
];

type Responses = Readonly<Record<string, { readonly description: string }>>;
type Paths = Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;

const { paths } = openApiDocument(ROWS, '') as { readonly paths: Paths };

/** The codes that OpenAPI names among the answers of an endpoint. */
function promisedBy({ path, method }: Endpoint): ErrorCode[] {
  const { responses = {} } = paths[path]?.[method.toLowerCase()] ?? {};
  const texts = Object.entries(responses).flatMap(([status, { description }]) =>
    Number(status) >= 400 ? [description] : [],
  );
  const codes = texts.flatMap((text) => [...text.matchAll(/`(\w+)`/g)].map(([, code = '']) => code));
  return codes.filter((code) => !BEFORE_ANY_ROW.includes(code)) as ErrorCode[];
}

const NAMED = ROWS.map((row) => [`${row.method} ${row.path}`, row] as const);

describe.each(['sqlite', 'firestore'] as const)('on %s', (store) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(store);
  });
  afterAll(() => stage.stop());

  /** Sends, and fails unless the answer is this refusal, and nothing changed. */
  async function expectRefusal(sending: Sending, code: ErrorCode): Promise<Answer> {
    const { service, smtp } = stage.ready;
    const before = service.dumpStore();
    const answer = await stage.send(sending);
    smtp.behave({});
    const { status, body, headers } = answer;
    expect({ code: body.code, status }, JSON.stringify(body)).toEqual({ code, status: ERRORS[code].status });
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ status, type: `urn:countersign:error:${code}`, detail: expect.any(String) });
    expect(body.request_id).toBe(headers.get('x-request-id'));
    // Whoever watches over health asks again by a clock of their own.
    const isTimed = (status === 503 || status === 429) && sending.row.tag !== 'service';
    if (isTimed) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    if (!AFTER_AN_EFFECT.includes(code)) expect(service.dumpStore() === before, 'nothing changed').toBe(true);
    return answer;
  }

  describe.each(NAMED)('%s', (_, row) => {
    const theCase = caseOf(row);
    const making = () => ({ stage, row, theCase });

    test('succeeds, with the members that its row declares', async () => {
      const { status, body, headers } = await stage.send(await goodSending(making()));
      expect([status, body.code ?? null]).toEqual([row.success ?? 200, null]);
      if ('response' in row) expect(row.response.parse(body)).toEqual(body);
      else expect(headers.get('content-type')).toContain(row.mediaType);
    });

    const codes = promisedBy(row).filter((code) => store === 'sqlite' || !WITHOUT_THE_STORE.includes(code));

    test.each(codes)('refuses with %s', async (code) => {
      const own = theCase.refusals[code];
      const make = EVERY_ROW[code];
      if (own !== undefined) {
        const sending = await goodSending({ stage, row, theCase: { ...theCase, good: own } });
        await expectRefusal(sending, code);
      } else if (make !== undefined) await expectRefusal(await make(making()), code);
      else expect.unreachable(`${row.operationId} declares ${code}, and no case provokes it`);
    });

    test('has no case of a refusal that it does not declare', () => {
      expect(promisedBy(row)).toEqual(expect.arrayContaining(Object.keys(theCase.refusals)));
    });
  });
});

test('every case is of an endpoint', () => {
  const known = ROWS.map(({ operationId }) => operationId);
  expect(known).toEqual(expect.arrayContaining(Object.keys(CASES)));
});
