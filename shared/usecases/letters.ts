/** What becomes of a letter that is handed to the mail server. */
import { RETRY_AFTER_SECONDS } from '../constants.ts';
import { CountersignError } from '../errors.ts';
import { type Mail, MailError, type Mailer } from '../ports/mailer.ts';

/** `unknown` when the mail server had it and did not say. */
export interface LetterEnded {
  readonly status: 'sent' | 'failed' | 'unknown';
  readonly error?: MailError;
}

export async function sendLetter(mailer: Mailer, mail: Mail): Promise<LetterEnded> {
  try {
    await mailer.send(mail);
    return { status: 'sent' };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return { status: error.failure === 'unknown' ? 'unknown' : 'failed', error };
  }
}

/** Nothing was sent: the same request may be repeated, and is carried out then. */
export function letterFailed(cause: MailError | undefined): CountersignError {
  if (cause?.failure === 'refused')
    return new CountersignError('mail_refused', 'The mail server refuses the letter. Check the address.', {
      cause,
    });
  return new CountersignError(
    'mail_unavailable',
    'The mail server does not take the letter now. Try again.',
    {
      cause,
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    },
  );
}
