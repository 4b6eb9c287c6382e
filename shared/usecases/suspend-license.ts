/**
 * Suspend, reinstate and revoke. A suspension ends nothing at once (`change-license.ts` says why); a revocation ends every
 * session. None of them changes what a document says, so nothing is signed.
 */

import { changeStatus, revoke } from '../decide/license-change.ts';
import { CountersignError } from '../errors.ts';
import type { Ports } from '../ports/ports.ts';
import type { License } from '../wire/admin-licenses.ts';
import { type EditedLicense, editLicense, type LicenseRequest } from './edit-license.ts';
import type { ChangedLicense } from './edit-license-terms.ts';
import { endAllSessions } from './end-all-sessions.ts';
import { findLicense, withToken } from './find-license.ts';
import { documentsOf } from './license-documents.ts';

/** @throws CountersignError `license_not_found`, `license_revoked`, `precondition_failed`, `idempotency_conflict`, `store_unavailable` */
export async function suspend(
  ports: Ports,
  request: LicenseRequest,
  reason: string,
): Promise<ChangedLicense> {
  return answerOf(
    ports,
    await editLicense(ports, request, 'suspend', (license) => ({
      ...changeStatus(license, 'suspended'),
      told: { reason },
    })),
  );
}

/**
 * Sessions whose lease has not ended go on.
 * @throws CountersignError as `suspend`
 */
export async function reinstate(ports: Ports, request: LicenseRequest): Promise<ChangedLicense> {
  return answerOf(
    ports,
    await editLicense(ports, request, 'reinstate', (license) => changeStatus(license, 'active')),
  );
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
    const { replayed, license } = await editLicense(ports, request, 'revoke', (current) =>
      revoke(current, reason),
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

async function answerOf(ports: Ports, { license, hash, replayed }: EditedLicense): Promise<ChangedLicense> {
  const answer: License = withToken(license, await documentsOf(ports, hash));
  return { license: answer, replayed };
}
