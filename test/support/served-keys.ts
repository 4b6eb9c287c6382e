/**
 * A second server over the store and the KMS of a test service, whose keys and clock a test chooses anew for each case.
 *
 * ```ts
 * const served = await serveKeys(service);
 * served.use({ keys: [{ ...key, state: 'compromised' }], now });
 * await served.validate(document);
 * ```
 */
import { randomUUID } from 'node:crypto';
import { serve } from '../../functions/http/serve.ts';
import { keyEndpoints } from '../../functions/keys/endpoints.ts';
import { manifestEndpoints } from '../../functions/keys/manifest.ts';
import { licenseEndpoints } from '../../functions/licenses/endpoints.ts';
import { licensingEndpoints } from '../../functions/licensing/endpoints.ts';
import { createKeyDirectory } from '../../infra/kms/directory.ts';
import { createKmsClient } from '../../infra/kms/google.ts';
import { createLog } from '../../infra/log.ts';
import type { RegisteredKey } from '../../shared/keys/registry.ts';
import type { KeyDirectory } from '../../shared/ports/key-directory.ts';
import type { Ports } from '../../shared/ports/ports.ts';
import { listenFor } from './listen.ts';
import type { Answer, TestService } from './service.ts';

export interface ServedKeys {
  readonly baseUrl: string;
  /** The directory in use. */
  readonly directory: () => KeyDirectory;
  /** What the directory logged. */
  readonly logLines: string[];
  /** A new directory, which has read nothing; and the instant that the service takes for now. */
  use(choice: { readonly keys: readonly RegisteredKey[]; readonly now?: number }): void;
  get(path: string): Promise<Answer>;
  /** The code of the refusal, `valid`, or that of a failure. */
  validate(token: unknown): Promise<string>;
  stop(): Promise<void>;
}

export async function serveKeys({ kms, ports: own, settings }: TestService): Promise<ServedKeys> {
  const client = createKmsClient({ endpoint: kms.endpoint });
  const logLines: string[] = [];
  const log = createLog('DEBUG', (line) => logLines.push(line));
  let directory = own.keys;
  let present: number | undefined;
  const keys: KeyDirectory = {
    sign: (algorithm, makeMessage) => directory.sign(algorithm, makeMessage),
    find: (kid) => directory.find(kid),
    list: () => directory.list(),
    macKeys: () => directory.macKeys(),
  };
  const ports: Ports = { ...own, keys, clock: { ...own.clock, now: () => present ?? own.clock.now() } };
  const about = { name: `keys-${randomUUID()}`, version: '0', environment: 'test', issuer: settings.issuer };
  const config = { CORS_ALLOWED_ORIGINS: [] };
  const quiet = createLog('ERROR', () => {});
  serve({ ports, log: quiet, about, config }, [
    ...licenseEndpoints(ports, settings),
    ...licensingEndpoints(ports, settings),
    ...keyEndpoints(keys),
    ...manifestEndpoints(ports.store, keys, () => {}),
  ]);
  const { baseUrl, stop } = await listenFor(about.name);

  async function call(path: string, init?: RequestInit): Promise<Answer> {
    const response = await fetch(new URL(path, baseUrl), init);
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  return {
    baseUrl,
    directory: () => directory,
    logLines,
    use(choice) {
      directory = createKeyDirectory({ client, keys: choice.keys, deadlineMs: 10_000, log });
      present = choice.now;
      logLines.length = 0;
    },
    get: (path) => call(path),
    async validate(token) {
      const { body } = await call('/api/v1/licenses/validate', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
      return body.valid === true ? 'valid' : body.code;
    },
    async stop() {
      await stop();
      await client.close();
    },
  };
}
