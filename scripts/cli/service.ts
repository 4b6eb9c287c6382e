/**
 * The service that a command talks to: the one that the environment names, or the local stack when it names none. The
 * API key is never an argument: every user of a machine sees the arguments of every process.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type AdminClient, createAdminClient } from '../../shared/client/admin-client.ts';
import { OperatorError } from '../../shared/operator-error.ts';
import { remark } from './output.ts';
import { EXIT_CODES } from './run.ts';
import { printable } from './table.ts';

/** What a command needs of `local.json`. */
const localFile = z.object({ base_url: z.url(), admin_api_key: z.string().min(1) });

export const localHome = () => resolve(process.env.COUNTERSIGN_HOME || '.countersign');

/** @throws OperatorError */
export function openService(): AdminClient {
  const { COUNTERSIGN_URL: url, COUNTERSIGN_API_KEY: apiKey } = process.env;
  if (!url && !apiKey) {
    const local = readLocal();
    return createAdminClient({ baseUrl: local.base_url, apiKey: local.admin_api_key, onDamaged });
  }
  if (!url || !apiKey)
    throw new OperatorError(
      `COUNTERSIGN_URL and COUNTERSIGN_API_KEY belong together, and ${url ? 'COUNTERSIGN_API_KEY' : 'COUNTERSIGN_URL'} is not set.`,
    );
  return createAdminClient({ baseUrl: requireSafe(url), apiKey, onDamaged });
}

/** What is listed is not all there is, so the command has failed although it goes on. */
function onDamaged(paths: readonly string[]): void {
  for (const path of paths)
    remark(
      printable(
        `Left out, because its record is damaged: ${path}. The operator of the service has to repair it.`,
      ),
    );
  process.exitCode = EXIT_CODES.failed;
}

/**
 * Where a buyer's commands find the service: they need no API key.
 * @throws OperatorError
 */
export function serviceUrl(): string {
  const { COUNTERSIGN_URL: url } = process.env;
  return url ? requireSafe(url) : readLocal().base_url;
}

function readLocal(): z.output<typeof localFile> {
  const path = join(localHome(), 'local.json');
  if (!existsSync(path))
    throw new OperatorError(
      `No service is named: COUNTERSIGN_URL is not set, and there is no local stack in ${localHome()}. Start one with npm start.`,
    );
  try {
    return localFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new OperatorError(`${path} is damaged, or npm start has not finished. Start it again.`, { cause });
  }
}

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** An API key that travels in the clear belongs to whoever listens. */
function requireSafe(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.has(url.hostname))) return text;
  throw new OperatorError(
    'COUNTERSIGN_URL must begin with https://; http:// is for a service on this machine.',
  );
}
