/**
 * What the audit trail tells of a test, and whether it can be believed.
 *
 * ```ts
 * const story = await beginStory(service);
 * const answers = await Promise.all([revoke(), revoke()]);
 * await story.expect(answers, [{ action: 'licenses.revoke', target: id }]);
 * ```
 */
import { expect } from 'vitest';
import type { DocumentStore } from '../../shared/ports/document-store.ts';
import { auditHeadRecord, auditRecord } from '../../shared/records/audit.ts';
import { AUDIT_HEAD_PATH, auditPath } from '../../shared/records/paths.ts';
import { verifyAudit } from '../../shared/usecases/verify-audit.ts';
import type { Answer, TestService } from './service.ts';

export type AuditEvent = ReturnType<typeof auditRecord.parse>;

export interface Story {
  /** What was recorded since the story began, in its order. */
  events(): Promise<readonly AuditEvent[]>;
  /**
   * Fails unless just these events were recorded, each by an API key from this machine, in a request that is among the
   * answered ones and was not refused, and the chain is whole.
   */
  expect(answers: readonly Answer[], told: readonly object[]): Promise<void>;
}

export async function beginStory({ ports: { store } }: Pick<TestService, 'ports'>): Promise<Story> {
  const before = await lastEvent(store);
  const events = async () => {
    const length = (await lastEvent(store)) - before;
    const paths = Array.from({ length }, (_, place) => auditPath(before + 1 + place));
    const found = length === 0 ? [] : await store.get(paths);
    return found.map((snapshot) => auditRecord.parse(snapshot?.fields));
  };
  return {
    events,
    async expect(answers, told) {
      const recorded = await events();
      expect(recorded).toMatchObject(told);
      expect(recorded).toHaveLength(told.length);
      const carriedOut = answers
        .filter(({ status }) => status < 300)
        .map(({ headers }) => headers.get('x-request-id'));
      for (const { actor, source, request_id } of recorded) {
        expect(actor).toMatch(/^key:csk_/);
        expect(source).toBe('127.0.0.1');
        expect(carriedOut).toContain(request_id);
      }
      await expectWholeChain(store);
    },
  };
}

/** Fails unless `countersign audit verify` would find nothing wrong. */
export async function expectWholeChain(store: DocumentStore): Promise<void> {
  const { events, broken } = await verifyAudit(store);
  expect(broken).toBeUndefined();
  expect(events).toBe(await lastEvent(store));
}

async function lastEvent(store: DocumentStore): Promise<number> {
  const [head] = await store.get([AUDIT_HEAD_PATH]);
  return head === undefined ? 0 : auditHeadRecord.parse(head.fields).seq;
}
