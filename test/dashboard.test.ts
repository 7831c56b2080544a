/** The dashboard in a browser: what it shows of a running evenkeel, and what can be ordered from it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import type { StatusDocument } from '../src/api/status.ts';
import { brokenFrom } from './broken-status.ts';
import { browserOptions, openPage } from './browser.ts';
import { tokenOf } from './commands.ts';
import { type Backend, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const PAGE_BYTES_MAX = 200_000;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

interface Site {
  readonly url: string;
  readonly web: number;
  readonly backend: Backend;
  /** `evenkeel token` with these words. */
  readonly token: (...words: readonly string[]) => string;
}

async function start(t: TestContext): Promise<Site> {
  const directory = temporaryDirectory(t);
  const env = { STATE_DIRECTORY: directory };
  const backend = await startBackend(t);
  const [admin, web] = [await freePort(), await freePort()];
  const file = `
admin: { bind: "127.0.0.1:${admin}" }
listeners: { web: { bind: "127.0.0.1:${web}", protocol: http, routes: [ { upstream: pool } ] } }
upstreams:
  pool: { servers: [ "${backend.address}" ], health: { http: /, interval: 200ms, timeout: 5s, rise: 1, fall: 1 } }
`;
  await Evenkeel.start(t, file, { workers: 1, env });
  return { url: `http://127.0.0.1:${admin}/`, web, backend, token: tokenOf(directory) };
}

const serverRow = (page: Page, { address }: Backend) => page.locator('.upstream tbody tr', { hasText: address });

async function statusOf({ url }: Site): Promise<StatusDocument> {
  return (await fetch(`${url}v1/status`)).json() as Promise<StatusDocument>;
}

/** As far as it is looked at. */
interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

const AXE = fileURLToPath(import.meta.resolve('axe-core/axe.min.js'));

/** What axe finds wrong with the page as it is now: by the rules of WCAG 2.2 A and AA, and its own of good practice. */
async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`),
  );
}

/** Names that whoever hears the page has to have, and that nobody has given. */
const NAMELESS = `[...document.querySelectorAll('button, input, select, table, section, img, svg[role=img]')].filter((each) => {
  const label = each.getAttribute('aria-label') ?? each.getAttribute('aria-labelledby') ?? each.getAttribute('alt');
  const told = each.closest('label')?.textContent || each.querySelector('caption')?.textContent || each.closest('[role=region]')?.ariaLabel;
  return label === null && !told && !(each.tagName === 'BUTTON' && each.textContent) && !each.closest('[role=region][aria-labelledby]');
}).map((each) => each.outerHTML.slice(0, 80))`;
const IDS = `[...document.querySelectorAll('[id]')].map((each) => each.id)`;
const IS_DARK = 'Number(getComputedStyle(document.body).backgroundColor.match(/[0-9]+/)[0]) < 60';
const OVERFLOW = 'document.documentElement.scrollWidth - innerWidth';

test('the dashboard shows how things stand and change, and loads nothing from elsewhere', browserOptions, async (t) => {
  const site = await start(t);
  const { page, complaints, asked } = await openPage(t);
  await page.goto(site.url);
  await serverRow(page, site.backend).getByText('up', { exact: true }).waitFor();
  await page.getByRole('listitem').filter({ hasText: 'the admin API is at' }).waitFor();
  await get(site.web);
  await until(async () => (await serverRow(page, site.backend).locator('td').nth(3).textContent()) === '1');

  const ids = page.getByRole('region', { name: 'Recent errors' }).locator('code.id');
  const idOf = async (): Promise<string> => (await ids.allTextContents())[0] ?? '';
  await site.backend.stop();
  await serverRow(page, site.backend).getByText('down', { exact: true }).waitFor();
  await page.getByText('Upstream pool has no server that could take a request.').waitFor();
  await page
    .getByRole('listitem')
    .filter({ hasText: `${site.backend.address} down` })
    .first()
    .waitFor();
  await get(site.web);
  await until(async () => (await idOf()) !== '');
  const failed = await fetch(`${site.url}v1/errors/${await idOf()}`);
  assert.equal(((await failed.json()) as { readonly status: number }).status, 503);
  await site.backend.restart();
  await serverRow(page, site.backend).getByText('up', { exact: true }).waitFor();

  assert.deepEqual(await page.evaluate(NAMELESS), []);
  assert.deepEqual(await barriers(page), []);
  const all = await page.evaluate<string[]>(IDS);
  assert.equal(new Set(all).size, all.length);
  assert.deepEqual(complaints, []);
  for (const url of asked) assert.ok(url.startsWith(site.url), url);
  const files = [...new Set(asked)].filter((url) => !url.includes('/v1/'));
  assert.equal(files.length, 4, files.join());
  const bytes = await Promise.all(files.map(async (url) => (await (await fetch(url)).arrayBuffer()).byteLength));
  assert.ok(bytes.reduce((sum, each) => sum + each, 0) < PAGE_BYTES_MAX, bytes.join());
});

test('the dashboard gives the orders that a token allows, by keyboard too', browserOptions, async (t) => {
  const site = await start(t);
  const reader = site.token('add', 'reader');
  const writer = site.token('add', 'writer', '--full');
  const { page, complaints } = await openPage(t);
  await page.goto(site.url);
  await serverRow(page, site.backend).waitFor();
  assert.equal(await page.getByRole('button', { name: /^(Drain|Disable)/ }).count(), 0);

  await page.getByRole('button', { name: 'Unlock orders' }).press('Enter');
  const field = page.getByLabel('Token');
  await field.fill(reader);
  await field.press('Enter');
  await page.getByText('the token reader may read, and change nothing').waitFor();
  await page.getByRole('button', { name: 'Unlock orders' }).press('Enter');
  await field.fill('ek_nobody');
  await field.press('Enter');
  await page.getByText('there is no such token').waitFor();
  await field.fill(writer);
  await field.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  const { address } = site.backend;
  await page.getByRole('button', { name: `Drain ${address}` }).press('Enter');
  const dialog = page.getByRole('dialog', { name: `Drain pool/${address}?` });
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual((await statusOf(site)).overrides, []);

  await page.getByRole('button', { name: `Drain ${address}` }).press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: 'Drain' }).press('Enter');
  await serverRow(page, site.backend).getByText('draining', { exact: true }).waitFor();
  const [override] = (await statusOf(site)).overrides;
  assert.deepEqual(
    [override.subject, override.state, override.by],
    [`server pool/${address}`, 'drain', 'dashboard (token writer)'],
  );
  await page.getByRole('button', { name: `Enable ${address}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
  await serverRow(page, site.backend).getByText('up', { exact: true }).waitFor();

  // Nobody else finds the token when the tab has forgotten it.
  await page.getByRole('button', { name: 'Lock' }).click();
  await page.getByRole('button', { name: 'Unlock orders' }).waitFor();
  assert.equal(await page.evaluate('sessionStorage.length + localStorage.length + document.cookie.length'), 0);
  // what the browser says of the answers that refuse the first two tokens
  assert.deepEqual(
    complaints.filter((text) => !/40[13]/.test(text)),
    [],
  );
});

