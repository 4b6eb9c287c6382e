import { describe, expect, test } from 'vitest';
import { decideScope, type Scope } from '../../../shared/decide/scope.ts';
import type { VerificationCode } from '../../../shared/verification.ts';
import type { DocumentPayload } from '../../../shared/wire/document.ts';
import { documentPayload } from '../../support/records.ts';

type Case = [string, Scope, VerificationCode | undefined];

describe('a scope', () => {
  const cases: Case[] = [
    ['that asks for nothing is covered', {}, undefined],
    [
      'whose members are all undefined is covered',
      {
        product: undefined,
        version: undefined,
        hardwareId: undefined,
        features: undefined,
        nonce: undefined,
      },
      undefined,
    ],
    ['with the product', { product: 'demo-app' }, undefined],
    ['with another product', { product: 'other-app' }, 'product_mismatch'],
    ['with the beginning of the product', { product: 'demo' }, 'product_mismatch'],
    ['with more than the product', { product: 'demo-app-2' }, 'product_mismatch'],
    ['with an empty product', { product: '' }, 'product_mismatch'],
    ['with the product in other case', { product: 'Demo-App' }, 'product_mismatch'],
    ['with the machine', { hardwareId: 'machine-1' }, undefined],
    ['with another machine', { hardwareId: 'machine-10' }, 'hardware_mismatch'],
    ['with an empty machine', { hardwareId: '' }, 'hardware_mismatch'],
    ['with no features', { features: [] }, undefined],
    ['with one feature', { features: ['reports'] }, undefined],
    ['with all features, in any order, twice', { features: ['reports', 'export', 'reports'] }, undefined],
    ['with one feature that is missing', { features: ['export', 'admin'] }, 'feature_missing'],
    ['with part of a feature', { features: ['repo'] }, 'feature_missing'],
    ['with the nonce', { nonce: 'nonce-1' }, undefined],
    ['with another nonce', { nonce: 'nonce-2' }, 'nonce_mismatch'],
    ['with an empty nonce', { nonce: '' }, 'nonce_mismatch'],
    [
      'that is covered in all',
      {
        product: 'demo-app',
        version: '17.1',
        hardwareId: 'machine-1',
        features: ['export'],
        nonce: 'nonce-1',
      },
      undefined,
    ],
  ];

  test.each(cases)('%s', (_rule, scope, code) => {
    expect(decideScope(documentPayload(), scope)).toBe(code);
  });

  const orders: Case[] = [
    ['product first', wrong('product', 'version', 'hardwareId', 'features', 'nonce'), 'product_mismatch'],
    ['then the version', wrong('version', 'hardwareId', 'features', 'nonce'), 'version_mismatch'],
    ['then the machine', wrong('hardwareId', 'features', 'nonce'), 'hardware_mismatch'],
    ['then the features', wrong('features', 'nonce'), 'feature_missing'],
    ['then the nonce', wrong('nonce'), 'nonce_mismatch'],
  ];

  test.each(orders)('that is wrong in more than one way is told the %s', (_rule, scope, code) => {
    expect(decideScope(documentPayload(), scope)).toBe(code);
  });

  test('with a nonce is not covered by a document that answers no nonce', () => {
    const payload = documentPayload({ nonce: null });
    expect(decideScope(payload, { nonce: 'null' })).toBe('nonce_mismatch');
    expect(decideScope(payload, {})).toBeUndefined();
  });

  function wrong(...members: (keyof Scope)[]): Scope {
    const all = { product: '?', version: '1', hardwareId: '?', features: ['?'], nonce: '?' };
    return Object.fromEntries(members.map((member) => [member, all[member]]));
  }
});

describe('a version', () => {
  const allowed: DocumentPayload['allowed_major_versions'] = [0, 16, 17];
  const covered = ['17', '17.0', '17.2.1', '16.0-beta', '0.9', '17.'];
  const notCovered = [
    '18',
    '1',
    '1.17',
    '170',
    '7',
    '',
    ' 17',
    '17 ',
    'v17',
    '17-beta',
    '-17',
    '+17',
    '.17',
    '1e1',
    '0x11',
    '17,0',
    '١٧',
    '17\n',
  ];

  test.each(covered)('"%s" is covered by its major number', (version) => {
    expect(decideScope(documentPayload({ allowed_major_versions: allowed }), { version })).toBeUndefined();
  });

  test.each(notCovered)('"%s" is not', (version) => {
    expect(decideScope(documentPayload({ allowed_major_versions: allowed }), { version })).toBe(
      'version_mismatch',
    );
  });

  test('of any kind is covered when all are allowed, and none when none is', () => {
    expect(
      decideScope(documentPayload({ allowed_major_versions: null }), { version: 'next' }),
    ).toBeUndefined();
    expect(decideScope(documentPayload({ allowed_major_versions: [] }), { version: '17' })).toBe(
      'version_mismatch',
    );
  });
});
