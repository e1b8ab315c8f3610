// One verdict on the page of one decision, in Chromium: signs in, reads, writes a note, judges.
// Playwright is that of BROWSER_TOOLS, which `make test-browser` installs.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { PAGE, VERDICT, REVIEW_TOKEN_FILE, BROWSER_TOOLS, CHROMIUM } = process.env;
const { chromium } = createRequire(join(BROWSER_TOOLS, 'package.json'))('playwright-core');
const root = process.getuid?.() === 0;
const browser = await chromium.launch({
  executablePath: CHROMIUM ?? '/usr/bin/chromium',
  args: [...(root ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  // As a link in a message leads there: signing in comes back to it.
  await page.goto(PAGE);
  await page.getByLabel('Personal token').fill(readFileSync(REVIEW_TOKEN_FILE, 'utf8').trim());
  await page.getByRole('button', { name: 'Sign in' }).click();
  assert.equal(page.url(), PAGE);
  await page.getByLabel('Note').fill('looked at it');
  const button = VERDICT === 'approved' ? 'Approve' : 'Reject';
  await page.getByRole('button', { name: button }).click();
  await page.locator('.notice').waitFor();
  const said = await page.locator('.notice').innerText();
  assert.match(said, /Your verdict on 1 decision is on record\./);
} finally {
  await browser.close();
}
