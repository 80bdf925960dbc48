/** A browser and pages of test records for a test file: each page is made when it is first asked for. For tests. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Browser } from 'playwright-core';
import { main } from '../cli.ts';
import { launch, type Opened, open, withoutBrowser } from './test-browser.ts';
import { testRecords, type Wanted, writeRecords } from './test-records.ts';

type Opening<Name extends string> = (name: Name, hash: string, options?: Parameters<typeof open>[3]) => Promise<Opened>;

/** Opens pages by their names; what it needs goes when the file's tests are done. */
export function openerOf<Name extends string>(wanted: Readonly<Record<Name, Wanted>>): Opening<Name> {
  const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
  const made = new Map<Name, string>();
  let browser: Browser;
  before(async () => {
    if (!withoutBrowser) browser = await launch();
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });
  async function pageOf(name: Name): Promise<string> {
    const page = made.get(name) ?? join(folder, `${name}.html`);
    if (made.has(name)) return page;
    const records = writeRecords(join(folder, `${name}.ndjson`), testRecords(wanted[name]));
    assert.equal(await main(['dashboard', records, '--out', page], { out: () => {}, err: () => {} }), 0);
    made.set(name, page);
    return page;
  }
  return async (name, hash, options) => open(browser, await pageOf(name), hash, options);
}
