/**
 * Suspend, reinstate and revoke. A suspension ends nothing at once (`change-license.ts` says why); a revocation ends every
 * session. None of them changes what a document says, so nothing is signed.
 */

import { changeStatus, revoke } from '../decide/license-change.ts';
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import { type EditedLicense, editLicense, type LicenseRequest } from './edit-license.ts';
import { endAllSessions } from './end-all-sessions.ts';
import { findLicense } from './find-license.ts';
import { documentsOf } from './license-documents.ts';

/** @throws CountersignError `license_not_found`, `license_revoked`, `precondition_failed`, `idempotency_conflict`, `store_unavailable` */
export function suspend(ports: Ports, request: LicenseRequest, reason: string): Promise<EditedLicense> {
  return editLicense(ports, request, 'suspend', async ({ record, hash }) => ({
    ...changeStatus(record, 'suspended', reason),
    told: { reason },
    documents: await documentsOf(ports, hash),
  }));
}

/**
 * Sessions whose lease has not ended go on.
 * @throws CountersignError as `suspend`
 */
export function reinstate(ports: Ports, request: LicenseRequest): Promise<EditedLicense> {
  return editLicense(ports, request, 'reinstate', async ({ record, hash }) => ({
    ...changeStatus(record, 'active'),
    documents: await documentsOf(ports, hash),
  }));
}

/**
 * Ends the licence for good, and its sessions; of two at once one is refused.
 * @throws CountersignError `license_not_found`, `already_revoked`, `precondition_failed`, `idempotency_conflict`,
 * `store_unavailable`: then some sessions may be left, and repeating it ends them
 */
export async function revokeForGood(
  ports: Ports,
  request: LicenseRequest,
  reason: string,
): Promise<{ readonly replayed: boolean; readonly licenseId: string }> {
  try {
    const { replayed, license } = await editLicense(ports, request, 'revoke', ({ record }) =>
      revoke(record, reason),
    );
    await endSessions(ports, request);
    return { replayed, licenseId: license.id };
  } catch (error) {
    // Whoever revoked it may have been interrupted before its sessions had ended.
    if (error instanceof CountersignError && error.code === 'already_revoked')
      await endSessions(ports, request);
    throw error;
  }
}

async function endSessions(ports: Ports, { caller, licenseId }: LicenseRequest): Promise<void> {
  const { hash, record } = await findLicense(ports, caller, licenseId);
  await endAllSessions(ports, hash, record, 'revoked');
}
