/** Imports point one way: see the table. The scan reads the TypeScript sources of the repository. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const BASE = ['memory', 'ring', 'ordering', 'doorbell'];
const ALL = [...BASE, 'formats', 'guest', 'host', 'devices', 'drivers', 'native'];

/** What each folder of src may import besides itself. A new folder needs a line here. */
const ARROWS: Record<string, readonly string[]> = {
  native: [],
  processes: [],
  formats: [],
  memory: ['native'],
  ring: ['memory'],
  ordering: ['memory', 'ring'],
  doorbell: ['memory', 'ring', 'native'],
  guest: BASE,
  host: BASE,
  devices: [...BASE, 'formats', 'host', 'native'],
  drivers: [...BASE, 'formats', 'guest'],
  fuzz: ['native'],
  'vhost-user': [...ALL, 'fuzz'],
  launcher: [...ALL, 'vhost-user', 'processes'],
  // It judges both ends, and knows neither.
  'ring-oracle': ['ring'],
  'ring-fuzz': [...BASE, 'guest', 'host', 'vhost-user', 'launcher', 'fuzz', 'ring-oracle'],
};

/** The same for the rooms of vhost-user among each other. */
const ROOMS: Record<string, readonly string[]> = {
  messages: [],
  queues: ['messages'],
  backend: ['messages', 'queues'],
  frontend: ['messages', 'queues'],
  // It is both sides' peer.
  fuzz: ['messages', 'queues', 'backend', 'frontend'],
};

interface Source {
  /** From the repository's root, with slashes. */
  path: string;
  text: string;
}

/** Where a file belongs: a folder of src, `src` itself, or a folder beside it. */
function placeOf(path: string): { top: string; folder: string } {
  const parts = path.split('/');
  return { top: parts[0]!, folder: parts.length > 2 ? parts[1]! : '' };
}

/** The room of vhost-user that a file is in, or null. */
const roomOf = (path: string): string | null => /^src\/vhost-user\/([^/]+)\//.exec(path)?.[1] ?? null;

/** Relative imports of every kind: static, type, re-export, dynamic. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]*)['"]/g)].map((match) => match[1]!);
}

/** Tests, and what only they import (`test-*.ts`). */
const isTest = (path: string) => path.endsWith('.test.ts') || posix.basename(path).startsWith('test-');

/** Every import that points the wrong way. */
function violations(sources: readonly Source[]): string[] {
  const found: string[] = [];
  for (const { path, text } of sources) {
    const from = placeOf(path);
    if (from.top !== 'src') continue;
    for (const specifier of importsOf(text)) {
      const target = posix.join(posix.dirname(path), specifier);
      const to = placeOf(target);
      const refuse = (why: string) => found.push(`${path} imports ${target}: ${why}`);
      if (to.top !== 'src') refuse('the library imports nothing beside it');
      // A test sits beside what it tests and may bring both ends together; the index is the library's face.
      else if (isTest(path) || path === 'src/index.ts') continue;
      else if (to.folder === from.folder) {
        const [room, next] = [roomOf(path), roomOf(target)];
        if (room !== null && next !== null && room !== next && !ROOMS[room]?.includes(next))
          refuse(`no arrow from ${room} to ${next}`);
      } else if (!(from.folder in ARROWS)) refuse(`the table has no arrow from ${from.folder || 'src'}`);
      else if (!ARROWS[from.folder]!.includes(to.folder))
        refuse(`no arrow from ${from.folder} to ${to.folder || 'src'}`);
    }
  }
  return found;
}

/** The folder of package.json above this file: sources are read there, wherever the compiled test runs. */
function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

function readSources(top = 'src'): Source[] {
  const root = repositoryRoot();
  return readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return { path: relative(root, file).split(sep).join('/'), text: readFileSync(file, 'utf8') };
    });
}

test('architecture: imports point one way', () => {
  const sources = readSources();
  assert.ok(sources.some(({ path }) => path === 'src/guest/split-virtqueue.ts'));
  assert.deepEqual(violations(sources), []);
});

/** Files that import each other, each circle once, as a way round. */
function circles(sources: readonly Source[]): string[][] {
  const imports = new Map(
    sources.map(({ path, text }) => [
      path,
      importsOf(text).map((specifier) =>
        posix.join(posix.dirname(path), specifier).replace(/(\.as)?(\.ts)?$/, '$1.ts'),
      ),
    ]),
  );
  const found: string[][] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): void => {
    const at = way.indexOf(path);
    if (at >= 0) found.push([...way.slice(at), path]);
    if (at >= 0 || done.has(path)) return;
    way.push(path);
    for (const next of imports.get(path) ?? []) visit(next);
    way.pop();
    done.add(path);
  };
  for (const path of imports.keys()) visit(path);
  return found;
}

test('architecture: no file imports itself by way of others', () => {
  const sources = ['src', 'bench', 'scripts', 'workers'].flatMap((top) => readSources(top));
  assert.deepEqual(circles(sources), []);
});

test('architecture: circles are found, of types and of AssemblyScript, too', () => {
  const planted = [
    { path: 'src/a.ts', text: "import type { B } from './b.ts';" },
    { path: 'src/b.ts', text: "export * from './c/d.ts';" },
    { path: 'src/c/d.ts', text: `await ${'import'}('../a.ts');` },
    { path: 'src/e.as.ts', text: "import { f } from './f.as';" },
    { path: 'src/f.as.ts', text: "import { e } from './e.as';" },
  ];
  assert.deepEqual(circles(planted), [
    ['src/a.ts', 'src/b.ts', 'src/c/d.ts', 'src/a.ts'],
    ['src/e.as.ts', 'src/f.as.ts', 'src/e.as.ts'],
  ]);
});

