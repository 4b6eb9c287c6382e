/** Writes to Firestore's, with their demands as preconditions. */
import {
  CommitInterruptedError,
  ConflictError,
  type Fields,
  type Write,
} from '../../../shared/ports/document-store.ts';
import type { Names } from './names.ts';
import { encodeFields } from './values.ts';
import { timestampOf, versionOf } from './versions.ts';
import type { CommitResponse, WireWrite } from './wire.ts';

/** A name that needs no quotes in a field path (document.proto). */
const SIMPLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws ConflictError for a version that Firestore cannot have given */
export function encodeWrite(write: Write, names: Names): WireWrite {
  const name = names.nameOf(write.path);
  const condition = preconditionOf(write);
  if (write.op === 'delete') return { delete: name, ...condition };
  const update = { name, fields: encodeFields(write.fields) };
  // Without a mask the document gets exactly these fields.
  return write.op === 'set'
    ? { update, ...condition }
    : { update, updateMask: maskOf(write.fields), ...condition };
}

/** Whether the write can be refused for what is stored. */
export function hasDemand({ op, demand }: Write): boolean {
  return op === 'update' || demand !== undefined;
}

/** The versions that `commit` answers. @throws CommitInterruptedError where the answer does not tell them */
export function decodeVersions(
  writes: readonly Write[],
  { writeResults }: CommitResponse,
): (string | undefined)[] {
  return writes.map(({ op }, index) => {
    if (op === 'delete') return undefined;
    const updateTime = writeResults[index]?.updateTime;
    if (!updateTime) throw new CommitInterruptedError({ cause: new Error('a write has no update time') });
    return versionOf(updateTime);
  });
}

function preconditionOf({ op, path, demand }: Write): Pick<WireWrite, 'currentDocument'> {
  const demanded = demand ?? (op === 'update' ? 'present' : undefined);
  if (demanded === undefined) return {};
  if (typeof demanded === 'string') return { currentDocument: { exists: demanded === 'present' } };
  const updateTime = timestampOf(demanded.version);
  if (updateTime === undefined) throw new ConflictError(path);
  return { currentDocument: { updateTime } };
}

/** Each top-level field as a path of one name, whatever it contains. */
function maskOf(fields: Fields): { fieldPaths: string[] } {
  return { fieldPaths: Object.keys(fields).map(quoted) };
}

function quoted(name: string): string {
  return SIMPLE_NAME.test(name) ? name : `\`${name.replace(/[\\`]/g, '\\$&')}\``;
}
