/** From when until when a certificate is valid. */
import { CertificateError } from './certificate-error.ts';

/** Whole seconds; both ends belong to it (RFC 5280 §4.1.2.5). */
export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** RFC 5280 §4.1.2.5: the year of a GeneralizedTime has four digits. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * Both ends are cut down to the second, as ASN.1 times of certificates have no fractions.
 *
 * @param validFrom milliseconds since the epoch, as all three.
 * @throws CertificateError `validity_invalid`
 */
export function validity(validFrom: number, validUntil: number, now: number): Validity {
  const notBefore = wholeSecond(validFrom);
  const notAfter = wholeSecond(validUntil);
  if (notAfter <= notBefore) refuse('The validity must end at least a second after it begins.');
  if (notAfter.getTime() <= now) refuse(`The validity is over: it ends at ${notAfter.toISOString()}.`);
  return { notBefore, notAfter };
}

/** @throws CertificateError `validity_invalid` when a part of `inner` lies outside `root`. */
export function requireWithin(inner: Validity, root: Validity): void {
  if (inner.notBefore < root.notBefore) {
    refuse(`The root certificate is not valid before ${root.notBefore.toISOString()}; begin then or later.`);
  }
  if (inner.notAfter > root.notAfter) {
    refuse(`The root certificate ends at ${root.notAfter.toISOString()}; end then or earlier.`);
  }
}

function wholeSecond(time: number): Date {
  const second = Math.floor(time / 1000) * 1000;
  if (!(second >= 0 && second <= LAST_SECOND)) {
    refuse(`${time} is no time from 1970 to 9999, in milliseconds since the epoch.`);
  }
  return new Date(second);
}

function refuse(reason: string): never {
  throw new CertificateError('validity_invalid', reason);
}
