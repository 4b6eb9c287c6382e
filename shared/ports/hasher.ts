/**
 * Keyed one-way hashes under the pepper of this deployment. Operators may choose weak licence keys, so a
 * plain hash would give them away to whoever reads the store.
 */
export interface Hasher {
  /**
   * The first 128 bits of HMAC-SHA-256 over the domain and the text, as 32 hex characters. Equal texts in
   * different domains give unrelated hashes.
   */
  hash(
    domain: 'license' | 'hardware' | 'request' | 'idempotency' | 'api_key' | 'instance' | 'document',
    text: string,
  ): string;
}
