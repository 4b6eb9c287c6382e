/**
 * The whole service on one machine with no cloud account: every function in this process, served by the
 * functions-framework, SQLite for the store, and a second process that plays the KMS and alone holds the keys.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { jwkFromPem } from '../../infra/kms/public-key.ts';
import { type LocalKms, startLocalKms } from '../../infra/local/kms/process.ts';
import { ALGORITHMS } from '../../shared/algorithms.ts';
import { publishKeys } from '../../shared/usecases/publish-keys.ts';
import { openOperator } from '../cli/operator.ts';
import { createKeysList } from './keys-list.ts';
import {
  type LocalFile,
  readOrCreateLocalFile,
  readOrCreateSecret,
  writeLocalFile,
  writeRootKey,
  writeSettings,
} from './local-file.ts';
import { seedApiKeys, seedDemoLicenses } from './seed.ts';

/** The stack cannot start; the message says what to do. */
export class StackError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StackError';
  }
}

export interface Stack {
  readonly local: LocalFile;
  readonly version: string;
  readonly kms: LocalKms;
  /** Stops both processes: no new requests, then the KMS, then the store. */
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly home: string;
  /** 0 takes any free port. */
  readonly port: number;
}

const HOST = '127.0.0.1';

/** @throws StackError */
export async function startStack({ home, port }: StackOptions): Promise<Stack> {
  if (process.env.NODE_ENV === 'production') {
    throw new StackError('The local stack has development keys, and NODE_ENV is production. Unset NODE_ENV.');
  }
  makeHome(home);
  await requireFreePort(port);
  const kms = await startKms(home);
  try {
    await configure(home, kms);
    const { started, stopSweeps } = await import('../../functions/all/main.ts');
    const local = readLocal(home);
    await seedDemoLicenses(started.ports, started.settings, local);
    await seedApiKeys(started.ports, local);
    const server = getTestServer(started.about.name);
    await publish(home);
    const current = { ...local, base_url: `http://${HOST}:${await listen(server, port)}` };
    writeLocalFile(home, current);
    return {
      local: current,
      version: started.about.version,
      kms,
      stop: () => {
        stopSweeps();
        return stop(server, kms, started.close);
      },
    };
  } catch (error) {
    await kms.stop();
    throw error;
  }
}

async function startKms(home: string): Promise<LocalKms> {
  try {
    return await startLocalKms({ home: join(home, 'kms') });
  } catch (cause) {
    const { message } = cause as Error;
    throw new StackError(
      `The local KMS does not start: ${message.replaceAll('LOCAL_KMS_HOME', 'COUNTERSIGN_HOME')}`,
      { cause },
    );
  }
}

/** One folder after the other: where it cannot be, as below /proc, Node's own recursive mkdir never returns. */
function makeFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  if (found !== undefined) throw new Error(`${path} is no folder`);
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

function makeHome(home: string): void {
  try {
    makeFolder(home);
  } catch (cause) {
    throw new StackError(
      `The folder ${home} cannot be made. Choose another with COUNTERSIGN_HOME=/some/folder.`,
      { cause },
    );
  }
}

function readLocal(home: string): LocalFile {
  try {
    return readOrCreateLocalFile(home);
  } catch (cause) {
    const file = join(home, 'local.json');
    throw new StackError(`${file} is damaged. Restore it, or remove ${home} to start afresh.`, { cause });
  }
}

/** What an operator would set, for this machine. */
async function configure(home: string, kms: LocalKms): Promise<void> {
  const endpoint = `${HOST}:${kms.port}`;
  const products = join(home, 'products.json');
  const settings = {
    KMS_ENDPOINT: endpoint,
    AWS_KMS_ENDPOINT: `http://${HOST}:${kms.awsPort}`,
    SIGNING_KEYS_FILE: join(home, 'keys.json'),
    STORE: 'sqlite',
    SQLITE_PATH: join(home, 'countersign.sqlite'),
    PRODUCTS_FILE: existsSync(products) ? products : '',
    // What the shell has set for another program is none of ours.
    SIGNING_KEYS_JSON: '',
    FIRESTORE_PROJECT: '',
    FIRESTORE_DATABASE: '',
    FIRESTORE_EMULATOR_HOST: '',
    SMTP_URL: '',
    MAIL_FROM: '',
    TRUSTED_PROXIES: '',
    OIDC_ISSUER: '',
    OIDC_AUDIENCE: '',
    OIDC_JWKS_URL: '',
    OIDC_SCOPES: '',
  };
  await createKeysList(settings.SIGNING_KEYS_FILE, endpoint);
  writeSettings(home, settings);
  Object.assign(process.env, settings, { LICENSE_KEY_PEPPER: readOrCreateSecret(home, 'pepper') });
}

/** As an operator does, and says which root key clients pin. */
async function publish(home: string): Promise<void> {
  const operator = openOperator({ actor: 'local-stack' });
  try {
    const { publisher } = operator;
    await publishKeys(publisher);
    const { signer, pem } = await publisher.root(await publisher.list.read());
    writeRootKey(home, { ...jwkFromPem(pem), kid: signer.kid, alg: ALGORITHMS[signer.algorithm].jose });
  } finally {
    await operator.close();
  }
}

/** Says so before anything is started, so that a port in use costs no key generation. */
async function requireFreePort(port: number): Promise<void> {
  if (port === 0) return;
  const probe = createServer();
  await listen(probe, port);
  await new Promise((resolve) => probe.close(resolve));
}

function listen(server: Server | ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reasons: Readonly<Record<string, string>> = {
        EADDRINUSE: `Port ${port} is in use. Stop what uses it, or choose another: PORT=${port + 1} npm start`,
        EACCES: `Port ${port} needs privileges. Choose one above 1023: PORT=8080 npm start`,
      };
      reject(
        new StackError(reasons[cause.code ?? ''] ?? `Port ${port} cannot be used: ${cause.message}`, {
          cause,
        }),
      );
    });
    server.listen(port, HOST, () => resolve((server.address() as AddressInfo).port));
  });
}

async function stop(server: Server, kms: LocalKms, close: () => Promise<void>): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  server.closeAllConnections();
  await close();
  await kms.stop();
}