test('architecture: only native knows of koffi', () => {
  const knowing = readSources().filter(({ path, text }) => !path.endsWith('.test.ts') && /['"]koffi['"]/.test(text));
  assert.deepEqual([...new Set(knowing.map(({ path }) => placeOf(path).folder))], ['native']);
});

test('architecture: a worker is watched and terminated by native/threads.ts alone', () => {
  const makers = ['src', 'bench']
    .flatMap((top) => readSources(top))
    .filter(({ path, text }) => !isTest(path) && /\bnew Worker\(/.test(text));
  assert.ok(makers.length >= 5, `${makers.length} files make workers`);
  for (const { path, text } of makers) {
    assert.match(text, /\bwatchEnd\(/, path);
    // The event comes before messages that were sent first; `terminate` alone has no bound.
    assert.doesNotMatch(
      text,
      /\.on(?:ce)?\('(?:error|exit)'|\bonce\([^)]*'(?:error|exit)'|\bworker\.terminate\(/,
      path,
    );
  }
});

test('architecture: every folder of src has its arrows', () => {
  const folders = new Set(readSources().map(({ path }) => placeOf(path).folder));
  folders.delete('');
  assert.deepEqual(
    [...folders].filter((folder) => !(folder in ARROWS)),
    [],
  );
});

test('architecture: the arrows make no circle, and guest and host never meet', () => {
  const reaches = (from: string, seen = new Set<string>()): Set<string> => {
    for (const to of ARROWS[from] ?? [])
      if (!seen.has(to)) {
        seen.add(to);
        reaches(to, seen);
      }
    return seen;
  };
  for (const folder of Object.keys(ARROWS)) assert.equal(reaches(folder).has(folder), false, folder);
  assert.equal(reaches('guest').has('host') || reaches('host').has('guest'), false);
});

/** Import lines are put together here, so that the scan does not find the planted ones in this file. */
const line = (kind: string, specifier: string) => `${kind}'${specifier}'`;
const planted: [string, string, string, string | null][] = [
  // what, importing file, line, refused because
  [
    'guest to host',
    'src/guest/a.ts',
    line('import { Vringh } from ', '../host/vringh.ts'),
    'no arrow from guest to host',
  ],
  ['host to guest', 'src/host/a.ts', line('import type { A } from ', '../guest/a.ts'), 'no arrow from host to guest'],
  ['memory to ring', 'src/memory/a.ts', line('import ', '../ring/constants.ts'), 'no arrow from memory to ring'],
  [
    'ring to guest by re-export',
    'src/ring/a.ts',
    line('export * from ', '../guest/a.ts'),
    'no arrow from ring to guest',
  ],
  ['a dynamic import', 'src/ordering/a.ts', `await ${line('import(', '../doorbell/a.ts')})`, 'no arrow from ordering'],
  ['two lines', 'src/host/a.ts', `import {\n  A,\n} ${line('from ', '../guest/a.ts')}`, 'no arrow from host to guest'],
  ['the face from inside', 'src/host/a.ts', line('import { A } from ', '../index.ts'), 'no arrow from host to src'],
  ['src to bench', 'src/host/a.ts', line('import { A } from ', '../../bench/a.ts'), 'nothing beside it'],
  ['src to workers', 'src/index.ts', line('import { A } from ', '../workers/a.ts'), 'nothing beside it'],
  ['a test to bench', 'src/host/a.test.ts', line('import { A } from ', '../../bench/a.ts'), 'nothing beside it'],
  ['a folder nobody drew', 'src/misc/a.ts', line('import { A } from ', '../ring/a.ts'), 'no arrow from misc'],
  ['host to ring', 'src/host/a.ts', line('import { A } from ', '../ring/a.ts'), null],
  ['within a folder', 'src/guest/a.ts', line('import { A } from ', './b.ts'), null],
  ['a test of both ends', 'src/host/a.test.ts', line('import { A } from ', '../guest/a.ts'), null],
  [
    'the oracle to an end',
    'src/ring-oracle/a.ts',
    line('import { A } from ', '../host/a.ts'),
    'no arrow from ring-oracle to host',
  ],
  ['a helper of tests', 'src/guest/test-a.ts', line('import { A } from ', '../host/a.ts'), null],
  [
    'backend to frontend',
    'src/vhost-user/backend/a.ts',
    line('import { A } from ', '../frontend/b.ts'),
    'no arrow from backend to frontend',
  ],
  ['backend to queues', 'src/vhost-user/backend/a.ts', line('import { A } from ', '../queues/b.ts'), null],
  ['the index', 'src/index.ts', line('export * from ', './guest/a.ts'), null],
  ['bench to src', 'bench/a.ts', line('import { A } from ', './index.ts'), null],
  ['a package', 'src/memory/a.ts', line('import { A } from ', 'node:fs'), null],
];
for (const [what, path, text, refused] of planted)
  test(`architecture: the scan ${refused === null ? 'lets pass' : 'finds'} ${what}`, () => {
    const found = violations([{ path, text }]);
    if (refused === null) assert.deepEqual(found, []);
    else {
      assert.equal(found.length, 1);
      assert.ok(found[0]!.includes(refused), found[0]);
    }
  });
