/** The letter that reminds of the end of a licence. It holds neither the licence nor its key. */
import type { Mail } from '../ports/mailer.ts';
import { oneLine } from './license-mail.ts';

export interface EndingLicense {
  readonly product: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** `to` is an address. */
export function reminderMail(to: string, license: EndingLicense): Mail {
  const [product, name] = [oneLine(license.product), oneLine(license.name)];
  const end = new Date(license.expiresAt).toISOString().slice(0, 10);
  return {
    to,
    subject: `Your licence of ${product} ends on ${end}`,
    text: [
      `Dear ${name},`,
      `your licence of ${product} holds until ${end} (UTC).`,
      'To go on using it, ask your vendor to renew it before that day: answer this message.',
      'If it has been renewed meanwhile, nothing has to be done.',
    ].join('\n\n'),
  };
}
