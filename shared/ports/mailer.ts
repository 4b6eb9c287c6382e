/** A letter in plain text. */
export interface Mail {
  /** One address. */
  readonly to: string;
  /** One line. */
  readonly subject: string;
  readonly text: string;
  readonly attachment?: { readonly name: string; readonly content: string };
}

/**
 * `refused`: the mail server will not take it, now or later. `unavailable`: it was not handed over. `unknown`: it was, and
 * the server did not say what became of it.
 */
export type MailFailure = 'refused' | 'unavailable' | 'unknown';

export class MailError extends Error {
  readonly failure: MailFailure;

  constructor(failure: MailFailure, options?: { cause?: unknown }) {
    super(`the mail is ${failure}`, options);
    this.name = 'MailError';
    this.failure = failure;
  }
}

export interface Mailer {
  /**
   * Resolves once the mail server has taken the letter. It is handed over once at most.
   * @throws MailError
   */
  send(mail: Mail): Promise<void>;
}
