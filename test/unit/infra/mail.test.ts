/** Letters to a real SMTP server, and what is said of those that do not arrive. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createMailer, openMailer } from '../../../infra/mail.ts';
import { isSender, isSmtpUrl, mailProblems, smtpServerOf } from '../../../infra/smtp-settings.ts';
import { LICENSE_MAILS, licenseMail } from '../../../shared/mail/license-mail.ts';
import { type Mail, MailError } from '../../../shared/ports/mailer.ts';
import { selfSigned } from '../../support/self-signed.ts';
import { type SmtpBehaviour, startSmtpServer, type TestSmtp } from '../../support/smtp.ts';

let smtp: TestSmtp | undefined;
afterEach(async () => {
  await smtp?.stop();
  smtp = undefined;
});

const MAIL: Mail = {
  to: 'zoe@example.com',
  subject: 'Ihre Lizenz 東京',
  text: 'Zoë\n.\nDTLIC2:abc',
  attachment: { name: 'license.dtlic', content: 'DTLIC2:abc' },
};
const FROM = 'Licences <licences@example.com>';

async function start(behaviour?: SmtpBehaviour): Promise<TestSmtp> {
  smtp = await startSmtpServer(behaviour);
  return smtp;
}

/** `sent`, or how it failed. */
async function outcomeOf(url: string, mail = MAIL, rest: object = {}): Promise<string> {
  try {
    await createMailer({ url, from: FROM, deadlineMs: 20_000, ...rest }).send(mail);
    return 'sent';
  } catch (error) {
    if (error instanceof MailError) return error.failure;
    throw error;
  }
}

const headersOf = (text: string) => text.slice(0, text.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');

describe('a letter', () => {
  test('arrives with its attachment, and its lines are not taken for commands', async () => {
    const server = await start();
    expect(await outcomeOf(`smtp://127.0.0.1:${server.port}`)).toBe('sent');
    const [letter] = server.received;
    expect(letter).toMatchObject({ from: 'licences@example.com', to: ['zoe@example.com'], isSecure: false });
    const headers = headersOf(letter?.text ?? '');
    expect(headers).toMatch(/^From: Licences <licences@example\.com>$/m);
    expect(headers).toMatch(/^To: zoe@example\.com$/m);
    expect(headers).toMatch(/^Subject: =\?UTF-8\?/m);
    expect(letter?.text).toContain('filename=license.dtlic');
    expect(letter?.text).toContain('DTLIC2:abc');
    expect(letter?.text).toMatch(/\r\n\.\r\n/);
  });

  test('goes to one receiver and has no header more, whatever its address and subject hold', async () => {
    const server = await start();
    const hostile = [
      'zoe@example.com\r\nBcc: thief@example.net',
      'zoe@example.com, thief@example.net',
      'zoe@example.com> RCPT TO:<thief@example.net',
      'Zoe <zoe@example.com>, thief@example.net',
    ];
    for (const to of hostile) await outcomeOf(`smtp://127.0.0.1:${server.port}`, { ...MAIL, to });
    const subject = 'Hello\r\nBcc: thief@example.net\r\n\r\nbody';
    expect(await outcomeOf(`smtp://127.0.0.1:${server.port}`, { ...MAIL, subject })).toBe('sent');
    for (const letter of server.received) {
      expect(letter.to).not.toContain('thief@example.net');
      expect(letter.to).toHaveLength(1);
      expect(headersOf(letter.text)).not.toMatch(/^Bcc:/im);
    }
    expect(server.received.length).toBeGreaterThan(0);
  });
});

describe('a mail server that', () => {
  test.each([
    ['refuses the sender', { refuse: { at: 'from', code: 550 } }, 'refused'],
    ['refuses the receiver', { refuse: { at: 'to', code: 550 } }, 'refused'],
    ['puts the receiver off', { refuse: { at: 'to', code: 451 } }, 'unavailable'],
    ['refuses the message', { refuse: { at: 'data', code: 554 } }, 'refused'],
    ['has no room for the message', { refuse: { at: 'data', code: 452 } }, 'unavailable'],
    ['dies after the message', { diesAfterData: true }, 'unknown'],
  ] as const)('%s is told apart', async (_what, behaviour, outcome) => {
    const server = await start(behaviour);
    expect(await outcomeOf(`smtp://127.0.0.1:${server.port}`)).toBe(outcome);
  });

  test.each([
    ['answers nothing', { isStuck: true }, 'unavailable'],
    ['answers nothing after the message', { isSilentAfterData: true }, 'unknown'],
  ] as const)('%s is not waited for beyond the deadline', async (_what, behaviour, outcome) => {
    const server = await start(behaviour);
    expect(await outcomeOf(`smtp://127.0.0.1:${server.port}`, MAIL, { deadlineMs: 1500 })).toBe(outcome);
  });

  test('is not there, or greets nobody, is unavailable', async () => {
    const server = await start();
    const { port } = server;
    await server.stop();
    smtp = undefined;
    expect(await outcomeOf(`smtp://127.0.0.1:${port}`)).toBe('unavailable');
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(port, '127.0.0.1', resolve));
    expect(await outcomeOf(`smtp://127.0.0.1:${port}`, MAIL, { deadlineMs: 500 })).toBe('unavailable');
    await new Promise((resolve) => {
      mute.close(resolve);
    });
  });

  test('asks for a password gets it, decoded, and a wrong one is refused', async () => {
    const server = await start({ options: { authOptional: false, allowInsecureAuth: true } });
    expect(await outcomeOf(`smtp://ada:p%40ss%20word@127.0.0.1:${server.port}`)).toBe('sent');
    expect(server.received[0]?.user).toBe('ada');
    expect(await outcomeOf(`smtp://ada:wrong@127.0.0.1:${server.port}`)).toBe('refused');
    expect(server.received).toHaveLength(1);
  });
});

