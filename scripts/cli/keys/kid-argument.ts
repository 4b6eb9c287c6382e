/** A kid is base64url, so it may begin with a hyphen, and would be taken for an option. */

/** What is put in front of a kid that was typed. */
export const KID_MARK = 'kid=';

const KID_LIKE_AN_OPTION = /^-[\w-]{42}$/;

export const markKids = (words: readonly string[]) =>
  words.map((word) => (KID_LIKE_AN_OPTION.test(word) ? `${KID_MARK}${word}` : word));
