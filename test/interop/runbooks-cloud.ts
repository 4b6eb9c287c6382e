/** What a step of a runbook in a real cloud is on the local KMS, where a later step builds on it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSdkClient } from '../../infra/kms/google-client.ts';
import { provisionAwsKeys } from '../../infra/local/kms/aws/provision.ts';

export interface Cloud {
  /** `host:port` of the stack's KMS. */
  readonly google: string;
  /** `http://host:port` of the same. */
  readonly aws: string;
}

export interface StandIn {
  /** Which commands it stands in for. */
  readonly of: RegExp;
  /** Does it; the answer is what the shell runs instead, the empty text for nothing. */
  readonly perform: (cloud: Cloud, command: string) => Promise<string>;
}

export const CLOUD_STAND_INS: readonly StandIn[] = [
  { of: /^gcloud kms keys versions disable /, perform: changeVersion('DISABLED') },
  { of: /^gcloud kms keys versions enable /, perform: changeVersion('ENABLED') },
  {
    of: /^gcloud kms keys versions destroy /,
    async perform({ google }, command) {
      const client = await createSdkClient(google);
      try {
        await client.destroyCryptoKeyVersion({ name: versionNamed(command) });
      } finally {
        await client.close();
      }
      return '';
    },
  },
  {
    of: /^AWS_KEY=\$\(aws kms create-key .*--key-spec ECC_NIST_EDWARDS25519 /,
    async perform({ aws }) {
      await provisionAwsKeys(aws, [{ alias: 'alias/license-ed25519', keySpec: 'ECC_NIST_EDWARDS25519' }]);
      return 'AWS_KEY=arn:aws:kms:us-east-1:000000000000:alias/license-ed25519';
    },
  },
];

function changeVersion(state: 'DISABLED' | 'ENABLED'): StandIn['perform'] {
  return async ({ google }, command) => {
    const client = await createSdkClient(google);
    try {
      const cryptoKeyVersion = { name: versionNamed(command), state };
      await client.updateCryptoKeyVersion({ cryptoKeyVersion, updateMask: { paths: ['state'] } });
    } finally {
      await client.close();
    }
    return '';
  };
}

/** `… disable 1 --location=global --keyring=countersign --key=license-rsa` as a resource name of the local stack. */
function versionNamed(command: string): string {
  const [, version] = /versions \w+ (\d+) /.exec(command) ?? [];
  const flag = (name: string) => new RegExp(`--${name}=([\\w-]+)`).exec(command)?.[1];
  const ring = `projects/local/locations/${flag('location')}/keyRings/${flag('keyring')}`;
  return `${ring}/cryptoKeys/${flag('key')}/cryptoKeyVersions/${version}`;
}

/** Where the KMS of a local stack is. */
export function cloudOfStack(home: string): Cloud {
  const settings = JSON.parse(readFileSync(join(home, 'settings.json'), 'utf8'));
  return { google: settings.KMS_ENDPOINT, aws: settings.AWS_KMS_ENDPOINT };
}
