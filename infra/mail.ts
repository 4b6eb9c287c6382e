/**
 * Mail through an SMTP server, with nodemailer. A connection for each letter: letters are rare. The message is handed over as
 * a stream that is read only once the server has asked for it, so a failure is known to be before or after that.
 */
import { Readable } from 'node:stream';
import MailComposer from 'nodemailer/lib/mail-composer';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { type Mail, MailError, type Mailer, type MailFailure } from '../shared/ports/mailer.ts';
import type { Config } from './config.ts';
import { type SmtpServer, smtpServerOf } from './smtp-settings.ts';

export interface MailSettings {
  /** `smtp://user:password@host:port` or `smtps://…`. */
  readonly url: string;
  /** An address, or `Name <address>`. */
  readonly from: string;
  /** For the whole of a letter. */
  readonly deadlineMs?: number;
  /** PEM of a certificate authority that is trusted besides those of Node. */
  readonly ca?: string;
}

/** Below the time that clients wait for an answer. */
const DEADLINE_MS = 15_000;

export function createMailer({ url, from, deadlineMs = DEADLINE_MS, ca }: MailSettings): Mailer {
  const server = smtpServerOf(url);
  return {
    async send(mail) {
      const letter = new MailComposer(composed(mail, from)).compile();
      const envelope = letter.getEnvelope();
      const content = await letter.build();
      await handOver(server, { envelope, content, deadlineMs, ca });
    },
  };
}

/** Undefined where the operator has set up no mail. */
export function openMailer({
  SMTP_URL: url,
  MAIL_FROM: from,
}: Pick<Config, 'SMTP_URL' | 'MAIL_FROM'>): Mailer | undefined {
  return url === undefined || from === undefined ? undefined : createMailer({ url, from });
}

/** As objects, which nodemailer does not parse for further addresses. */
function composed({ to, subject, text, attachment }: Mail, from: string) {
  return {
    from,
    to: { name: '', address: to },
    subject,
    text,
    ...(attachment !== undefined && {
      attachments: [{ filename: attachment.name, content: attachment.content, contentType: 'text/plain' }],
    }),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

interface Letter {
  readonly envelope: { readonly from: string | false; readonly to: string[] };
  readonly content: Buffer;
  readonly deadlineMs: number;
  readonly ca: string | undefined;
}

async function handOver(server: SmtpServer, { envelope, content, deadlineMs, ca }: Letter): Promise<void> {
  const { auth, ...address } = server;
  const connection = new SMTPConnection({
    ...address,
    ...(ca !== undefined && { tls: { ca } }),
    connectionTimeout: deadlineMs,
    greetingTimeout: deadlineMs,
    socketTimeout: deadlineMs,
  });
  let isHandedOver = false;
  const message = Readable.from(
    (function* () {
      isHandedOver = true;
      yield content;
    })(),
  );
  try {
    await withDeadline(deadlineMs, connection, async () => {
      await step((done) => connection.connect(done));
      if (auth !== undefined) await step((done) => connection.login(auth, done));
      await step((done) => connection.send(envelope, message, done));
    });
  } catch (cause) {
    throw new MailError(failureOf(cause, isHandedOver), { cause });
  } finally {
    message.destroy();
    connection.close();
  }
}

type Done = (error?: Error | null) => void;

const step = (begin: (done: Done) => void) =>
  new Promise<void>((resolve, reject) => begin((error) => (error ? reject(error) : resolve())));

/** A server that sends a byte now and then never times out by itself. */
async function withDeadline(milliseconds: number, connection: SMTPConnection, work: () => Promise<void>) {
  let timer: NodeJS.Timeout | undefined;
  const failed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the mail server took too long')), milliseconds);
    // Between two steps nobody waits for the connection, and its error would end the process.
    connection.on('error', reject);
    connection.on('end', () => reject(new Error('the mail server closed the connection')));
  });
  try {
    await Promise.race([work(), failed]);
  } finally {
    clearTimeout(timer);
  }
}

/** By the server's answer where there is one (RFC 5321 §4.2.1): 5yz is for good, 4yz for now. */
function failureOf(error: unknown, isHandedOver: boolean): MailFailure {
  const { responseCode } = error as { responseCode?: unknown };
  if (typeof responseCode !== 'number') return isHandedOver ? 'unknown' : 'unavailable';
  return responseCode >= 500 ? 'refused' : 'unavailable';
}
