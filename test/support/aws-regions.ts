/**
 * AWS KMS as it is without an endpoint of ours: a host for each region, each with its own keys. It stands behind msw, and
 * notes who was asked for what.
 */
import { createHmac, generateKeyPairSync, type KeyPairKeyObjectResult, randomUUID, sign } from 'node:crypto';
import { HttpResponse, http } from 'msw';
import { setupServer } from 'msw/node';

/** `kms.eu-central-1.amazonaws.com Sign`, and the region that the request is signed for. */
export interface Asked {
  readonly host: string;
  readonly action: string;
  readonly signedFor: string | undefined;
}

export interface AwsRegions {
  readonly asked: readonly Asked[];
  /** The ARN of a new Ed25519 key in this region. */
  newKey(region: string, partition?: string): string;
  /** The ARN of a key of HMAC secrets there. */
  newMacKey(region: string, secret: Buffer): string;
  readonly isDisabled: (arn: string) => boolean;
  forget(): void;
  close(): void;
}

interface Body {
  readonly KeyId: string;
  readonly Message?: string;
  readonly Mac?: string;
}

export function openAwsRegions(): AwsRegions {
  const asked: Asked[] = [];
  const pairs = new Map<string, KeyPairKeyObjectResult>();
  const secrets = new Map<string, Buffer>();
  const disabled = new Set<string>();

  function answer(region: string, action: string, body: Body): Response {
    const { KeyId } = body;
    const pair = pairs.get(KeyId);
    const secret = secrets.get(KeyId);
    if (!KeyId.includes(`:kms:${region}:`)) return refusal('NotFoundException', `Invalid arn ${region}`);
    if (action === 'DisableKey') {
      disabled.add(KeyId);
      return HttpResponse.json({});
    }
    if (action === 'VerifyMac' && secret !== undefined) return verifyMac(secret, body);
    if (action === 'GetPublicKey' && pair !== undefined) return publicKey(pair, body);
    if (action === 'Sign' && pair !== undefined) return signature(pair, body);
    return refusal('NotFoundException', `${KeyId} is not there for ${action}`);
  }

  const server = setupServer(
    http.post('*', async ({ request }) => {
      const { host } = new URL(request.url);
      const action = request.headers.get('x-amz-target')?.split('.')[1] ?? '';
      const scope = /Credential=[^/]+\/\d+\/([^/]+)\/kms\//.exec(request.headers.get('authorization') ?? '');
      asked.push({ host, action, signedFor: scope?.[1] });
      return answer(host.split('.')[1] ?? '', action, (await request.json()) as Body);
    }),
  );
  server.listen({ onUnhandledFrame: 'error' });

  const arnOf = (region: string, partition = 'aws') =>
    `arn:${partition}:kms:${region}:111122223333:key/${randomUUID()}`;
  return {
    asked,
    isDisabled: (arn) => disabled.has(arn),
    newKey(region, partition) {
      const arn = arnOf(region, partition);
      pairs.set(arn, generateKeyPairSync('ed25519'));
      return arn;
    },
    newMacKey(region, secret) {
      const arn = arnOf(region);
      secrets.set(arn, secret);
      return arn;
    },
    forget: () => {
      asked.length = 0;
    },
    close: () => server.close(),
  };
}

function verifyMac(secret: Buffer, { KeyId, Message = '', Mac = '' }: Body): Response {
  const tag = createHmac('sha256', secret).update(Buffer.from(Message, 'base64')).digest('base64');
  return tag === Mac
    ? HttpResponse.json({ KeyId, MacAlgorithm: 'HMAC_SHA_256', MacValid: true })
    : refusal('KMSInvalidMacException', 'The MAC is another one.');
}

function publicKey(pair: KeyPairKeyObjectResult, { KeyId }: Body): Response {
  const PublicKey = pair.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return HttpResponse.json({ KeyId, PublicKey, KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' });
}

function signature({ privateKey }: KeyPairKeyObjectResult, { KeyId, Message = '' }: Body): Response {
  const Signature = sign(null, Buffer.from(Message, 'base64'), privateKey).toString('base64');
  return HttpResponse.json({ KeyId, Signature, SigningAlgorithm: 'ED25519_SHA_512' });
}

function refusal(type: string, message: string): Response {
  return HttpResponse.json({ __type: type, message }, { status: 400 });
}
