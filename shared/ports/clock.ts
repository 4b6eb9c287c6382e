/** The present. Milliseconds since the epoch, UTC. */
export interface Clock {
  now(): number;
}
