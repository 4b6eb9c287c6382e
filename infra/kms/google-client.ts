/**
 * The wire side of the Google adapter: one call, one attempt, one deadline. What an answer must look like and
 * when to ask again is `google.ts`.
 *
 * Authentication, channel and protos are those of `@google-cloud/kms`, but calls go to the stub that its
 * `initialize()` resolves with, not to its method wrappers, because those
 * - retry UNAVAILABLE and DEADLINE_EXCEEDED for up to 600 s unless told otherwise,
 * - start their deadline only after authentication, which has none, and
 * - end the process when authentication fails: `this.initialize().catch(err => { throw err; })` is an
 *   unhandled rejection, beside the rejection that the caller can catch (seen in 6.3.0).
 */

import type { Metadata, ServiceError } from '@grpc/grpc-js';

/**
 * grpc-js waits 1 s, then longer up to 120 s, before it dials a lost server again; until then every call
 * fails at once. A signer cannot wait that long.
 */
const RECONNECT = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 2_000 };

/** gRPC status names by code (google/rpc/code.proto). */
const STATUS_NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type KmsStatus = (typeof STATUS_NAMES)[number];

/** The KMS answered with a status other than OK, or did not answer. Its message is not for clients. */
export class KmsCallError extends Error {
  readonly status: KmsStatus;

  constructor(status: KmsStatus, message: string, options?: ErrorOptions) {
    super(`${status}: ${message}`, options);
    this.name = 'KmsCallError';
    this.status = status;
  }
}

/** An Int64Value as it arrives over gRPC. */
type Int64Value = { readonly value: string | number } | null;

export interface SignRequest {
  readonly name: string;
  readonly digest?: { readonly sha256: Uint8Array };
  readonly digestCrc32c?: { readonly value: number };
  readonly data?: Uint8Array;
  readonly dataCrc32c?: { readonly value: number };
}

export interface SignResponse {
  readonly name: string;
  readonly signature: Buffer;
  readonly signatureCrc32c: Int64Value;
  readonly verifiedDigestCrc32c: boolean;
  readonly verifiedDataCrc32c: boolean;
}

interface PublicKeyResponse {
  readonly name: string;
  readonly pem: string;
  readonly pemCrc32c: Int64Value;
  readonly algorithm: string;
}

export interface MacVerifyRequest {
  readonly name: string;
  readonly data: Uint8Array;
  readonly dataCrc32c: { readonly value: number };
  readonly mac: Uint8Array;
  readonly macCrc32c: { readonly value: number };
}

export interface MacVerifyResponse {
  readonly name: string;
  readonly success: boolean;
  readonly verifiedSuccessIntegrity: boolean;
  readonly verifiedDataCrc32c: boolean;
  readonly verifiedMacCrc32c: boolean;
}

/** `deadlineAt` is milliseconds since the epoch. The calls reject with `KmsCallError` only. */
export interface KmsClient {
  asymmetricSign(request: SignRequest, deadlineAt: number): Promise<SignResponse>;
  getPublicKey(name: string, deadlineAt: number): Promise<PublicKeyResponse>;
  macVerify(request: MacVerifyRequest, deadlineAt: number): Promise<MacVerifyResponse>;
  close(): Promise<void>;
}

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => void;

interface Connection {
  readonly stub: Readonly<Record<string, UnaryMethod>>;
  /** The header that routes a request to its resource (google.aip.dev/client-libraries/4222). */
  metadataFor(name: string): Metadata;
  close(): Promise<void>;
}

/**
 * A client for Google Cloud KMS with application default credentials, or with `endpoint` (`host:port`) for a
 * local KMS without any. Nothing is loaded or dialled before the first call.
 */
export function createKmsClient({ endpoint }: { readonly endpoint?: string } = {}): KmsClient {
  let connection: Connection | undefined;
  let connecting: Promise<Connection> | undefined;

  /** A failure (no credentials, say) is not remembered: the next call tries again. */
  function connected(): Promise<Connection> {
    connecting ??= connect(endpoint).then(
      (opened) => {
        connection = opened;
        return opened;
      },
      (error: Error) => {
        connecting = undefined;
        throw new KmsCallError('UNAUTHENTICATED', error.message, { cause: error });
      },
    );
    return connecting;
  }

  async function call(method: string, request: { name: string }, deadlineAt: number): Promise<unknown> {
    const { stub, metadataFor } = connection ?? (await beforeDeadline(connected(), deadlineAt));
    return new Promise((resolve, reject) => {
      stub[method]?.(request, metadataFor(request.name), { deadline: deadlineAt }, (error, response) => {
        if (error === null) resolve(response);
        else reject(new KmsCallError(STATUS_NAMES[error.code] ?? 'UNKNOWN', error.details, { cause: error }));
      });
    });
  }

  return {
    asymmetricSign: (request, deadlineAt) =>
      call('asymmetricSign', request, deadlineAt) as Promise<SignResponse>,
    getPublicKey: (name, deadlineAt) =>
      call('getPublicKey', { name }, deadlineAt) as Promise<PublicKeyResponse>,
    macVerify: (request, deadlineAt) => call('macVerify', request, deadlineAt) as Promise<MacVerifyResponse>,
    close: async () => (await connecting?.catch(() => undefined))?.close(),
  };
}

/** The client of `@google-cloud/kms` itself; for administration. */
export async function createSdkClient(endpoint?: string) {
  // The package's main module also loads four services and 1.2 MB of static protos that nothing here uses.
  const { KeyManagementServiceClient } = await import(
    '@google-cloud/kms/build/src/v1/key_management_service_client.js'
  );
  if (endpoint === undefined) return new KeyManagementServiceClient(RECONNECT);
  const [{ credentials }, { PassThroughClient }] = await Promise.all([
    import('@grpc/grpc-js'),
    import('google-auth-library'),
  ]);
  const { hostname, port } = new URL(`http://${endpoint}`);
  return new KeyManagementServiceClient({
    ...RECONNECT,
    apiEndpoint: hostname,
    port: Number(port),
    sslCreds: credentials.createInsecure(),
    // Without it the client looks for credentials and probes the metadata server.
    authClient: new PassThroughClient(),
  });
}

async function connect(endpoint: string | undefined): Promise<Connection> {
  const [sdk, grpc] = await Promise.all([createSdkClient(endpoint), import('@grpc/grpc-js')]);
  const stub = (await sdk.initialize()) as unknown as Connection['stub'];
  const metadata = new Map<string, Metadata>();
  return {
    stub,
    metadataFor(name) {
      let headers = metadata.get(name);
      if (headers === undefined) {
        headers = new grpc.Metadata();
        headers.set('x-goog-request-params', `name=${encodeURIComponent(name)}`);
        metadata.set(name, headers);
      }
      return headers;
    },
    close: () => sdk.close(),
  };
}

/** What gRPC's own deadline does not cover: loading the client and authenticating. */
async function beforeDeadline<T>(promise: Promise<T>, deadlineAt: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = () => reject(new KmsCallError('DEADLINE_EXCEEDED', 'connecting to the KMS took too long'));
    timer = setTimeout(fail, deadlineAt - Date.now());
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
