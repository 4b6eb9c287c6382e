/** `countersign licenses issue` */
import { randomUUID } from 'node:crypto';
import type { AdminClient, IssuedLicense, IssueLicenseRequest } from '../../../shared/client/admin-client.ts';
import { ServiceError } from '../../../shared/client/client.ts';
import { UnreachableError } from '../../../shared/client/retrying-fetch.ts';
import { answer, type OutputOptions, remark } from '../output.ts';
import { givenKey, type KeyOptions } from '../secret-input.ts';
import { openService } from '../service.ts';
import { type OrNothing, orNull } from '../values.ts';
import { licenseMembers } from './queries.ts';
import { given, type HolderOptions, holderOf, type Members, type TermsOptions, termsOf } from './terms.ts';

export interface IssueOptions extends OutputOptions, TermsOptions, HolderOptions, KeyOptions {
  readonly customer: string;
  readonly module: string;
  readonly type: IssueLicenseRequest['license_type'];
  readonly days?: OrNothing<number>;
  readonly fingerprint?: string;
  readonly tier?: NonNullable<IssueLicenseRequest['tier']>;
  readonly addFeatures?: string[];
  readonly keyPrefix?: string;
  readonly keyStyle?: NonNullable<IssueLicenseRequest['key_style']>;
  readonly algorithm?: NonNullable<IssueLicenseRequest['signing_algorithm']>;
  readonly format?: NonNullable<IssueLicenseRequest['formats']>;
  readonly idempotencyKey?: string;
}

export async function issueLicense(options: IssueOptions): Promise<void> {
  const issued = await issueOnce(openService(), requestOf(options), options.idempotencyKey);
  answer(options, issued, () => `${licenseMembers(issued)}\n\nLicence key: ${issued.license_key}`);
}

/**
 * Issues it, and where it is not known whether that was done, or its documents are not signed yet, says how to go on: without
 * the key, the same command would issue another licence.
 */
export async function issueOnce(
  { licenses }: AdminClient,
  request: IssueLicenseRequest,
  idempotencyKey: string = randomUUID(),
): Promise<IssuedLicense> {
  try {
    return await licenses.issue(request, { idempotencyKey });
  } catch (error) {
    if (isUnsettled(error))
      remark(
        `The licence may be on record. Give the same command again with --idempotency-key ${idempotencyKey}: it completes that one.`,
      );
    throw error;
  }
}

function isUnsettled(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ServiceError && error.status >= 500);
}

/** @throws OperatorError */
export function requestOf(options: IssueOptions): IssueLicenseRequest {
  const members: Members<IssueLicenseRequest> = {
    ...termsOf(options),
    customer_id: options.customer,
    module_name: options.module,
    license_type: options.type,
    duration_days: options.days && orNull(options.days),
    instance_fingerprint: options.fingerprint,
    tier: options.tier,
    add_features: options.addFeatures,
    holder: holderOf(options),
    license_key: givenKey(options),
    key_prefix: options.keyPrefix,
    key_style: options.keyStyle,
    signing_algorithm: options.algorithm,
    formats: options.format,
  };
  return given(members) as IssueLicenseRequest;
}
