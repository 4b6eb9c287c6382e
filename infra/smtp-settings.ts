/** What `SMTP_URL` and `MAIL_FROM` say: which server, how it is spoken to, as whom. */

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte. */
  readonly secure: boolean;
  /** STARTTLS, or no letter. */
  readonly requireTLS: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
}

/** RFC 8314 §3.3: submission, and submission over TLS. */
const PORTS = { 'smtp:': 587, 'smtps:': 465 } as const;

/** Letters and passwords travel in the clear to a server on this machine only. */
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export function isSmtpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && Object.hasOwn(PORTS, url.protocol) && url.hostname !== '' && url.search === '';
}

/** @throws TypeError for what `isSmtpUrl` refuses */
export function smtpServerOf(text: string): SmtpServer {
  if (!isSmtpUrl(text)) throw new TypeError('this is no SMTP URL');
  const url = new URL(text);
  const isSecure = url.protocol === 'smtps:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? PORTS[url.protocol as keyof typeof PORTS] : Number(url.port),
    secure: isSecure,
    requireTLS: !isSecure && !LOOPBACK.has(url.hostname),
    auth:
      url.username === ''
        ? undefined
        : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) },
  };
}

const SENDER = /^(?:[^<>\p{Cc}]+<[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/u;

/** One address, with a name or without. */
export function isSender(text: string): boolean {
  return SENDER.test(text);
}

/** Why the settings of mail contradict each other, as sentences. */
export function mailProblems(values: Readonly<Record<string, string | undefined>>): string[] {
  const { SMTP_URL: url, MAIL_FROM: from } = values;
  if ((url === undefined) === (from === undefined)) return [];
  return url === undefined
    ? ['MAIL_FROM is set, and SMTP_URL is not. Set SMTP_URL, or unset MAIL_FROM.']
    : ['MAIL_FROM is not set. With SMTP_URL, set MAIL_FROM to the address that letters are from.'];
}
