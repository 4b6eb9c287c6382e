/**
 * `local.json`: what a developer needs to talk to the local stack. It holds keys, so only its owner may read it.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { generateLicenseKey } from '../../shared/license-key.ts';
import { SETTINGS_FILE } from '../cli/operator.ts';

const localFile = z.object({
  base_url: z.string(),
  license_key: z.string(),
  unlimited_license_key: z.string(),
  admin_api_key: z.string(),
  finance_api_key: z.string(),
});

export type LocalFile = z.infer<typeof localFile>;

const FILE = 'local.json';
const OWNER_ONLY = 0o600;

/** The keys of this home, made on the first call and the same ever after. */
export function readOrCreateLocalFile(home: string): LocalFile {
  const path = join(home, FILE);
  if (existsSync(path)) return localFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  const random = { bytes: (length: number) => randomBytes(length) };
  const created: LocalFile = {
    base_url: '',
    license_key: generateLicenseKey('DEMO', random),
    unlimited_license_key: generateLicenseKey('DEMO', random),
    admin_api_key: `csa_${randomBytes(32).toString('base64url')}`,
    finance_api_key: `csf_${randomBytes(32).toString('base64url')}`,
  };
  writeLocalFile(home, created);
  return created;
}

export function writeLocalFile(home: string, content: LocalFile): void {
  writeOwnerOnly(join(home, FILE), `${JSON.stringify(content, null, 2)}\n`);
}

/** `root-key.json`: the public root key as a JWK, for clients to pin. Written at each start. */
export function writeRootKey(home: string, jwk: object): void {
  writeOwnerOnly(join(home, 'root-key.json'), `${JSON.stringify(jwk, null, 2)}\n`);
}

/** `settings.json`: what the environment of an operator's command says of another deployment. No secret is in it. */
export function writeSettings(home: string, settings: Readonly<Record<string, string>>): void {
  writeOwnerOnly(join(home, SETTINGS_FILE), `${JSON.stringify(settings, null, 2)}\n`);
}

/** A secret that is made once and kept in a file of its own. */
export function readOrCreateSecret(home: string, name: string): string {
  const path = join(home, name);
  if (!existsSync(path)) writeOwnerOnly(path, randomBytes(32).toString('base64url'));
  return readFileSync(path, 'utf8');
}

/** Whole or not at all, whatever happens meanwhile. */
function writeOwnerOnly(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: OWNER_ONLY });
  renameSync(temporary, path);
}
