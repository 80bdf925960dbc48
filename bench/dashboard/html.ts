/**
 * The page as one file: the bundle that the build made, and the data. Nothing in the data can leave its element, and
 * the page's policy lets nothing run but this bundle and ask for nothing at all. Main thread.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PageData } from './page-data.ts';

/** What the build bundled, beside the compiled form of this file. */
const SCRIPT = new URL('./page.bundle.js', import.meta.url);
const STYLE = new URL('./page.bundle.css', import.meta.url);

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

/** JSON in which no end tag and no comment can begin. */
export const embeddedJson = (value: unknown) => JSON.stringify(value).replaceAll('<', '\\u003c');

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export function pageHtml(data: PageData): string {
  const script = readFileSync(SCRIPT, 'utf8');
  const style = readFileSync(STYLE, 'utf8');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escaped(data.title)}</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws its charts with a script of its own, which is switched off here.</noscript>
<div id="page"></div>
<script type="application/json" id="data">${embeddedJson(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}
