// A reviewer at work in Chromium. Every step asserts; screenshots are for people to look at.
// Playwright and axe are those of BROWSER_TOOLS, which `make test-browser` installs.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { PAGES_URL, ANN, BOB, PLAIN, SCRIPT, OWN, SCREENSHOTS, BROWSER_TOOLS } = process.env;
const require = createRequire(join(BROWSER_TOOLS, 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const CSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; " +
  "frame-ancestors 'none'";

mkdirSync(SCREENSHOTS, { recursive: true });
const profile = mkdtempSync(join(tmpdir(), 'governance-browser-'));
const root = process.getuid?.() === 0;
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  viewport: WIDE,
  args: [...(root ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
browser.setDefaultTimeout(15_000);
let page = browser.pages()[0] ?? await browser.newPage();

let steps = 0;
async function step(what, work) {
  try {
    await work();
  } catch (error) {
    await page.screenshot({ path: join(SCREENSHOTS, 'failed.png') }).catch(() => {});
    console.error(`browser: ${what}: FAILED at ${page.url()}`);
    throw error;
  }
  steps += 1;
  console.log(`browser: ${what}: ok`);
}

const open = (path) => page.goto(PAGES_URL + path);
const path = () => new URL(page.url()).pathname;
const text = (selector) => page.locator(selector).innerText();

async function signIn(token) {
  await page.getByLabel('Personal token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

// What this page looks like in both lights and on a phone, and what axe says of it.
async function look(name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of [['wide', WIDE], ['phone', PHONE]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${name} is ${width} px wide at ${viewport.width}`);
      await page.evaluate(axe.source);
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
      const { violations, passes } = await page.evaluate(
        (values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), tags);
      const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
      assert.deepEqual(told, [], `${name}, ${colorScheme}, ${size}`);
      assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'axe looked at the colours');
      await page.screenshot({ path: join(SCREENSHOTS, `${name}-${colorScheme}-${size}.png`),
        fullPage: name !== 'list' });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDE);
}

// Sends a form as our pages do, with some of its fields altered.
async function send(alter, reach) {
  await page.evaluate(([fields]) => {
    const form = document.querySelector('form[action$="/verdicts"]');
    for (const [name, value] of Object.entries(fields)) {
      form.querySelector(`input[name="${name}"]`).value = value;
    }
  }, [alter]);
  const answered = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name: 'Approve' }).first().click();
  const response = await answered;
  await page.waitForLoadState();
  assert.equal(response.status(), reach);
}

try {
  await step('nobody is let in without a token', async () => {
    await open('/');
    assert.equal(path(), '/login');
    await look('login');
    await signIn('grv_wrong');
    assert.match(await text('.notice'), /This token is not known/);
    assert.deepEqual(await browser.cookies(), []);
  });

  await step('a token lets one in, back to the page that was asked for', async () => {
    await open(`/decisions/${PLAIN}`);
    await signIn(ANN);
    assert.equal(path(), `/decisions/${PLAIN}`);
    const [cookie] = await browser.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/']);
    assert.match(await text('.who'), /Signed in as ann/);
  });

  await step('the list has groups, what is overdue, and a next page', async () => {
    await open('/reviews');
    assert.match(await text('main'), /1 on this page is overdue/);
    assert.match(await text('section:has-text("loan-desk")'), /1 open, oldest 2 d 3 h overdue/);
    assert.match(await text('section:has-text("clinic-assistant") .meta'), /^2 open, oldest /);
    assert.match(await text('section:has-text("payout-agent")'), /held/);
    const own = page.locator('section:has-text("00000000000000aa")').first();
    assert.match(await own.innerText(), /your own/);
    assert.equal(await own.getByRole('checkbox').count(), 0);
    await look('list');
    await page.getByRole('link', { name: /^Next, opened after/ }).click();
    assert.equal(await page.locator('tbody tr').count(), 15);
    await page.getByRole('link', { name: 'Back to the oldest' }).click();
    assert.equal(await page.locator('tbody tr').count(), 50);
  });

  await step('a decision shows what fired, where and on what', async () => {
    await page.getByRole('link', { name: PLAIN }).click();
    assert.equal(path(), `/decisions/${PLAIN}`);
    const row = await text('tr:has-text("confidence_gate")');
    assert.match(row, /line 8/);
    assert.match(row, /confidence = 0.62 \(from logprobs\)/);
    assert.match(await text('tr:has-text("approved_models")'), /observed/);
    const marked = await page.locator('mark').allInnerTexts();
    assert.equal(marked.length, 3);
    assert.ok(marked.includes('  trigger: "confidence < 0.75"'), marked.join('\n'));
    assert.match(await text('.line.fired:has-text("approved_models")'), /would fire/);
    assert.match(await text('main'), /What does the blood count of Ms\. \[name\] say\?/);
    assert.match(await text('section:has(> #proof)'), /covered by the published checkpoint/);
    assert.match(await text('section:has(> #near)'), /completed/);
    await look('decision');
  });

  await step('text of a record is never run, and nothing else may be', async () => {
    const response = await open(`/decisions/${SCRIPT}`);
    assert.equal(response.headers()['content-security-policy'], CSP);
    assert.equal(response.headers()['cache-control'], 'no-store');
    assert.equal(response.headers()['x-content-type-options'], 'nosniff');
    assert.match(await text('blockquote'), /^<script>window\.ran = true<\/script>/);
    assert.match(await text('main'), /input not kept/);
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);
    });
    assert.equal(await page.evaluate(() => window.ran), undefined);
    await look('odd');
  });

  await step('a verdict is given by keyboard alone', async () => {
    await open(`/decisions/${PLAIN}`);
    const focused = () => page.evaluate(() => {
      const { id, value } = document.activeElement;
      return id || value;
    });
    for (let presses = 0; await focused() !== 'note-one'; presses += 1) {
      assert.ok(presses < 60, 'the note was never reached');
      await page.keyboard.press('Tab');
    }
    await page.keyboard.type('As the doctor wrote it.');
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'approved');
    await page.keyboard.press('Enter');
    await page.locator('.notice').waitFor();
    assert.match(await text('.notice'), /Your verdict on 1 decision is on record\./);
    assert.match(await text('.verdicts'), /approved by ann\s+As the doctor wrote it\./);
  });

  await step('a later verdict supersedes it, visibly', async () => {
    await page.getByRole('button', { name: 'Reject' }).click();
    await page.locator('.verdicts li').nth(1).waitFor();
    assert.match(await text('.verdicts li:first-child'), /rejected by ann/);
    assert.match(await text('.verdicts li.superseded'), /approved by ann superseded/);
    await page.getByRole('button', { name: 'Reject' }).click();
    await page.locator('.notice.note').waitFor();
    assert.match(await text('.notice'), /stood already; nothing was added/);
    await look('judged');
  });

  await step('a group is judged, one verdict each', async () => {
    await open('/reviews');
    const group = page.locator('section:has-text("0123456789abcdef")').last();
    await group.getByRole('button', { name: 'Approve' }).click();
    await page.getByRole('heading', { name: /No decision was ticked/ }).waitFor();
    await page.goBack();
    await group.getByRole('checkbox').nth(0).check();
    await group.getByRole('checkbox').nth(1).check();
    await group.getByLabel(/^Note/).fill('Both as usual.');
    await group.getByRole('button', { name: 'Approve' }).click();
    await page.locator('.notice.good').waitFor();
    assert.match(await text('.notice.good'), /Your verdict on 2 decisions is on record\./);
    await page.getByRole('link', { name: 'Tick all of this group' }).last().click();
    const all = page.locator('section:has-text("0123456789abcdef")').last();
    assert.equal(await all.locator('input:checked').count(),
      await all.getByRole('checkbox').count());
  });

  await step('another record than the one shown is not judged', async () => {
    await open(`/decisions/${SCRIPT}`);
    await send({ decision: `${SCRIPT}:${'0'.repeat(64)}` }, 303);
    assert.match(await text('.notice.bad'), /1 decision changed .* look again/);
  });

  await step('a form without its token is refused', async () => {
    await open(`/decisions/${SCRIPT}`);
    await send({ form_token: '' }, 403);
    assert.match(await text('h1'), /older session/);
  });

  await step('a form of another site is refused, and its link works', async () => {
    await page.route('http://elsewhere.test/', (route) => route.fulfill({
      contentType: 'text/html',
      body: `<a href="${PAGES_URL}/decisions/${PLAIN}">decision</a>
        <form method="post" action="${PAGES_URL}/verdicts"><button>send</button></form>`,
    }));
    await page.goto('http://elsewhere.test/');
    await page.getByRole('button', { name: 'send' }).click();
    await page.getByRole('heading', { name: /sent by another site/ }).waitFor();
    await page.goto('http://elsewhere.test/');
    await page.getByRole('link', { name: 'decision' }).click();
    await page.getByRole('heading', { name: `Decision ${PLAIN}` }).waitFor();
  });

  await step('nobody judges their own calls', async () => {
    await open(`/decisions/${OWN}`);
    assert.match(await text('section:has(> #judge)'), /This is your own call/);
    assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);
    await open(`/decisions/${PLAIN}`);
    await send({ decision: `${OWN}:${'0'.repeat(64)}` }, 403);
    assert.match(await text('h1'), /This is your own call/);
  });

  await step('signed out is out, and the next one is somebody else', async () => {
    await open('/reviews');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Personal token').waitFor();
    assert.deepEqual(await browser.cookies(), []);
    await open('/reviews');
    assert.equal(path(), '/login');
    await signIn(BOB);
    assert.match(await text('.who'), /Signed in as bob/);
    await open(`/decisions/${OWN}`);
    assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 1);
  });

  console.log(`browser: ${steps} passed, 0 failed`);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