test(
  'the dashboard is good on a phone and in the dark, with a broken pair and 300 servers',
  browserOptions,
  async (t) => {
    const site = await start(t);
    const broken = brokenFrom(await statusOf(site));
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, complaints } = await openPage(t, { ...PHONE, colorScheme });
      await page.route('**/v1/status', (route) => route.fulfill({ json: { ...broken, at: new Date().toISOString() } }));
      await page.goto(site.url);
      await page.getByRole('heading', { name: 'VI_1' }).waitFor();
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'lb01');
      const router = page.locator('.router');
      for (const text of [
        'contested',
        'somebody answers for 192.0.2.10',
        '192.0.2.3 advertises the same addresses',
        'backup → claiming',
      ])
        await router.getByText(text).first().waitFor();
      const link = page.getByRole('list', { name: 'Links to other nodes' });
      for (const text of [
        'no link',
        'other configuration',
        'in upstreams/pool; pool 299 of 300 up; last word 1 min ago',
      ])
        await link.getByText(text).first().waitFor();
      await page.getByText('294 of 300 serve').waitFor();
      // what is wrong is first, and the rest is there when it is asked for
      const rows = page.locator('.upstream tbody tr');
      assert.deepEqual([await rows.count(), await rows.filter({ hasText: 'down' }).count()], [12, 6]);
      await page.getByRole('button', { name: 'Show all 300' }).tap();
      assert.equal(await rows.count(), 300);
      await page.getByLabel('Find a server').fill('192.0.2.7:8007');
      assert.equal(await rows.count(), 1);
      assert.equal(await page.evaluate(OVERFLOW), 0, 'it is wider than the phone');
      assert.deepEqual(await barriers(page), []);
      assert.equal(await page.evaluate<boolean>(IS_DARK), colorScheme === 'dark');
      assert.deepEqual(complaints, []);
    }
  },
);

test(
  'the dashboard asks for a token where everything takes one, and shows what a reading one may see',
  browserOptions,
  async (t) => {
    const site = await start(t);
    const reader = site.token('add', 'reader');
    const { page } = await openPage(t);
    await page.route('**/v1/**', (route) => {
      const isKnown = route.request().headers()['authorization'] !== undefined;
      return isKnown ? route.continue() : route.fulfill({ status: 401, json: { error: 'a token is needed' } });
    });
    await page.goto(site.url);
    await page.getByRole('alert').filter({ hasText: 'a token is needed' }).waitFor();
    await page.getByRole('button', { name: 'Unlock orders' }).click();
    await page.getByLabel('Token').fill(reader);
    await page.getByLabel('Token').press('Enter');
    await serverRow(page, site.backend).waitFor();
    assert.equal(await page.getByRole('button', { name: /^(Drain|Disable)/ }).count(), 0);
    // of the log too
    await page.getByRole('listitem').filter({ hasText: 'the admin API is at' }).waitFor();
  },
);

test('the dashboard says that what it shows is old where evenkeel hangs', browserOptions, async (t) => {
  const site = await start(t);
  const { page } = await openPage(t);
  await page.goto(site.url);
  await page.getByText('live', { exact: true }).waitFor();
  await page.route('**/v1/status', () => undefined);
  await page.getByRole('alert').filter({ hasText: 'evenkeel does not answer. What follows is how' }).waitFor();
  await page.getByText('not current', { exact: true }).waitFor();
  await page.unroute('**/v1/status');
  await page.getByText('live', { exact: true }).waitFor();
});

function askAs(url: string, host: string): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    http.get(url, { headers: { host }, agent: false }, (response) => resolve(response.resume())).on('error', reject);
  });
}

test('the dashboard is given to this machine alone, and runs nothing that is not in its files', async (t) => {
  const { url } = await start(t);
  for (const path of ['', 'dashboard.js', 'dashboard.css', 'icon.svg']) {
    assert.equal((await askAs(url + path, 'evil.example')).statusCode, 403, path);
    const { statusCode, headers } = await askAs(url + path, 'localhost');
    assert.equal(statusCode, 200, path);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self'; (?!.*unsafe)/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
  assert.equal((await askAs(`${url}main.js`, 'localhost')).statusCode, 404);
  assert.equal((await askAs(`${url}..%2fprogram%2fmain.js`, 'localhost')).statusCode, 404);
});
