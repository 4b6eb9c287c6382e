/** Instances of one service that work, and others each with its trouble. */

import type { Endpoint } from '../../../functions/http/endpoint.ts';
import { createKeyDirectory } from '../../../infra/kms/directory.ts';
import { createKmsClient } from '../../../infra/kms/google.ts';
import { createMailer } from '../../../infra/mail.ts';
import { createIdentify } from '../../../infra/oidc.ts';
import { generateApiKey, prefixOf } from '../../../shared/access/api-key.ts';
import { FAILED_ATTEMPTS_PER_KEY } from '../../../shared/constants.ts';
import type { MacKey } from '../../../shared/keys/registry.ts';
import type { DocumentStore } from '../../../shared/ports/document-store.ts';
import { adminCalls } from '../admin-calls.ts';
import { openFaultyStore } from '../faulty-store.ts';
import { TEST_KEY_RING } from '../kms.ts';
import { type Instance, serveBeside } from '../serve-beside.ts';
import { type Answer, startTestService } from '../service.ts';
import { startSmtpServer } from '../smtp.ts';
import { steadyKey } from '../steady-key.ts';
import type { TestStoreKind } from '../test-store.ts';
import type { Shot } from './case.ts';
import { makeReady, type Ready } from './ready.ts';

type Headers = Readonly<Record<string, string>>;

/** A request, addressed. */
export interface Sending {
  readonly to: Instance;
  readonly row: Endpoint;
  readonly shot: Shot;
  /** Who calls. */
  readonly as: Headers;
}

export interface Stage {
  readonly ready: Ready;
  readonly instances: {
    /** All is well, and letters are sent. */
    readonly sound: Instance;
    /** Another one like it, which shares nothing with it but the store. */
    readonly second: Instance;
    /** Its KMS is down, and has never answered. */
    readonly keyless: Instance;
    /** Its store knows API keys and answers nothing else. */
    readonly storeless: Instance;
    /** Its store answers nothing. */
    readonly forgetful: Instance;
    /** The time of the MACs of old is over. */
    readonly modern: Instance;
    /** Where keys are guessed at. */
    readonly besieged: Instance;
    /** Its issuer of ID tokens is down. */
    readonly tokens: Instance;
  };
  /** Callers: one who may do everything, one who may do nothing, one with an ID token. */
  readonly callers: Readonly<Record<'operator' | 'powerless' | 'tokenBearer', Headers>>;
  send(sending: Sending): Promise<Answer>;
  stop(): Promise<void>;
}

const NOBODY_LISTENS = '127.0.0.1:1';
const MAC_KEY = `${TEST_KEY_RING}/cryptoKeys/caio-v1/cryptoKeyVersions/1`;
const OVER: MacKey = { use: 'mac', name: MAC_KEY, algorithm: 'HMAC_SHA256', sunsetAt: 1 };

export async function startStage(store: TestStoreKind): Promise<Stage> {
  const service = await startTestService({ store, deadlineMs: 10_000 });
  const smtp = await startSmtpServer();
  const ready = await makeReady(service, smtp);
  const { store: own } = service.ports;
  const downKms = createKmsClient({ endpoint: NOBODY_LISTENS });
  const keys = createKeyDirectory({ client: downKms, keys: service.kms.signingKeys, deadlineMs: 300 });
  const issuer = `http://${NOBODY_LISTENS}`;
  const mailer = createMailer({
    url: `smtp://127.0.0.1:${smtp.port}`,
    from: 'licences@example.com',
    deadlineMs: 20_000,
  });
  const instances = {
    sound: await serveBeside(service, { mailer }),
    // A queue of writes is kept for each store that is handed in.
    second: await serveBeside(service, { mailer, ports: { store: { ...own } } }),
    keyless: await serveBeside(service, { ports: { keys } }),
    storeless: await serveBeside(service, { ports: { store: knowingKeysOnly(own) } }),
    forgetful: await serveBeside(service, { ports: { store: knowingNothing(own) } }),
    modern: await serveBeside(service, {
      ports: { keys: createKeyDirectory({ client: downKms, keys: [...service.kms.signingKeys, OVER] }) },
    }),
    besieged: await serveBeside(service),
    tokens: await serveBeside(service, {
      identify: createIdentify({ issuer, audience: 'countersign', scopes: { claim: 'groups', map: {} } }),
    }),
  };
  const callers = {
    operator: await steadyKey(service),
    powerless: await steadyKey(service, []),
    tokenBearer: { authorization: `Bearer ${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30.AA` },
  };
  return {
    ready,
    instances,
    callers,
    send,
    stop: async () => {
      for (const instance of Object.values(instances)) await instance.stop();
      await downKms.close();
      await smtp.stop();
      await service.stop();
    },
  };
}

function send({ to, row, shot, as }: Sending): Promise<Answer> {
  const path = row.path.replace(/\{(\w+)\}/g, (_, name: string) => shot.ids?.[name] ?? 'none');
  const query = shot.query === undefined ? '' : `?${shot.query}`;
  const body = row.request === undefined ? undefined : shot.body;
  return adminCalls(to, as)(row.method, `${path}${query}`, body, shot.headers);
}

function knowingNothing(store: DocumentStore): DocumentStore {
  const faulty = openFaultyStore(store);
  faulty.strike(() => 'unavailable');
  return faulty;
}

/** What comes after the caller was identified fails. */
function knowingKeysOnly(store: DocumentStore): DocumentStore {
  const faulty = knowingNothing(store);
  return {
    ...faulty,
    get: (paths: readonly string[]) =>
      paths.every((path) => path.startsWith('api_keys/')) ? store.get(paths) : faulty.get(paths),
  };
}

/** A wrong key that begins like others which have just been tried too often. */
export async function guessedKey({ instances: { besieged }, ready: { service } }: Stage): Promise<Headers> {
  const prefix = prefixOf(generateApiKey(service.ports.random)) ?? '';
  const guess = () => ({ 'x-api-key': prefix + generateApiKey(service.ports.random).slice(prefix.length) });
  for (let tried = 0; tried < FAILED_ATTEMPTS_PER_KEY; tried++)
    await fetch(new URL('/api/v1/customers', besieged.baseUrl), { headers: guess() });
  return guess();
}
