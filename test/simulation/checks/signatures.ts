/** What a signature in an answer stands for. */
import { isDeepStrictEqual } from 'node:util';
import { base64Encode, base64urlDecode } from '../../../shared/canonical/base64.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import type { Kms } from '../kms.ts';
import type { SessionAnswer } from '../request.ts';

const decoder = new TextDecoder();

/** The payload that was signed; `forged` when the KMS signed something else; undefined when nothing is signed. */
export function signedPayload(kms: Kms, answer: SessionAnswer): DocumentPayload | 'forged' | undefined {
  if ('token' in answer && answer.token !== undefined) return payloadOfJws(kms, answer.token);
  if (!('license_data' in answer) || answer.license_data === undefined) return undefined;
  const { signature, signature_algorithm: _, ...members } = answer.license_data;
  // The simulated service rejects rather than answer without a signature.
  if (signature === null) return 'forged';
  const message = kms.messageOf(signature);
  const isSigned = message !== undefined && isDeepStrictEqual(JSON.parse(decoder.decode(message)), members);
  return isSigned ? members : 'forged';
}

function payloadOfJws(kms: Kms, token: string): DocumentPayload | 'forged' {
  const dot = token.lastIndexOf('.');
  const message = kms.messageOf(base64Encode(base64urlDecode(token.slice(dot + 1)) ?? new Uint8Array()));
  const signed = token.slice(0, dot);
  if (message === undefined || decoder.decode(message) !== signed) return 'forged';
  return JSON.parse(
    decoder.decode(base64urlDecode(signed.slice(signed.indexOf('.') + 1))),
  ) as DocumentPayload;
}
