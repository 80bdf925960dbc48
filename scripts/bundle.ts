/** Build step: the dashboard's page, with the chart library, as one script and one style beside the compiled command. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

// Every page that is made carries a copy of the library, so its licence, too.
const LICENCE = readFileSync(path('node_modules/uplot/LICENSE'), 'utf8').trim();

await build({
  entryPoints: { 'page.bundle': path('bench/dashboard/page/main.ts') },
  outdir: path('dist/bench/dashboard'),
  tsconfig: path('bench/dashboard/page/tsconfig.json'),
  bundle: true,
  minify: true,
  format: 'iife',
  platform: 'browser',
  // What resolves `light-dark()` in the page's style.
  target: ['chrome123', 'firefox120', 'safari17.5'],
  charset: 'utf8',
  banner: { js: `/*! uPlot\n${LICENCE}\n*/` },
  logLevel: 'warning',
});
