/**
 * For tests: the titles of other files' tests, for tables that say which test holds what. The files are loaded in a
 * process of their own in which `node:test` only notes what it is given, so that a title made of a table's case is
 * known as a run has it, and no title is found that no run has. One within a suite stands behind the suite's and ` > `.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where compiled files lie as their sources do in the repository. */
const ROOT = new URL('../', import.meta.url);

/** In place of `node:test`. What `after` would have put away is put away before the titles are told. */
const NOTING = `
const titles = [];
const ends = [];
let within = '';
export const test = (title) => void titles.push(within + title);
export const it = test;
export const suite = (title, ...more) => {
  const before = within;
  within += title + ' > ';
  more.at(-1)();
  within = before;
};
export const describe = suite;
for (const kind of ['skip', 'todo', 'only']) test[kind] = test;
export const after = (end) => void ends.push(end);
export const [before, beforeEach, afterEach] = [() => {}, () => {}, () => {}];
export const mock = {};
export default test;
export const take = async () => {
  for (const end of ends.splice(0)) await end();
  return titles.splice(0);
};`;
const moduleOf = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
const NOTING_URL = moduleOf(NOTING);
const HOOKS_URL = moduleOf(`
export const resolve = (specifier, context, next) =>
  specifier === 'node:test' ? { url: ${JSON.stringify(NOTING_URL)}, shortCircuit: true } : next(specifier, context);`);
const LISTING = `
import { register } from 'node:module';
register(${JSON.stringify(HOOKS_URL)});
const { take } = await import('node:test');
const found = {};
for (const [path, url] of JSON.parse(process.argv[1])) {
  await import(url);
  found[path] = await take();
}
process.stdout.write(JSON.stringify(found), () => process.exit(0));`;

const TIMEOUT_MS = 60_000;

/**
 * Titles by file; files as paths of their sources, from the repository's root. A test file calls it inside a test, not
 * where it is loaded, or whoever asks for its titles starts one process more. @throws Error if one cannot be loaded
 */
export function testTitles(paths: Iterable<string>): Record<string, string[]> {
  const files = [...new Set(paths)].map((path) => {
    const url = new URL(path.replace(/\.ts$/, '.js'), ROOT);
    if (!existsSync(url)) throw new Error(`there is no file ${path}`);
    return [path, url.href];
  });
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', LISTING, JSON.stringify(files)], {
    cwd: fileURLToPath(ROOT),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(printed);
}

/**
 * Why `wanted` is no title of these, or null. It is a title word for word, or the beginning of one or more, with `…`
 * where it breaks off.
 */
export function whyNoTitle(titles: readonly string[], wanted: string): string | null {
  const begins = wanted.endsWith('…');
  const text = begins ? wanted.slice(0, -1) : wanted;
  if (text.trim() === '') return 'it is empty';
  if (titles.some((title) => (begins ? title.startsWith(text) : title === text))) return null;
  return `no test ${begins ? 'begins with' : 'is called'} '${text}'`;
}
