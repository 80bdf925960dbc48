/** Debian's Chromium over a page in a file: whatever the page asks for or complains of is kept. For tests. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];

/** Of each step; only what hangs takes so long. */
const TIMEOUT_MS = 120_000;

/** Why the tests cannot run here; false where they can. */
export const withoutBrowser: string | false = existsSync(CHROMIUM)
  ? false
  : `no ${CHROMIUM} (Debian's package chromium)`;

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS, timeout: TIMEOUT_MS });

export interface Opened {
  page: Page;
  /** Errors on the console, exceptions, dialogs, requests for anything but the page: all must stay out. */
  complaints: string[];
}

export async function open(
  browser: Browser,
  file: string,
  hash = '',
  { width = 1280, height = 900, dark = false } = {},
): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' });
  page.setDefaultTimeout(TIMEOUT_MS);
  const complaints: string[] = [];
  const own = pathToFileURL(file).href;
  page.on('request', (request) => {
    if (request.url().replace(/#.*$/, '') !== own) complaints.push(`request: ${request.url()}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript(KEEP_TEXTS);
  await page.goto(own + hash);
  return { page, complaints };
}

export const inPage = (page: Page, code: string): Promise<unknown> => page.evaluate(code);

/** Picks an option. What the page shows of it is drawn by an event that is under way then. */
export async function choose(page: Page, selector: string, value: string): Promise<void> {
  await page.selectOption(selector, value);
  await inPage(page, 'new Promise((drawn) => setTimeout(drawn))');
}

/** The page's policy lets nobody evaluate a text in it, so that this asks from outside. */
export async function until(page: Page, condition: string): Promise<void> {
  for (let i = 0; i < 2400; i++) {
    if (await inPage(page, condition)) return;
    await page.waitForTimeout(50);
  }
  assert.fail(`never came: ${condition}`);
}

/** A canvas forgets what was written on it: keeps the texts that stand there until it is cleared. */
const KEEP_TEXTS = `
const { clearRect, fillText } = CanvasRenderingContext2D.prototype;
const PART_LEFT_OF_PLACE = { right: 1, center: 0.5 };
CanvasRenderingContext2D.prototype.clearRect = function (...args) {
  this.canvas.drawnTexts = [];
  return clearRect.apply(this, args);
};
CanvasRenderingContext2D.prototype.fillText = function (text, x, ...args) {
  const { width } = this.measureText(text);
  const left = x - width * (PART_LEFT_OF_PLACE[this.textAlign] ?? 0);
  (this.canvas.drawnTexts ??= []).push({ text, align: this.textAlign, left, right: left + width });
  return fillText.call(this, text, x, ...args);
};`;

export interface DrawnText {
  text: string;
  left: number;
  right: number;
}

export interface DrawnLabels {
  /** Of the canvas: labels are on it whole, or cut off. */
  width: number;
  x: DrawnText[];
  y: DrawnText[];
}

/** What stands at the axes of each chart. */
export const drawnLabels = (page: Page): Promise<DrawnLabels[]> =>
  inPage(
    page,
    `[...document.querySelectorAll('canvas')].map(({ width, drawnTexts = [] }) => {
      const aligned = (wanted) => drawnTexts.filter(({ text, align }) => text !== '' && align === wanted);
      return { width, x: aligned('center'), y: aligned('right') };
    })`,
  ) as Promise<DrawnLabels[]>;

/** How many pixels of each canvas are painted. */
export const paintedPixels = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    // Only what runs in the page knows its document.
    const { document } = globalThis as unknown as { document: CanvasDocument };
    return [...document.querySelectorAll('canvas')].map((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let painted = 0;
      for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] !== 0) painted++;
      return painted;
    });
  });

interface CanvasDocument {
  querySelectorAll(selector: 'canvas'): Iterable<{
    width: number;
    height: number;
    getContext(kind: '2d'): {
      getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
    };
  }>;
}
