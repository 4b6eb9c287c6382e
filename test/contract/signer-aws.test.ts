import { awsPublicKey, awsSigner, createAwsKmsClient } from '../../infra/kms/aws.ts';
import { jwkFromPem, thumbprint } from '../../infra/kms/public-key.ts';
import { startTestKms, TEST_AWS_KEYS } from '../support/kms.ts';
import { signerContract } from './signer.ts';

for (const [label, alias] of Object.entries(TEST_AWS_KEYS)) {
  for (const name of ['alias', 'ARN']) {
    signerContract(`AWS KMS, ${label} by ${name}`, async () => {
      const kms = await startTestKms();
      const client = createAwsKmsClient({ endpoint: kms.awsEndpoint });
      const publicKey = await awsPublicKey(client, alias);
      const keyId = name === 'alias' ? alias : publicKey.keyArn;
      const kid = thumbprint(jwkFromPem(publicKey.pem));
      return {
        signer: awsSigner(client, { keyId, publicKey, kid }),
        pem: publicKey.pem,
        async close() {
          await client.close();
          await kms.stop();
        },
      };
    });
  }
}
