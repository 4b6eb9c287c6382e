/**
 * A real SMTP server for tests, which keeps the letters that it takes, and can be told to fail as servers do.
 *
 * ```ts
 * const smtp = await startSmtpServer({ refuse: { to: 'gone@example.com', code: 550 } });
 * ```
 */
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface SmtpBehaviour {
  /** Answers this code to MAIL FROM, RCPT TO or the message. */
  readonly refuse?: { readonly at: 'from' | 'to' | 'data'; readonly code: number };
  /** Says nothing after the message. */
  readonly isSilentAfterData?: boolean;
  /** Breaks the connection after the message, which it keeps. */
  readonly diesAfterData?: boolean;
  /** Waits with its answer to MAIL FROM for good. */
  readonly isStuck?: boolean;
  readonly options?: SMTPServerOptions;
}

export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly isSecure: boolean;
  readonly user: unknown;
}

export interface TestSmtp {
  readonly port: number;
  readonly received: Received[];
  behave(behaviour: SmtpBehaviour): void;
  stop(): Promise<void>;
}

export async function startSmtpServer(initial: SmtpBehaviour = {}): Promise<TestSmtp> {
  let behaviour = initial;
  const received: Received[] = [];
  const judge = (at: 'from' | 'to' | 'data', callback: (error?: Error | null) => void) => {
    if (behaviour.isStuck && at === 'from') return;
    const { refuse } = behaviour;
    callback(refuse?.at === at ? Object.assign(new Error('refused'), { responseCode: refuse.code }) : null);
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onAuth: (auth, _session, callback) =>
      auth.username === 'ada' && auth.password === 'p@ss word'
        ? callback(null, { user: auth.username })
        : callback(new Error('wrong password')),
    onMailFrom: (_address, _session, callback) => judge('from', callback),
    onRcptTo: (_address, _session, callback) => judge('to', callback),
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
          isSecure: session.secure,
          user: session.user,
        });
        if (behaviour.isSilentAfterData) return;
        if (behaviour.diesAfterData) destroyConnections(server);
        else judge('data', callback);
      });
    },
    ...initial.options,
  });
  // A client that breaks off, and one that does not trust the certificate, are part of the tests.
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    behave: (next) => {
      behaviour = next;
    },
    stop: async () => {
      destroyConnections(server);
      await new Promise<void>((resolve) => server.close(resolve));
    },
  };
}

function destroyConnections(server: SMTPServer): void {
  for (const connection of server.connections as Iterable<{ _socket: { destroy(): void } }>)
    connection._socket.destroy();
}