describe('TLS', () => {
  const { key, cert: ca } = selfSigned();
  const starttls = { options: { key, cert: ca, disabledCommands: [] } };

  test('is begun by STARTTLS, with a certificate that is trusted', async () => {
    const server = await start(starttls);
    expect(await outcomeOf(`smtp://127.0.0.2:${server.port}`, MAIL, { ca })).toBe('sent');
    expect(server.received[0]?.isSecure).toBe(true);
  });

  test('is insisted on: a server elsewhere without it, or with a strange certificate, gets no letter', async () => {
    const plain = await start();
    expect(await outcomeOf(`smtp://127.0.0.2:${plain.port}`)).not.toBe('sent');
    expect(plain.received).toEqual([]);
    await plain.stop();
    const server = await start(starttls);
    expect(await outcomeOf(`smtp://127.0.0.2:${server.port}`)).toBe('unavailable');
    expect(server.received).toEqual([]);
  });

  test('is there from the first byte with smtps', async () => {
    const server = await start({ options: { key, cert: ca, secure: true } });
    expect(await outcomeOf(`smtps://localhost:${server.port}`, MAIL, { ca })).toBe('sent');
    expect(server.received[0]?.isSecure).toBe(true);
  });
});

describe('the letter of a licence', () => {
  const license = {
    product: 'Data\r\nBcc: x@y.z\u2028Tools',
    name: 'Zoë\r\nTo: x',
    expiresAt: null,
    document: 'D',
  };

  test.each(['aegis', 'caio-v2', 'dtlic2'] as const)('in %s has its own instructions and file', (format) => {
    const mail = licenseMail('a@b.c', { ...license, format });
    const { attachment, instructions } = LICENSE_MAILS[format];
    expect(mail.attachment).toEqual({ name: attachment, content: 'D' });
    expect(mail.text).toContain(instructions);
    expect(mail.text).toContain('\n\nD\n\n');
    expect(new Set(Object.values(LICENSE_MAILS).map((row) => row.attachment)).size).toBe(3);
  });

  test('keeps names on their line, and says how long it holds', () => {
    const mail = licenseMail('a@b.c', { ...license, format: 'dtlic2', expiresAt: Date.UTC(2028, 1, 29) });
    expect(mail.subject).toBe('Your licence of Data Bcc: x@y.z Tools');
    expect(mail.text).toMatch(/^Dear Zoë To: x,\n/);
    expect(mail.text).toContain('It holds until 2028-02-29 (UTC).');
    expect(licenseMail('a@b.c', { ...license, format: 'dtlic2' }).text).toContain('It does not expire.');
  });
});

describe('settings of mail', () => {
  test.each([
    ['smtp://mail.example.com', { port: 587, secure: false, requireTLS: true, auth: undefined }],
    ['smtps://mail.example.com', { port: 465, secure: true, requireTLS: false }],
    ['smtp://localhost:25', { port: 25, requireTLS: false }],
    ['smtp://a:b%3A@[::1]:25', { host: '::1', auth: { user: 'a', pass: 'b:' } }],
  ])('%s says which server', (url, expected) => {
    expect(smtpServerOf(url)).toMatchObject(expected);
  });

  test.each(['mail.example.com', 'http://mail.example.com', 'smtp://', 'smtp://h?tls=off', 'smtp://h:99999'])(
    '%s is none',
    (url) => {
      expect(isSmtpUrl(url)).toBe(false);
      expect(() => smtpServerOf(url)).toThrow(TypeError);
    },
  );

  test('a sender is one address, with a name or without', () => {
    expect(['a@b.c', 'Ada L. <a@b.c>', 'Zoë <a@b>'].filter(isSender)).toHaveLength(3);
    expect(
      ['', 'Ada', 'a@b.c, d@e.f', 'A <a@b.c>\r\nBcc: x@y.z', 'A <a@b.c> <d@e.f>'].filter(isSender),
    ).toEqual([]);
  });

  test('belong together, and without them there is no mailer', () => {
    expect(mailProblems({ SMTP_URL: 'smtp://h', MAIL_FROM: 'a@b.c' })).toEqual([]);
    expect(mailProblems({})).toEqual([]);
    expect(mailProblems({ SMTP_URL: 'smtp://h' })).toEqual([expect.stringContaining('MAIL_FROM is not set')]);
    expect(mailProblems({ MAIL_FROM: 'a@b.c' })).toEqual([expect.stringContaining('SMTP_URL is not')]);
    expect(openMailer({ SMTP_URL: undefined, MAIL_FROM: undefined })).toBeUndefined();
    expect(openMailer({ SMTP_URL: 'smtp://h', MAIL_FROM: 'a@b.c' })).toBeDefined();
  });
});
