/** GenerateMac and VerifyMac, and the import of their keys' material. */

import { timingSafeEqual } from 'node:crypto';
import { type Faults, strike, tamperAlgorithm, tamperName } from '../faults.ts';
import { type Body, bytes, messageOf, seconds, text } from './body.ts';
import { AwsError } from './errors.ts';
import type { AwsImports } from './imports.ts';
import type { AwsKeys } from './keys.ts';
import type { AwsCounts, Operation } from './operations.ts';

export function macOperations(keys: AwsKeys, faults: Faults, counts: AwsCounts): [string, Operation][] {
  return [
    [
      'GenerateMac',
      async (body) => {
        const { arn, tag } = tagOf(keys, body);
        return { KeyId: arn, Mac: tag.toString('base64'), MacAlgorithm: text(body, 'MacAlgorithm') };
      },
    ],
    [
      'VerifyMac',
      async (body) => {
        counts.macVerifies += 1;
        return verifyMac(keys, faults, body);
      },
    ],
  ];
}

export function importOperations(imports: AwsImports): [string, Operation][] {
  return [
    [
      'GetParametersForImport',
      async (body) => {
        const { arn, token, validTo, spki } = await imports.parameters(
          text(body, 'KeyId'),
          text(body, 'WrappingAlgorithm'),
          text(body, 'WrappingKeySpec'),
        );
        return {
          KeyId: arn,
          ImportToken: Buffer.from(token).toString('base64'),
          PublicKey: spki.toString('base64'),
          ParametersValidTo: seconds(validTo),
        };
      },
    ],
    ['ImportKeyMaterial', async (body) => ({ KeyId: importMaterial(imports, body) })],
  ];
}

function importMaterial(imports: AwsImports, body: Body): string {
  requireEverlasting(body);
  const token = bytes(body, 'ImportToken').toString();
  return imports.importMaterial(text(body, 'KeyId'), token, bytes(body, 'EncryptedKeyMaterial'));
}

async function verifyMac(keys: AwsKeys, faults: Faults, body: Body) {
  const fault = faults.take('TrentService.VerifyMac');
  await strike(fault);
  const mac = bytes(body, 'Mac');
  const { arn, tag } = tagOf(keys, body);
  if (mac.length !== tag.length || !timingSafeEqual(mac, tag)) {
    // An exception has nothing that could contradict it: no fault applies.
    throw new AwsError('KMSInvalidMacException', 'The HMAC verification failed.');
  }
  return {
    KeyId: tamperName(fault, arn),
    MacValid: fault?.kind !== 'contradiction',
    MacAlgorithm: tamperAlgorithm(fault, text(body, 'MacAlgorithm')),
  };
}

function tagOf(keys: AwsKeys, body: Body) {
  return keys.mac(text(body, 'KeyId'), text(body, 'MacAlgorithm'), messageOf(body));
}

/** AWS's default is material that expires, which needs a date. */
function requireEverlasting({ ExpirationModel, ValidTo }: Body): void {
  if (ExpirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE' && ValidTo === undefined) return;
  if (ExpirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE' || ValidTo === undefined) {
    throw new AwsError('ValidationException', 'ValidTo goes with material that expires, and with no other.');
  }
  throw new AwsError('UnsupportedOperationException', 'The local KMS keeps key material for ever.');
}
