/** Manifests over another payload than the genuine one: signed by the root, or under the signature of the genuine one. */
import type { JsonObject, JsonValue } from '../../shared/canonical/strict-json.ts';
import type { ManifestCode } from '../../shared/client/manifest.ts';
import {
  type Attack,
  type Make,
  openJws,
  partOf,
  partsOf,
  refusedWith,
  type Signatory,
  sealJws,
} from './attacks-forgery.ts';
import { jwkOf } from './attacks-headers.ts';

export type ManifestAttack = Attack<string, ManifestCode>;

export const rows = (code: ManifestCode, makers: Readonly<Record<string, Make<string>>>): ManifestAttack[] =>
  refusedWith<string, ManifestCode>(code, makers);

/** Another payload, signed by the root: what only its own mistake, or its loss, can bring about. */
export const signedWith =
  (change: (payload: JsonObject) => object): Make<string> =>
  ({ document, key }) => {
    const { header, payload } = openJws(document);
    return sealJws(key, header, { ...payload, ...change(payload) });
  };

/** Another payload under the signature of the genuine one. */
export const unsignedWith =
  (change: (payload: JsonObject, stranger: Signatory) => object): Make<string> =>
  ({ document, stranger }) => {
    const [header, , signature] = partsOf(document);
    const { payload } = openJws(document);
    return [header, partOf({ ...payload, ...change(payload, stranger) }), signature].join('.');
  };

export const numberOf = (value: JsonValue | undefined) => Number(value);
export const keysOf = ({ keys }: JsonObject) => keys as readonly JsonObject[];
export const activeJwk = (key: Signatory) => ({ ...jwkOf(key), state: 'active' });

/** The first key in another form, signed by the root. */
export const firstKey = (change: (key: JsonObject) => object) =>
  signedWith((payload) => ({
    keys: keysOf(payload).map((key, place) => (place === 0 ? change(key) : key)),
  }));
