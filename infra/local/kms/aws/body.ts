/** The JSON body of a request: strings, and bytes in base64. */

import { AwsError } from './errors.ts';

export type Body = Readonly<Record<string, unknown>>;

/** "Messages can be 0-4096 bytes" (API reference of Sign), though its schema asks for one, as GenerateMac's does. */
const MAX_MESSAGE_BYTES = 4096;

/** A member that is a string; `otherwise` stands for one that is absent. */
export function text(body: Body, member: string, otherwise?: string): string {
  const value = body[member] ?? otherwise;
  if (typeof value === 'string' && value !== '') return value;
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must not be null`,
  );
}

export function bytes(body: Body, member: string): Buffer {
  return Buffer.from(text(body, member), 'base64');
}

export function messageOf(body: Body): Buffer {
  const message = bytes(body, 'Message');
  if (message.length <= MAX_MESSAGE_BYTES) return message;
  throw new AwsError(
    'ValidationException',
    `1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to ${MAX_MESSAGE_BYTES}`,
  );
}

/** Times in answers are seconds since the epoch. */
export function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
