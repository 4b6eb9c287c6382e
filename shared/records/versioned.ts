/** A record and the version it was read at, so that a commit can demand that it has not changed. */
export interface Versioned<T> {
  readonly record: T;
  readonly version: string;
}
