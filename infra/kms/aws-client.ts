/**
 * The wire side of the AWS adapter: one call, one attempt, one deadline. What an answer must look like is
 * `aws.ts`, and when to ask again is `policies.ts`.
 *
 * Credentials, signing of requests and wire format are those of `@aws-sdk/client-kms`. Its retries are off. Its abort
 * signal ends a request, but not the search for credentials, which may ask over the network: hence the race.
 */

import type {
  GetPublicKeyResponse,
  KMSClient,
  SignRequest,
  SignResponse,
  VerifyMacRequest,
  VerifyMacResponse,
} from '@aws-sdk/client-kms';
import { regionOf } from './aws-arn.ts';

/** What a local KMS takes for signed requests. With credentials at hand nothing looks for others. */
const LOCAL = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
} as const;

/** Names for failures that AWS did not name. */
type LocalErrorName = 'Unreachable' | 'TimedOut' | 'MalformedAnswer' | 'Misconfigured';

/** The KMS answered with an error, or did not answer. Its message is not for clients. */
export class AwsCallError extends Error {
  /** AWS's own name, `ThrottlingException` say, or one of ours. */
  readonly errorName: string;
  readonly httpStatus: number | undefined;

  constructor(
    errorName: string,
    message: string,
    options: ErrorOptions & { httpStatus?: number | undefined },
  ) {
    super(`${errorName}: ${message}`, options);
    this.name = 'AwsCallError';
    this.errorName = errorName;
    this.httpStatus = options.httpStatus;
  }
}

/** `deadlineAt` is milliseconds since the epoch. The calls reject with `AwsCallError` only. */
export interface AwsKmsClient {
  sign(request: SignRequest, deadlineAt: number): Promise<SignResponse>;
  getPublicKey(keyId: string, deadlineAt: number): Promise<GetPublicKeyResponse>;
  /** A MAC that is wrong is a rejection too: `KMSInvalidMacException`. */
  verifyMac(request: VerifyMacRequest, deadlineAt: number): Promise<VerifyMacResponse>;
  close(): Promise<void>;
}

/**
 * A client for AWS KMS with the credentials of the environment, or with `endpoint` (`http://host:port`) for a local KMS
 * without any. A key is asked for in the region of its ARN; one without an ARN in that of the environment.
 * Nothing is loaded or dialled before the first call of a region.
 */
export function createAwsKmsClient({ endpoint }: Pick<SdkOptions, 'endpoint'> = {}): AwsKmsClient {
  const regions = new Map<string | undefined, Promise<Sdk>>();

  function load(keyId: string): Promise<Sdk> {
    // A local KMS is one for all regions.
    const region = endpoint === undefined ? regionOf(keyId) : undefined;
    const loaded = regions.get(region) ?? loadSdk({ endpoint, region });
    regions.set(region, loaded);
    return loaded;
  }

  async function call<T>(
    keyId: string | undefined,
    deadlineAt: number,
    send: (sdk: Sdk, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const signal = AbortSignal.timeout(Math.max(0, deadlineAt - Date.now()));
    try {
      return await Promise.race([load(keyId ?? '').then((sdk) => send(sdk, signal)), aborted(signal)]);
    } catch (error) {
      throw signal.aborted ? late(error) : callError(error);
    }
  }

  return {
    sign: (request, deadlineAt) =>
      call(request.KeyId, deadlineAt, ({ client, SignCommand }, abortSignal) =>
        client.send(new SignCommand(request), { abortSignal }),
      ),
    getPublicKey: (keyId, deadlineAt) =>
      call(keyId, deadlineAt, ({ client, GetPublicKeyCommand }, abortSignal) =>
        client.send(new GetPublicKeyCommand({ KeyId: keyId }), { abortSignal }),
      ),
    verifyMac: (request, deadlineAt) =>
      call(request.KeyId, deadlineAt, ({ client, VerifyMacCommand }, abortSignal) =>
        client.send(new VerifyMacCommand(request), { abortSignal }),
      ),
    close: async () => {
      for (const { client } of await Promise.all(regions.values())) client.destroy();
    },
  };
}

interface SdkOptions {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

type Sdk = Awaited<ReturnType<typeof loadSdk>>;

async function loadSdk(options: SdkOptions) {
  const { KMSClient, GetPublicKeyCommand, SignCommand, VerifyMacCommand } = await import(
    '@aws-sdk/client-kms'
  );
  return { client: new KMSClient(sdkOptions(options)), GetPublicKeyCommand, SignCommand, VerifyMacCommand };
}

/** The client of `@aws-sdk/client-kms` itself; for administration. */
export async function createAwsSdkClient(endpoint?: string, region?: string): Promise<KMSClient> {
  const { KMSClient } = await import('@aws-sdk/client-kms');
  return new KMSClient(sdkOptions({ endpoint, region }));
}

function sdkOptions({ endpoint, region }: SdkOptions) {
  const local = endpoint === undefined ? {} : { ...LOCAL, endpoint };
  return { maxAttempts: 1, ...(region === undefined ? {} : { region }), ...local };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function late(cause: unknown): AwsCallError {
  return new AwsCallError('TimedOut', 'the KMS did not answer before the deadline', { cause });
}

/** What the SDK throws has many shapes; `$fault` marks an answer of AWS, `$response` one that cannot be read. */
function callError(error: unknown): AwsCallError {
  const { name, message, code, $fault, $metadata, $response } = error as SdkError;
  if ($fault !== undefined) {
    return new AwsCallError(name, message, { cause: error, httpStatus: $metadata?.httpStatusCode });
  }
  let errorName: LocalErrorName = 'Misconfigured';
  if (code !== undefined) errorName = 'Unreachable';
  else if ($response !== undefined) errorName = 'MalformedAnswer';
  return new AwsCallError(errorName, message, { cause: error, httpStatus: $response?.statusCode });
}

interface SdkError extends Error {
  /** Of a system error: ECONNREFUSED, ECONNRESET and so on. */
  readonly code?: string;
  readonly $fault?: 'client' | 'server';
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly statusCode?: number };
}
