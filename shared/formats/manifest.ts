/** The key manifest as a compact JWS of its own type: no licence document can be taken for one. */

import type { JsonObject } from '../canonical/strict-json.ts';
import type { Signature } from '../ports/signer.ts';
import type { ManifestPayload } from '../wire/manifest.ts';
import { decodeJws, encodeJws, jwsSignedBytes } from './compact-jws.ts';
import type { KeyReference } from './format.ts';

const TYPE = 'license-keys+jwt';

export const manifest = {
  signedBytes: (payload: ManifestPayload, key: KeyReference) =>
    jwsSignedBytes(TYPE, payload as JsonObject, key),
  encode: (payload: ManifestPayload, signature: Signature) =>
    encodeJws(TYPE, payload as JsonObject, signature),
  /** @throws DocumentError */
  decode: (text: string) => decodeJws(TYPE, text),
};
