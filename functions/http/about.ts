/** What every function answers about itself. */
import { RETRY_AFTER_SECONDS } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { healthResponse, infoResponse } from '../../shared/wire/about.ts';
import { type Endpoint, get } from './endpoint.ts';

export interface About {
  readonly name: string;
  readonly version: string;
  readonly environment: string;
  readonly issuer: string;
}

export function aboutEndpoints({ store, keys }: Pick<Ports, 'store' | 'keys'>, about: About): Endpoint[] {
  const { name, version, environment, issuer } = about;
  return [
    get({
      operationId: 'getHealth',
      path: '/health',
      summary: 'Whether the service can do its work',
      description: '503 when the store does not answer. The KMS is not asked: its quota belongs to licences.',
      tag: 'service',
      access: 'public',
      response: healthResponse,
      errors: ['store_unavailable'],
      handle: async () => {
        await probe(store, { version, environment });
        return { body: { status: 'ok', version, environment, store: 'ok' } };
      },
    }),
    get({
      operationId: 'getInfo',
      path: '/info',
      summary: 'Name, issuer and active keys',
      tag: 'service',
      access: 'public',
      response: infoResponse,
      errors: ['signing_unavailable'],
      handle: async () => {
        const active = (await keys.list()).filter(({ state }) => state === 'active');
        return { body: { name, version, issuer, environment, active_key_ids: active.map(({ kid }) => kid) } };
      },
    }),
  ];
}

/** @throws CountersignError `store_unavailable`, with the members of a health report. */
async function probe(store: Ports['store'], about: Pick<About, 'version' | 'environment'>): Promise<void> {
  try {
    await store.get(['health/probe']);
  } catch (cause) {
    const members = { ...about, store: 'unavailable' };
    const retryAfterSeconds = RETRY_AFTER_SECONDS;
    throw new CountersignError('store_unavailable', 'The store does not answer.', {
      cause,
      members,
      retryAfterSeconds,
    });
  }
}
