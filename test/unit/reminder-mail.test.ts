/** The letter that reminds of the end of a licence. */
import { describe, expect, test } from 'vitest';
import { reminderMail } from '../../shared/mail/reminder-mail.ts';

const END = Date.UTC(2028, 1, 29, 23, 59, 59, 999);
const LICENSE = { product: 'sale_forecast', name: 'Zoë Müller 東京 Москва 😀', expiresAt: END };

describe('a reminder', () => {
  test('says in plain text what ends when, and to whom', () => {
    const mail = reminderMail('zoe@example.com', LICENSE);
    expect(mail).toEqual({
      to: 'zoe@example.com',
      subject: 'Your licence of sale_forecast ends on 2028-02-29',
      text: expect.stringMatching(
        /^Dear Zoë Müller 東京 Москва 😀,\n\nyour licence of sale_forecast holds until 2028-02-29 \(UTC\)\./,
      ),
    });
  });

  test.each(['\r\n', '\n', '\u0085', '\u2028', '\u2029', '\u0000'])(
    'makes no further header of a name or product with the break %j in it',
    (lineBreak) => {
      const hostile = `x${lineBreak}Bcc: thief@example.net`;
      const { subject, text } = reminderMail('zoe@example.com', {
        ...LICENSE,
        product: hostile,
        name: hostile,
      });
      expect(subject).toBe('Your licence of x Bcc: thief@example.net ends on 2028-02-29');
      expect(text.split('\n')[0]).toBe('Dear x Bcc: thief@example.net,');
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
    },
  );
});
