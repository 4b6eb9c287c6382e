/** The gRPC status codes that local servers answer with (google/rpc/code.proto). */
export const STATUS = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

export type StatusName = keyof typeof STATUS;

/** An answer other than success. `message` becomes the gRPC status's details. */
export class StatusError extends Error {
  readonly status: StatusName;

  constructor(status: StatusName, details: string, options?: ErrorOptions) {
    super(details, options);
    this.name = 'StatusError';
    this.status = status;
  }
}
