/** Debian's Chromium, for tests of what is shown in it. */
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { WAIT_MS } from './waiting.ts';

const CHROMIUM = '/usr/bin/chromium';

export const browserOptions = { skip: existsSync(CHROMIUM) ? false : 'needs chromium' };

/** A page, and what went wrong on it or was asked for elsewhere. */
export interface Shown {
  readonly page: Page;
  /** What the browser said: errors of scripts, and what a content security policy forbids. */
  readonly complaints: string[];
  /** Every URL that it asked for. */
  readonly asked: string[];
}

/** Opens a page in a browser of its own. */
export async function openPage(t: TestContext, options: BrowserContextOptions = {}): Promise<Shown> {
  // root has no sandbox, and containers have little shared memory
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args, timeout: WAIT_MS });
  t.after(() => browser.close());
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.push(request.url()));
  return { page, complaints, asked };
}
