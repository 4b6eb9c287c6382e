/** `countersign licenses issue` */
import { randomUUID } from 'node:crypto';
import type { AdminClient, IssuedLicense, IssueLicenseRequest } from '../../../shared/client/admin-client.ts';
import { ServiceError } from '../../../shared/client/client.ts';
import { UnreachableError } from '../../../shared/client/retrying-fetch.ts';
import { OperatorError } from '../../../shared/operator-error.ts';
import { answer, type OutputOptions, remark } from '../output.ts';
import { openService } from '../service.ts';
import { licenseMembers } from './queries.ts';

export interface IssueOptions extends OutputOptions {
  readonly customer: string;
  readonly module: string;
  readonly type: IssueLicenseRequest['license_type'];
  readonly days?: number;
  readonly versions?: number[];
  readonly fingerprint?: string;
  readonly tier?: NonNullable<IssueLicenseRequest['tier']>;
  readonly features?: string[];
  readonly seats?: number;
  readonly maxInstances?: number;
  readonly maxServices?: number;
  readonly maxRequestsPerDay?: number;
  readonly holderName?: string;
  readonly holderEmail?: string;
  readonly key?: string;
  readonly keyPrefix?: string;
  readonly format?: string[];
  readonly notes?: string;
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

/** Members that were not given are left to the service. */
export function requestOf(options: IssueOptions): IssueLicenseRequest {
  const given = {
    customer_id: options.customer,
    module_name: options.module,
    license_type: options.type,
    duration_days: options.days,
    allowed_major_versions: options.versions,
    instance_fingerprint: options.fingerprint,
    tier: options.tier,
    features: options.features,
    seats: options.seats,
    limits: limitsOf(options),
    holder: holderOf(options),
    license_key: options.key,
    key_prefix: options.keyPrefix,
    formats: options.format,
    notes: options.notes,
  };
  // The service checks every member; a word that is no format is its to refuse.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as IssueLicenseRequest;
}

function limitsOf({ maxInstances, maxServices, maxRequestsPerDay }: IssueOptions) {
  const limits = [maxInstances, maxServices, maxRequestsPerDay];
  if (limits.every((limit) => limit === undefined)) return undefined;
  if (limits.some((limit) => limit === undefined))
    throw new OperatorError(
      'Limits belong together: give --max-instances, --max-services and --max-requests-per-day.',
    );
  return {
    max_instances: maxInstances,
    max_services: maxServices,
    max_requests_per_day: maxRequestsPerDay,
  };
}

function holderOf({ holderName: name, holderEmail: email }: IssueOptions) {
  if (name === undefined && email === undefined) return undefined;
  if (name === undefined || email === undefined)
    throw new OperatorError('A holder has a name and an address: give --holder-name and --holder-email.');
  return { name, email };
}
