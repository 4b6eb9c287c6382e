/**
 * The keys that a buyer's machine verifies with: a JWK set that came with the program, or the manifest that the pinned
 * root key signed. A key never comes from the licence, nor from the service without the root's signature.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createVerifierClock } from '../../../shared/client/verifier-clock.ts';
import { fetchWithin, manifestOverHttp } from '../../../shared/client/verifier-fetch.ts';
import { ManifestHolding } from '../../../shared/client/verifier-holding.ts';
import {
  type BarredKey,
  importVerificationKey,
  type VerificationKey,
} from '../../../shared/client/verify.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { localHome, serviceUrl } from '../service.ts';

export interface TrustOptions {
  /** A file with a JWK set. */
  readonly keys?: string | undefined;
  /** A file with the root key as a JWK. */
  readonly root?: string | undefined;
}

export interface TrustedKeys {
  readonly keys: readonly (VerificationKey | BarredKey)[];
  /** To be kept for a time without a network, and against older ones; null where none was seen. */
  readonly manifest: string | null;
}

const READ_LIMIT_MS = 5_000;

const jwk = z.looseObject({ kid: z.string(), alg: z.string() });
const jwkSet = z.object({ keys: z.array(jwk).min(1) });

/**
 * @param stored the manifest of last time
 * @throws OperatorError when there are no keys to trust
 */
export async function trustedKeys(options: TrustOptions, stored: string | null): Promise<TrustedKeys> {
  const setFile = options.keys ?? process.env.COUNTERSIGN_JWKS_FILE;
  if (setFile) {
    const { keys } = readJson(setFile, jwkSet);
    return { keys: await imported(setFile, keys), manifest: stored };
  }
  return fromManifest(await pinnedRoot(options), stored);
}

async function pinnedRoot({ root }: TrustOptions): Promise<VerificationKey> {
  const file = root ?? process.env.COUNTERSIGN_ROOT_KEY_FILE ?? join(localHome(), 'root-key.json');
  if (!existsSync(file))
    throw new OperatorError(
      'No key is trusted here: give --keys with a JWK set, or --root with the root key, as the vendor publishes them.',
    );
  const [key] = await imported(file, [readJson(file, jwk)]);
  return key as VerificationKey;
}

/** The newer of the two: without a network, or with one that hands out something else, the stored one holds. */
async function fromManifest(root: VerificationKey, stored: string | null): Promise<TrustedKeys> {
  const holding = new ManifestHolding({ root, clock: createVerifierClock(Date.now) });
  const lapse = stored === null ? undefined : await holding.restore(stored);
  const fetched = await fetchManifest();
  const problem = typeof fetched === 'string' ? await holding.admit(fetched) : lapse;
  const current = await holding.current();
  if (current?.valid) return { keys: current.keys, manifest: holding.text ?? null };
  if (problem !== undefined)
    throw new OperatorError(`${problem.detail} (${problem.code})`, { cause: problem });
  throw new OperatorError(`The keys to verify with cannot be read: ${(fetched as Error).message}`);
}

async function fetchManifest(): Promise<string | Error> {
  try {
    return await fetchWithin(READ_LIMIT_MS, manifestOverHttp(serviceUrl()));
  } catch (error) {
    // Being offline is no failure while the stored manifest holds; the caller tells when it does not.
    if (error instanceof Error) return error;
    throw error;
  }
}

async function imported(file: string, keys: readonly z.output<typeof jwk>[]): Promise<VerificationKey[]> {
  try {
    return await Promise.all(keys.map(importVerificationKey));
  } catch (cause) {
    throw new OperatorError(`${file} has a key that cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** @throws OperatorError */
function readJson<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new OperatorError(`${path} cannot be read, or is no JSON Web Key.`, { cause });
  }
}
