/** Serves the key manifest and the certificates as they were published. The function holds no root key and can make none. */

import { PUBLIC_KEY_MAX_AGE_SECONDS } from '../../shared/constants.ts';
import { CountersignError } from '../../shared/errors.ts';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import type { KeyDirectory } from '../../shared/ports/key-directory.ts';
import { type CertificateRecord, certificateRecord, manifestRecord } from '../../shared/records/manifest.ts';
import { certificatePath, MANIFEST_PATH } from '../../shared/records/paths.ts';
import { readRecord } from '../../shared/usecases/read.ts';
import { CERTIFICATE, MANIFEST } from '../../shared/wire/examples/service.ts';
import { type Endpoint, get } from '../http/endpoint.ts';
import type { ManifestWatch } from './manifest-watch.ts';

const MEDIA_TYPE = 'application/jwt';
/** RFC 8555 §9.1. */
const CERTIFICATE_MEDIA_TYPE = 'application/pem-certificate-chain';
const CACHEABLE = { 'cache-control': `public, max-age=${PUBLIC_KEY_MAX_AGE_SECONDS}` };

/** Before a kid becomes part of a path: what a thumbprint looks like. */
const KID = /^[\w-]{43}$/;

/** @param watch is told of each manifest that is served */
export function manifestEndpoints(
  store: DocumentStore,
  keys: KeyDirectory,
  watch: ManifestWatch,
): Endpoint[] {
  return [
    get({
      operationId: 'getKeyManifest',
      path: '/.well-known/license-keys',
      summary: 'Licence keys and their states, signed by the root key',
      description:
        'A JWS of type `license-keys+jwt`. Clients pin the root key and refuse a version lower than one they have seen.',
      tag: 'keys',
      access: 'public',
      mediaType: MEDIA_TYPE,
      example: MANIFEST,
      errors: ['manifest_not_published', 'store_unavailable'],
      handle: async () => {
        const [snapshot] = await store.get([MANIFEST_PATH]);
        const published = readRecord(manifestRecord, snapshot)?.record;
        if (published === undefined)
          throw new CountersignError(
            'manifest_not_published',
            'The operator has published no key manifest yet.',
          );
        watch(published);
        return { body: published.token, headers: { ...CACHEABLE, 'content-type': MEDIA_TYPE } };
      },
    }),
    get({
      operationId: 'getKeyCertificate',
      path: '/api/v1/keys/{kid}.crt',
      summary: 'X.509 certificate chain of an RSA key',
      description: 'The certificate of the key, then that of the root key; of the root key its own alone.',
      tag: 'keys',
      access: 'public',
      mediaType: CERTIFICATE_MEDIA_TYPE,
      example: CERTIFICATE,
      errors: ['key_not_found', 'signing_unavailable', 'store_unavailable'],
      handle: async ({ params }) => {
        const kid = (params.kid ?? '').replace(/\.crt$/, '');
        const [snapshot] = KID.test(kid) ? await store.get([certificatePath(kid)]) : [];
        const found = readRecord(certificateRecord, snapshot)?.record;
        if (found === undefined || !(await isInForce(found, keys)))
          throw new CountersignError('key_not_found', 'No certificate is published for this kid.');
        return { body: found.chain, headers: { ...CACHEABLE, 'content-type': CERTIFICATE_MEDIA_TYPE } };
      },
    }),
  ];
}

/** A certificate says nothing of states and outlives them: it is handed out as long as the public key itself is. */
async function isInForce({ kid, issuer_kid }: CertificateRecord, keys: KeyDirectory): Promise<boolean> {
  const isRoot = kid === issuer_kid;
  return isRoot || (await keys.find(kid))?.pem !== undefined;
}
