/** Refusals that every endpoint of a kind has for the same reason, each made of a request that would succeed. */
import { randomUUID } from 'node:crypto';
import type { Endpoint } from '../../../functions/http/endpoint.ts';
import { INSTANCE_HEADER } from '../../../functions/http/instance-id.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import type { Case, Shot } from './case.ts';
import { guessedKey, type Sending, type Stage } from './stage.ts';

export interface Making {
  readonly stage: Stage;
  readonly row: Endpoint;
  readonly theCase: Case;
}

type Make = (making: Making) => Promise<Sending>;

/** One that succeeds; of a public endpoint nobody calls. */
export async function goodSending({ stage, row, theCase }: Making): Promise<Sending> {
  const shot = await theCase.good(stage.ready);
  const as = row.access === 'public' ? {} : stage.callers.operator;
  return { to: stage.instances[shot.at ?? 'sound'], row, shot, as };
}

export const EVERY_ROW: Readonly<Partial<Record<ErrorCode, Make>>> = {
  unauthenticated: async (making) => ({ ...(await goodSending(making)), as: {} }),
  forbidden: calledBy('powerless'),
  rate_limited: async (making) => {
    const sending = await goodSending(making);
    return { ...sending, to: making.stage.instances.besieged, as: await guessedKey(making.stage) };
  },
  identity_unavailable: async (making) => {
    const { instances, callers } = making.stage;
    return { ...(await goodSending(making)), to: instances.tokens, as: callers.tokenBearer };
  },
  signing_unavailable: at('keyless'),
  // Where the endpoint has no part in it, it is who calls that cannot be found out.
  store_unavailable: (making) =>
    at(making.row.errors.includes('store_unavailable') ? 'storeless' : 'forgetful')(making),
  precondition_failed: withHeader('if-match', '"0"'),
  idempotency_conflict: conflicting,
  invalid_request: invalid,
  invalid_json: withBody('{"a":'),
  json_duplicate_key: withBody('{"a":1,"a":2}'),
  json_lone_surrogate: withBody('{"a":"\\ud800"}'),
  json_non_finite_number: withBody('{"a":1e999}'),
  json_unsafe_integer: withBody('{"a":9007199254740993}'),
  json_too_deep: withBody(`{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`),
  body_too_large: withBody(`{"a":"${'x'.repeat(10_000_000)}"}`),
  unsupported_media_type: withHeader('content-type', 'text/plain'),
};

function calledBy(caller: keyof Stage['callers']): Make {
  return async (making) => ({ ...(await goodSending(making)), as: making.stage.callers[caller] });
}

function at(instance: keyof Stage['instances']): Make {
  return async (making) => ({ ...(await goodSending(making)), to: making.stage.instances[instance] });
}

/** The request that succeeds, with one more header. */
export function withHeader(name: string, value: string): Make {
  return async (making) => {
    const sending = await goodSending(making);
    return { ...sending, shot: adding(sending.shot, name, value) };
  };
}

function withBody(body: string): Make {
  return async (making) => {
    const sending = await goodSending(making);
    return { ...sending, shot: { ...sending.shot, body } };
  };
}

/** The key of a request that was carried out, on one that says more, or where nothing is said on one of another object. */
async function conflicting(making: Making): Promise<Sending> {
  const { stage, row, theCase } = making;
  const key = randomUUID();
  const first = await goodSending(making);
  await stage.send({ ...first, shot: adding(first.shot, 'idempotency-key', key) });
  const other =
    row.request === undefined
      ? await theCase.good(stage.ready)
      : { ...first.shot, body: { ...(first.shot.body as object), of_another_request: true } };
  return { ...first, shot: adding(other, 'idempotency-key', key) };
}

/** Wrong where this endpoint can be wrong: in its body, its query, or a header. */
async function invalid(making: Making): Promise<Sending> {
  const { row } = making;
  const sending = await goodSending(making);
  if (row.request !== undefined) return { ...sending, shot: { ...sending.shot, body: '[]' } };
  if (row.query !== undefined) return { ...sending, shot: { ...sending.shot, query: 'no_such_filter=1' } };
  const [name, value] =
    row.instance === undefined ? ['idempotency-key', 'é'] : [INSTANCE_HEADER, 'two words'];
  return { ...sending, shot: adding(sending.shot, name.toLowerCase(), value) };
}

function adding(shot: Shot, name: string, value: string): Shot {
  return { ...shot, headers: { ...shot.headers, [name]: value } };
}
