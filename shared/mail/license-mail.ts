/** The letter that brings a licence, one row a format. */
import type { IssuableFormat } from '../decide/issue.ts';
import type { Mail } from '../ports/mailer.ts';

export interface MailedLicense {
  readonly format: IssuableFormat;
  readonly product: string;
  readonly name: string;
  /** Milliseconds since the epoch; null is for ever. */
  readonly expiresAt: number | null;
  readonly document: string;
}

interface Template {
  readonly attachment: string;
  /** What the receiver does with the document. */
  readonly instructions: string;
}

export const LICENSE_MAILS: Readonly<Record<IssuableFormat, Template>> = {
  aegis: {
    attachment: 'license.jwt',
    instructions:
      'Enter it in the licence settings of the module, or hand the attached file to your administrator.',
  },
  'caio-v2': {
    attachment: 'license.txt',
    instructions: 'Set it as the licence key of your installation, as one line, and restart the services.',
  },
  dtlic2: {
    attachment: 'license.dtlic',
    instructions:
      'Activate it on your computer with the name and the e-mail address that you bought it with. Both are part of the licence.',
  },
};

/** `to` is an address. What comes from records stays on its line, so that it makes no header. */
export function licenseMail(to: string, license: MailedLicense): Mail {
  const { attachment, instructions } = LICENSE_MAILS[license.format];
  const [product, name] = [oneLine(license.product), oneLine(license.name)];
  return {
    to,
    subject: `Your licence of ${product}`,
    text: [
      `Dear ${name},`,
      `this is your licence of ${product}. ${termOf(license.expiresAt)}`,
      license.document,
      instructions,
      'Keep this message: the licence can be used again after a new installation.',
    ].join('\n\n'),
    attachment: { name: attachment, content: license.document },
  };
}

function termOf(expiresAt: number | null): string {
  if (expiresAt === null) return 'It does not expire.';
  return `It holds until ${new Date(expiresAt).toISOString().slice(0, 10)} (UTC).`;
}

/** RFC 5322 §2.2: a line break ends a header; Unicode knows more of them than CR and LF. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}
