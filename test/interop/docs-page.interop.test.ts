/** `/docs` in a real browser: it shows the API, asks nobody else, and breaks none of its own security policy. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const isMissing = !existsSync(CHROMIUM) && process.env.CI !== 'true';

let service: TestService;
let browser: Browser;

beforeAll(async () => {
  if (isMissing) return;
  service = await startTestService();
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
});

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test.skipIf(isMissing)('the page lists every call and can try one', async () => {
  const page = await browser.newPage();
  const problems: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on(
    'request',
    (request) => !request.url().startsWith('data:') && origins.add(new URL(request.url()).origin),
  );

  await page.goto(`${service.baseUrl}/docs`);
  await page.waitForSelector('.opblock-summary-path');
  const paths = await page.locator('.opblock-summary-path').allInnerTexts();
  const shown = paths.map((path) => path.replaceAll('\u200b', ''));
  expect(shown).toContain('/api/v1/licenses/acquire');
  expect(shown).toContain('/.well-known/jwks.json');

  await page.locator('#operations-service-getHealth .opblock-summary').click();
  await page.locator('#operations-service-getHealth .try-out__btn').click();
  await page.locator('#operations-service-getHealth .execute').click();
  await page.waitForSelector('#operations-service-getHealth .live-responses-table');
  const answer = await page.locator('#operations-service-getHealth .live-responses-table').innerText();
  expect(answer).toContain('"status": "ok"');

  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
  expect(problems).toEqual([]);
  expect([...origins]).toEqual([service.baseUrl]);
});
