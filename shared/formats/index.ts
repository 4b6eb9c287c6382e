/** The document formats, one row each. */

import type { JsonObject } from '../canonical/strict-json.ts';
import type { DecodedDocument } from './format.ts';
import { decodeInlineObject, inline } from './inline.ts';
import { jws } from './jws.ts';

export const FORMATS = { inline, jws };

export type FormatName = keyof typeof FORMATS;

export const FORMAT_NAMES = Object.keys(FORMATS) as [FormatName, ...FormatName[]];

/**
 * Takes a document of any format apart: an object or text that starts with `{` is inline, the rest is a JWS.
 * @throws DocumentError when it is neither.
 */
export function decodeDocument(document: string | JsonObject): DecodedDocument {
  if (typeof document !== 'string') return decodeInlineObject(document);
  return document.trimStart().startsWith('{') ? inline.decode(document) : jws.decode(document);
}
