/**
 * Publishes an X.509 certificate of the root key and of each RSA licence key, for clients and registries that want
 * X.509. What is there and has half its life before it stays as it is, so publishing again costs no signature.
 */
import { ALGORITHMS } from '../algorithms.ts';
import { KEY_CERTIFICATE_DAYS, ROOT_CERTIFICATE_DAYS } from '../constants.ts';
import { CommitInterruptedError, ConflictError } from '../ports/document-store.ts';
import type { KeyRecord, PublicKeyRecord } from '../ports/key-directory.ts';
import type { Ports } from '../ports/ports.ts';
import type { CertificateAuthority } from '../ports/root-key.ts';
import { type CertificateRecord, certificateRecord } from '../records/manifest.ts';
import { certificatePath } from '../records/paths.ts';
import type { Versioned } from '../records/versioned.ts';
import { readRecord } from './read.ts';

const DAY_MS = 86_400_000;

export interface CertificatePublication {
  readonly root: CertificateAuthority;
  readonly rootPem: string;
  readonly keys: readonly KeyRecord[];
  /** The organization in every subject; cut off where X.509 has no room for more. */
  readonly issuer: string;
}

type Publishing = Pick<Ports, 'store' | 'clock'>;

/**
 * Answers the kids whose certificate is new.
 * @throws CertificateError when a key or the issuer's name cannot be in a certificate, CountersignError `signing_unavailable`, `store_unavailable`
 */
export async function publishCertificates(
  ports: Publishing,
  { root, rootPem, keys, issuer: iss }: CertificatePublication,
): Promise<string[]> {
  const issuer = organizationOf(iss);
  const rsaKeys = keys.filter(isOurRsaKey);
  const paths = [root.kid, ...rsaKeys.map(({ kid }) => kid)].map(certificatePath);
  const [rootFound, ...found] = (await ports.store.get(paths)).map((snapshot) =>
    readRecord(certificateRecord, snapshot),
  );
  const rootRecord = await renewed(ports, rootFound, root.kid, async () => {
    const term = termOf(ports, ROOT_CERTIFICATE_DAYS);
    const chain = await root.rootCertificate({ publicKeyPem: rootPem, issuer, ...term });
    return recordOf(root.kid, root.kid, chain, term);
  });
  const isNew = rootRecord !== rootFound?.record;
  const made: string[] = isNew ? [root.kid] : [];
  for (const [place, { kid, pem }] of rsaKeys.entries()) {
    const known = isNew ? undefined : found[place]?.record;
    const record = await renewed(ports, found[place], root.kid, async () => {
      const term = termOf(ports, KEY_CERTIFICATE_DAYS, rootRecord);
      const content = { publicKeyPem: pem, kid, issuer, rootCertificatePem: rootRecord.chain, ...term };
      const certificate = await root.keyCertificate(content);
      return recordOf(kid, root.kid, certificate + rootRecord.chain, term);
    });
    if (record !== known) made.push(kid);
  }
  return made;
}

/** RFC 5280 appendix A.1, ub-organization-name, in characters. */
const ORGANIZATION_CHARACTERS = 64;

/** An issuer may be a long URL. It cannot be changed for the sake of certificates: documents name it. */
function organizationOf(issuer: string): string {
  const characters = [...issuer];
  if (characters.length <= ORGANIZATION_CHARACTERS) return issuer;
  return `${characters.slice(0, ORGANIZATION_CHARACTERS - 1).join('')}…`;
}

/** Ed25519 keys and keys of other systems get none. */
function isOurRsaKey(key: KeyRecord): key is PublicKeyRecord {
  return key.pem !== undefined && key.issuer === undefined && ALGORITHMS[key.algorithm].keyType === 'RSA';
}

/** Whole seconds, as a certificate has them; within the root's, whose operator's clock may have been ahead. */
function termOf({ clock }: Publishing, days: number, root?: CertificateRecord) {
  const now = Math.floor(clock.now() / 1000) * 1000;
  const validFrom = Math.max(now, root?.issued_at ?? now);
  const end = validFrom + days * DAY_MS;
  return { validFrom, validUntil: Math.min(end, root?.expires_at ?? end) };
}

function recordOf(
  kid: string,
  issuer_kid: string,
  chain: string,
  { validFrom, validUntil }: ReturnType<typeof termOf>,
): CertificateRecord {
  return { kid, issuer_kid, chain, issued_at: validFrom, expires_at: validUntil };
}

async function renewed(
  { store, clock }: Publishing,
  found: Versioned<CertificateRecord> | undefined,
  issuerKid: string,
  make: () => Promise<CertificateRecord>,
): Promise<CertificateRecord> {
  if (found !== undefined && found.record.issuer_kid === issuerKid && isFresh(found.record, clock.now()))
    return found.record;
  const record = await make();
  const demand = found === undefined ? ('absent' as const) : { version: found.version };
  const path = certificatePath(record.kid);
  try {
    await store.commit([{ op: 'set', path, fields: { ...record }, demand }]);
    return record;
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof CommitInterruptedError)) throw error;
    // Another publication was faster, and its certificate is as good; one that was lost is made by the next.
    const [snapshot] = await store.get([path]);
    return readRecord(certificateRecord, snapshot)?.record ?? record;
  }
}

function isFresh({ issued_at, expires_at }: CertificateRecord, now: number): boolean {
  return now < issued_at + (expires_at - issued_at) / 2;
}
