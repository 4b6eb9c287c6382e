/** The objects that the examples name: each has one identity, whichever call is about it. */
import { formatSessionId } from '../../session-id.ts';

export const CUSTOMER_ID = 'acme-gmbh';
/** Whom a licence is transferred to. */
export const OTHER_CUSTOMER_ID = 'acme-ag';

export const LICENSE_ID = '7d4c2a90-6a51-4f6e-9a3c-1f0b5e8d2c47';
export const LICENSE_KEY = 'ACME-6V2Y0-PZ6Q8-Y6BAZ-GPV3V-564BB-TPSMC';
export const MODULE = 'sale_forecast';

export const SESSION_ID = formatSessionId({
  license: '3f0c9f3a5d1b47e0a7c25d9e41b8f602',
  hardware: '9d5ed678fe57bcca610140957afab571',
  generation: 'c4ca4238a0b923820dcc509a6f75849b',
});

/** The hash of what an installation calls itself. */
export const INSTANCE = '5d41402abc4b2a76b9719d911017c592';

export const API_KEY_PREFIX = 'csk_Ab3dE6gH';

/** Of a key that the operator lists for another system: whoever has its documents verifies them with it. */
export const KID = 'J4ZxQyXxcpKklwQVLPFOiR5vjgTYU731kOPH3idOkCE';
export const PUBLIC_KEY_PEM = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAo2KF9F8XFfKPaLAqevp7JW3JlA7Z6AHk6nNTba97lsg=
-----END PUBLIC KEY-----
`;

/** An AEGIS licence that the key above has signed. */
export const AEGIS_TOKEN =
  'eyJhbGciOiJFZERTQSIsImtpZCI6Iko0WnhReVh4Y3BLa2x3UVZMUEZPaVI1dmpnVFlVNzMxa09QSDNpZE9rQ0UiLCJ0eXAiOiJKV1QifQ.eyJjdXN0b21lciI6eyJpZCI6ImFjbWUtZ21iaCIsIm5hbWUiOiJBQ01FIEdtYkgifSwiaWF0IjoxNzY3MzIzMDQ1LCJpc3MiOiJodHRwczovL2FlZ2lzLmV4YW1wbGUuY29tIiwianRpIjoiN2Q0YzJhOTAtNmE1MS00ZjZlLTlhM2MtMWYwYjVlOGQyYzQ3IiwibGljZW5zZV90eXBlIjoicGVycGV0dWFsIiwibW9kdWxlIjp7ImFsbG93ZWRfbWFqb3JfdmVyc2lvbnMiOlsxNiwxN10sInRlY2huaWNhbF9uYW1lIjoic2FsZV9mb3JlY2FzdCJ9fQ.lvmJ-y7fEssWHTVy1E-18TccwKarN2Knhh0ID65Ra3ZCBrGeF24_gFl0bXdHmutVejbxSVp7U3jurTVtDIm4Cw';

/** What it says. */
export const AEGIS_CLAIMS = {
  customer: { id: CUSTOMER_ID, name: 'ACME GmbH' },
  iat: 1767323045,
  iss: 'https://aegis.example.com',
  jti: LICENSE_ID,
  license_type: 'perpetual',
  module: { allowed_major_versions: [16, 17], technical_name: MODULE },
};

/** A CAIO licence of the same customer. */
export const CAIO_TEXT =
  'CAIO-v2-acme-gmbh-eyJjdXN0b21lcl9pZCI6ImFjbWUtZ21iaCIsImV4cGlyZXNfYXQiOm51bGwsImZlYXR1cmVzIjpbInJlcG9ydHMiLCJleHBvcnQiXSwiaXNzdWVkX2F0IjoiMjAyNi0wMS0wMlQwMzowNDowNSswMDowMCIsImxpY2Vuc2VfdHlwZSI6InBlcnBldHVhbCIsIm1heF9pbnN0YW5jZXMiOjMsIm1heF9yZXF1ZXN0c19wZXJfZGF5IjoxMDAwMDAwLCJtYXhfc2VydmljZXMiOjIwLCJ2ZXJzaW9uIjoiMi4wIn0=.Rws1Dd8hykg9Bhg2i4B8Wcwtk/XB4krWu3dM9M1Pi+0wcEYk+6Qz+6h8hVopYn0Iuu2Lu3SqBZgTHZ0ti7uQBA==';

/** A line of the old ledger. */
export const LEDGER_LINE =
  '{"license_key":"DT1-CORE-5dd8e1db-d90c4656","name":"Ada","email":"ada@example.com","tier":"core","issued_at":"2025-12-02T03:04:05+00:00","expires_at":null,"blob":"DTLIC2:eyJlbWFpbCI6ImFkYUBleGFtcGxlLmNvbSIsImV4cGlyZXNfYXQiOm51bGwsImlzc3VlZF9hdCI6IjIwMjUtMTItMDJUMDM6MDQ6MDUrMDA6MDAiLCJraWQiOiJhb1NzbC1naWZYTGMyd1Fxc2Y0d0lmc19ocWNDMFRzTGM0aG9ZcG1lTEtvIiwibGljZW5zZV9rZXkiOiJEVDEtQ09SRS01ZGQ4ZTFkYi1kOTBjNDY1NiIsIm5hbWUiOiJBZGEiLCJ0aWVyIjoiY29yZSJ9.-gqgQIRqI5tPfSVTvwZoEL6tPGvS1ZzGMPiWVxC_fBlnjbIwKz2NdhHNuDaJTzx2MwFsPKpvoHn2siHhF9LPAg"}';

/** A moment, and others in its order. */
export const AT = '2026-01-02T03:04:05.678+00:00';
export const LATER = '2026-01-02T03:10:05.678+00:00';
export const END = '2027-01-02T03:04:05.678+00:00';

export const PAGE_OF_ONE = { total: 1, page: 1, page_size: 20, total_pages: 1 };
