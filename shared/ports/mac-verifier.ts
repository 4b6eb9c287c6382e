/**
 * Verifies HMAC-SHA-256 tags (RFC 2104) with one key that lives in a KMS. The secret never enters this process, and
 * nothing here makes a tag.
 *
 * `verify` resolves with `false` when the KMS said so and its answer arrived intact. It does so without asking when the
 * `mac` is not 32 bytes, and when the message is empty or longer than the KMS takes (64 KiB on Google, 4,096 bytes on
 * AWS): no retry could change that, so it is no failure of the KMS, and a longer message verifies nowhere but where it
 * fits. It rejects with `signing_unavailable` (a `CountersignError`) when the KMS cannot be reached in time, refuses, or
 * gives an answer that cannot be trusted.
 */
export interface MacVerifier {
  verify(message: Uint8Array, mac: Uint8Array): Promise<boolean>;
}
