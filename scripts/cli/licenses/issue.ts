/** `countersign licenses issue` */
import type { IssueLicenseRequest } from '../../../shared/client/admin-client.ts';
import { answer, type OutputOptions } from '../output.ts';
import { givenKey, type KeyOptions } from '../secret-input.ts';
import { openService } from '../service.ts';
import { type OrNothing, orNull } from '../values.ts';
import { type OnceOptions, once } from './once.ts';
import { licenseMembers } from './queries.ts';
import { given, type HolderOptions, holderOf, type Members, type TermsOptions, termsOf } from './terms.ts';

export interface IssueOptions extends OutputOptions, TermsOptions, HolderOptions, KeyOptions, OnceOptions {
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
}

export async function issueLicense(options: IssueOptions): Promise<void> {
  const request = await requestOf(options);
  const { licenses } = openService();
  const issued = await once(options, (how) => licenses.issue(request, how));
  answer(options, issued, () => `${licenseMembers(issued)}\n\nLicence key: ${issued.license_key}`);
}

/** @throws OperatorError */
export async function requestOf(options: IssueOptions): Promise<IssueLicenseRequest> {
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
    license_key: await givenKey(options),
    key_prefix: options.keyPrefix,
    key_style: options.keyStyle,
    signing_algorithm: options.algorithm,
    formats: options.format,
  };
  return given(members) as IssueLicenseRequest;
}
