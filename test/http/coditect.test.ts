/** A conversation of a client of the floating-licence system before, as `test/vectors/coditect-conversation.json` has it. */
import { createVerify } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import conversation from '../vectors/coditect-conversation.json' with { type: 'json' };

type Json = Record<string, unknown>;

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const fill = (text: string, known: ReadonlyMap<string, string>) =>
  text.replace(/\{([a-z_]+)\}/g, (_, name: string) => known.get(name) ?? `no ${name} yet`);

const memberAt = (body: Json, path: string) =>
  path.split('.').reduce<unknown>((value, name) => (value as Json | undefined)?.[name], body);

/** What Python's `json.dumps(data, sort_keys=True, separators=(',', ':'))` writes, with another writer than the product's. */
function pythonJson(value: unknown): string {
  const text = JSON.stringify(value, (_, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
  return text.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

async function isSigned({ signature, signature_algorithm: _, ...signed }: Json): Promise<boolean> {
  const response = await fetch(new URL(`/api/v1/keys/${signed.kid}.pem`, service.baseUrl));
  return createVerify('RSA-SHA256')
    .update(pythonJson(signed))
    .verify(await response.text(), Buffer.from(String(signature), 'base64'));
}

test.each([
  ['as it is written', (path: string) => path],
  ['without trailing slashes', (path: string) => path.replace(/\/$/, '')],
])('the conversation goes on to its end, %s', async (_, spell) => {
  const license_key = await service.addLicense({ seats: 1, signingAlgorithm: 'RSA_SIGN_PKCS1_4096_SHA256' });
  const known = new Map([['license_key', license_key]]);
  for (const { path, body, status, reads, keeps } of conversation.exchanges) {
    const answer = await service.post(spell(path), fill(JSON.stringify(body), known));
    expect([path, answer.status]).toEqual([path, status]);
    for (const [name, pattern] of Object.entries(reads))
      expect(String(memberAt(answer.body, name)), `${path} ${name}`).toMatch(
        new RegExp(`^(?:${fill(pattern, known)})$`),
      );
    if (answer.body.license_data) expect(await isSigned(answer.body.license_data)).toBe(true);
    for (const [name, member] of Object.entries(keeps))
      known.set(name, String(memberAt(answer.body, member)));
  }
});
