/** Texts of people in requests. What a screen, a letter or a document shows has to show them too. */
import { z } from 'zod';
import { MAX_STRING_LENGTH } from '../constants.ts';

/** C0, DEL and C1 (ISO 6429). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const NO_CONTROLS_BUT_LAYOUT = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/;

const CONTROLS = { error: 'must not have control characters' };
const BLANK = { error: 'must not be blank' };

/** Of one line, which may be empty. */
export const line = z.string().max(MAX_STRING_LENGTH).regex(NO_CONTROLS, CONTROLS);

/** Of one line, with something to see. */
export const text = z
  .string()
  .min(1, { abort: true })
  .max(MAX_STRING_LENGTH)
  .regex(NO_CONTROLS, CONTROLS)
  .regex(/\S/, BLANK);

/** Of several lines, which may be empty. */
export const longText = z.string().max(4_000).regex(NO_CONTROLS_BUT_LAYOUT, CONTROLS);
