/**
 * Every ordered access to a shared field names its partner on the other side. The rule, over the sources:
 *
 * 1. A pairing comment stands in a method and reads `// A release: why. Pairs with A acquire, Class.method.`
 *    Further partners follow as `, .method` or `and Class.method`.
 * 2. Each partner exists and carries a comment of the same letter and the kind named; release goes with acquire,
 *    full with full.
 * 3. In the two ends of the split ring, and in the faces that access it themselves, every load, every fence and every
 *    store of an index has a pairing comment close above it in its method. A store of a wish (flags, events) has one
 *    in its method, above or below, because the comment stands at the fence that follows; or it is one of those in
 *    the two tables below.
 * 4. Both ends use the same letters, the ones that ordering.ts explains.
 * 5. The Wasm engine's two ends (`*.as.ts`, functions under the names of the methods that they mirror) keep rules 1 and
 *    2 with each other and with the other engine's. Each of their loads and of their stores of an index has a pairing
 *    comment above it in its function, or is in the tables of rule 3.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Files with ordered accesses of a split ring: its two ends, and a face of one. */
const ENDS = ['guest/split-virtqueue.ts', 'host/split-host-queue.ts'];
const ACCESSING = [...ENDS, 'vhost-user/queues/queue.ts'];

/** The Wasm engine's ends, and which class each mirrors. */
const WASM_ENDS: Record<string, string> = {
  'guest/split-virtqueue.as.ts': 'SplitVirtqueue',
  'host/split-host-queue.as.ts': 'SplitHostQueue',
};

/** Stores with no partner, each with the reason why none is needed. They may not load or fence. */
const ALONE: Record<string, string> = {
  'SplitVirtqueue.constructor': 'set-up: the peer does not look yet',
  'SplitHostQueue.constructor': 'set-up: kicks may come too often, never too seldom',
  'SplitVirtqueue.disableCalls': 'a wish taken back: late at worst one needless call',
  'SplitHostQueue.disableKicks': 'a wish taken back: late at worst one needless kick',
};

/** Stores of a wish whose fence is the callers': each caller has a comment, or is named in one of the same class. */
const FENCED_BY_CALLERS = ['SplitVirtqueue.requestCall'];

/** The same in the Wasm engine: set-up has functions of its own. */
const WASM_ALONE = [...Object.keys(ALONE), 'SplitVirtqueue.start', 'SplitHostQueue.start'];

/** Lines between a pairing comment and the last access it stands for, at most. */
const REACH = 8;

interface Method {
  /** `Class.method`. */
  name: string;
  lines: string[];
}
interface Pairing {
  method: string;
  letter: string;
  kind: string;
  partnerKind: string;
  partners: string[];
  /** The comment's last line, counted within the method. */
  line: number;
  text: string;
}

/** The methods of all classes of a formatted source: they stand two spaces in. */
function methodsOf(text: string): Method[] {
  const methods: Method[] = [];
  let className: string | null = null;
  let method: Method | null = null;
  for (const line of text.split('\n')) {
    className = line.match(/^(?:export )?(?:abstract )?class (\w+)/)?.[1] ?? (line === '}' ? null : className);
    if (className === null) continue;
    const start = line.match(/^ {2}(?:(?:private|protected|public|static|override|async|get|set) )*(\w+)\(/);
    if (start !== null) {
      method = { name: `${className}.${start[1]}`, lines: [] };
      methods.push(method);
    }
    method?.lines.push(line);
    if (line === '  }' || (start !== null && line.endsWith('}'))) method = null;
  }
  return methods;
}

/** The functions of an AssemblyScript source, as methods of the class that it mirrors, in the form of the class's. */
function asMethods(text: string, className: string): string {
  const lines = text.replace(/^(?:export )?function (\w+)/gm, '$1').split('\n');
  return [`export class ${className} {`, ...lines.map((line) => `  ${line}`), '}'].join('\n');
}

const GRAMMAR =
  /^([A-Z]) (release|acquire|full): .+ Pairs with ([A-Z]) (release|acquire|full), (\w+\.\w+(?:(?:, \.| and \w+\.)\w+)*)\./;

/** `A.b, .c and D.e` as names in full. */
function partnersOf(list: string): string[] {
  const names: string[] = [];
  for (const part of list.split(/, | and /))
    names.push(part.startsWith('.') ? names.at(-1)!.split('.')[0] + part : part);
  return names;
}

/** The pairing comments of a method; those that do not follow the grammar are problems. */
function pairingsOf({ name, lines }: Method, problems: string[]): Pairing[] {
  const found: Pairing[] = [];
  let comment = '';
  for (const [i, line] of lines.entries()) {
    const text = line.match(/^\s*\/\/ (.*)$/)?.[1];
    if (text !== undefined) {
      comment += `${comment === '' ? '' : ' '}${text}`;
      continue;
    }
    if (/Pairs with|^[A-Z] (release|acquire|full)\b/.test(comment)) {
      const match = comment.match(GRAMMAR);
      if (match === null) problems.push(`${name}: not a pairing comment: ${comment}`);
      else {
        const [, letter, kind, otherLetter, partnerKind, list] = match as unknown as [
          string,
          string,
          string,
          string,
          string,
          string,
        ];
        if (letter !== otherLetter) problems.push(`${name}: ${letter} pairs with ${otherLetter}`);
        found.push({ method: name, letter, kind, partnerKind, partners: partnersOf(list), line: i - 1, text: comment });
      }
    }
    comment = '';
  }
  return found;
}

const KINDS: Record<string, string> = { release: 'acquire', acquire: 'release', full: 'full' };

/** Rules 1 and 2. */
function pairingProblems(sources: Record<string, string>): string[] {
  const problems: string[] = [];
  const methods = Object.values(sources).flatMap(methodsOf);
  const names = new Set(methods.map(({ name }) => name));
  const pairings = methods.flatMap((method) => pairingsOf(method, problems));
  for (const [path, text] of Object.entries(sources)) {
    const written = text.split('\n').filter((line) => /^\s*\/\/ .*Pairs with/.test(line)).length;
    const placed = methodsOf(text).flatMap(({ lines }) => lines.filter((line) => /^\s*\/\/ .*Pairs with/.test(line)));
    if (written !== placed.length) problems.push(`${path}: a pairing comment outside every method`);
  }
  for (const { method, letter, kind, partnerKind, partners } of pairings) {
    if (KINDS[kind] !== partnerKind) problems.push(`${method}: ${letter} ${kind} cannot pair with ${partnerKind}`);
    for (const partner of partners) {
      const answers = pairings.some((p) => p.method === partner && p.letter === letter && p.kind === partnerKind);
      if (partner === method) problems.push(`${method}: ${letter} pairs with itself`);
      else if (!names.has(partner)) problems.push(`${method}: there is no ${partner}`);
      else if (!answers) problems.push(`${method}: ${partner} has no ${letter} ${partnerKind}`);
    }
  }
  return problems;
}

/** Rule 3, for one of the two ends. */
function accessProblems(text: string): string[] {
  const problems: string[] = [];
  const methods = methodsOf(text);
  const pairings = methods.flatMap((method) => pairingsOf(method, problems));
  const isPaired = (name: string) =>
    pairings.some(
      (p) =>
        p.method === name || (p.method.split('.')[0] === name.split('.')[0] && p.text.includes(name.split('.')[1]!)),
    );
  for (const { name, lines } of methods)
    for (const [i, line] of lines.entries()) {
      const access = line.match(/\b(?:avail|used)Fields\.(load16|store16|fence)\((?:(?:this\.)?ring\.(\w+))?/);
      if (access === null) continue;
      const [, call, field] = access;
      const where = `${name}: ${line.trim()}`;
      const above = pairings.some((p) => p.method === name && p.line < i && i - p.line <= REACH);
      if (above) continue;
      if (call !== 'store16') problems.push(`no pairing comment above ${where}`);
      else if (name in ALONE) continue;
      else if (field === undefined || field.endsWith('Idx')) problems.push(`no pairing comment above ${where}`);
      else if (FENCED_BY_CALLERS.includes(name)) {
        const called = `this.${name.split('.')[1]}(`;
        const callers = methods.filter((m) => m.name !== name && m.lines.some((l) => l.includes(called)));
        if (callers.length === 0) problems.push(`nobody calls ${name}`);
        for (const caller of callers)
          if (!isPaired(caller.name)) problems.push(`${caller.name} does not fence for ${name}`);
      } else if (!pairings.some((p) => p.method === name)) problems.push(`no pairing comment in ${where}`);
    }
  return problems;
}

/** Rule 5, for one of the Wasm engine's ends. */
function atomicProblems(text: string): string[] {
  const problems: string[] = [];
  const methods = methodsOf(text);
  const pairings = methods.flatMap((method) => pairingsOf(method, problems));
  for (const { name, lines } of methods)
    for (const [i, line] of lines.entries())
      for (const [, call, field] of line.matchAll(/\batomic\.(load|store)<u16>\((\w+)At\b/g)) {
        if (pairings.some((p) => p.method === name && p.line < i && i - p.line <= REACH)) continue;
        const alone = WASM_ALONE.includes(name) || FENCED_BY_CALLERS.includes(name);
        const isWish = call === 'store' && !field!.endsWith('Idx');
        if (name === 'SplitVirtqueue.start' && call === 'store') continue;
        if (!isWish || !(alone || pairings.some((p) => p.method === name)))
          problems.push(`no pairing comment above ${name}: ${line.trim()}`);
      }
  return problems;
}

/** The folder `src` of the repository: sources are read there, wherever the compiled test runs. */
function sourceFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, 'src');
}
const folder = sourceFolder();
const sources = Object.fromEntries(
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => [path, readFileSync(join(folder, path), 'utf8')]),
);

/** Without the Wasm engine's: they stand in for those of the same name. */
const plainSources = Object.fromEntries(Object.entries(sources).filter(([path]) => !path.endsWith('.as.ts')));
const wasmEnds = Object.entries(WASM_ENDS).map(([path, className]) => asMethods(sources[path]!, className));
const engineOf = (isWasm: number) => (isWasm === 1 ? 'wasm' : 'js');

test('pairing: every comment has its partners', () => {
  assert.deepEqual(pairingProblems(plainSources), []);
});

for (const end of ACCESSING)
  test(`pairing: every access of ${end} has a comment`, () => {
    const text = sources[end]!;
    const accesses = text.match(/\b(?:avail|used)Fields\.(load16|store16|fence)\(/g) ?? [];
    assert.ok(accesses.length >= (ENDS.includes(end) ? 10 : 4), 'the scan sees the accesses');
    assert.deepEqual(accessProblems(text), []);
  });

for (const guest of [0, 1])
  for (const host of [0, 1])
    if (guest + host !== 0)
      test(`pairing: guest ${engineOf(guest)}, host ${engineOf(host)}: every comment has its partners`, () => {
        const mixed = { ...plainSources };
        for (const [i, ofWasm] of [guest, host].entries()) if (ofWasm === 1) mixed[ENDS[i]!] = wasmEnds[i]!;
        assert.deepEqual(pairingProblems(mixed), []);
      });

for (const [i, end] of ENDS.entries())
  test(`pairing: every access of the Wasm engine that mirrors ${end} has a comment`, () => {
    const text = wasmEnds[i]!;
    assert.ok((text.match(/\batomic\.(load|store)<u16>\(/g) ?? []).length >= 8, 'the scan sees the accesses');
    assert.deepEqual(atomicProblems(text), []);
    const letters = (of: string) => [...new Set(methodsOf(of).flatMap((m) => pairingsOf(m, []).map((p) => p.letter)))];
    assert.deepEqual(letters(text).sort(), letters(sources[end]!).sort());
  });

test('pairing: both ends use the letters that ordering.ts explains', () => {
  const explained = [...sources['ordering/ordering.ts']!.matchAll(/^ \* {5}([A-Z]) {2}(?:release|full)/gm)].map(
    (m) => m[1],
  );
  const used = (text: string) => methodsOf(text).flatMap((method) => pairingsOf(method, []).map((p) => p.letter));
  const [guest, host] = ENDS.map((end) => [...new Set(used(sources[end]!))].sort());
  assert.deepEqual(guest, ['A', 'B', 'C', 'D']);
  assert.deepEqual(host, guest);
  const all = new Set(Object.values(plainSources).flatMap(used));
  assert.deepEqual([...all].sort(), explained);
});

test('pairing: the exceptions are still there', () => {
  const text = ENDS.map((end) => sources[end]!).join('\n');
  for (const name of [...Object.keys(ALONE), ...FENCED_BY_CALLERS]) {
    const method = methodsOf(text).find((m) => m.name === name);
    assert.ok(
      method?.lines.some((line) => /(avail|used)Fields\.store16\(/.test(line)),
      name,
    );
  }
});

/** A class of one method, as the formatter would write it. */
const source = (name: string, method: string, ...body: string[]) =>
  [`export class ${name} {`, `  ${method}(): void {`, ...body.map((line) => `    ${line}`), '  }', '}'].join('\n');
const RELEASE = '// A release: first this. Pairs with A acquire, Host.take.';
const ACQUIRE = '// A acquire: then that. Pairs with A release, Guest.put.';

const planted: [string, string, string, RegExp | null][] = [
  ['both sides', RELEASE, ACQUIRE, null],
  ['a missing partner', RELEASE, '', /Guest\.put: Host\.take has no A acquire/],
  ['a method that does not exist', RELEASE.replace('take', 'gone'), ACQUIRE, /there is no Host\.gone/],
  ['a class that does not exist', RELEASE.replace('Host', 'Hots'), ACQUIRE, /there is no Hots\.take/],
  ['another letter on the other side', RELEASE, ACQUIRE.replaceAll('A ', 'B '), /Host\.take has no A acquire/],
  ['two letters in one comment', RELEASE.replace('with A', 'with B'), ACQUIRE, /A pairs with B/],
  ['release with release', RELEASE.replace('acquire', 'release'), ACQUIRE, /A release cannot pair with release/],
  ['a comment without a partner', '// A release: first this.', ACQUIRE, /not a pairing comment/],
  ['a method that names itself', RELEASE.replace('Host.take', 'Guest.put'), ACQUIRE, /pairs with itself/],
  ['a second partner that is missing', RELEASE.replace('take.', 'take, .gone.'), ACQUIRE, /there is no Host\.gone/],
];
for (const [what, ours, theirs, problem] of planted)
  test(`pairing: the check ${problem === null ? 'lets pass' : 'finds'} ${what}`, () => {
    const found = pairingProblems({
      'a.ts': source('Guest', 'put', ours, ''),
      'b.ts': source('Host', 'take', theirs, ''),
    });
    if (problem === null) assert.deepEqual(found, []);
    else assert.match(found.join('\n'), problem);
  });

const accesses: [string, string[], RegExp | null][] = [
  ['a load below its comment', [RELEASE, 'this.usedFields.load16(this.ring.usedIdx);'], null],
  [
    'a wish above its comment',
    ['this.availFields.store16(this.ring.usedEvent, 1);', RELEASE, 'this.availFields.fence();'],
    null,
  ],
  ['a load without', ['this.usedFields.load16(this.ring.usedIdx);'], /no pairing comment above/],
  ['a load above its comment', ['this.usedFields.load16(this.ring.usedIdx);', RELEASE, ''], /no pairing comment above/],
  [
    'an index above its comment',
    ['this.availFields.store16(this.ring.availIdx, 1);', RELEASE, ''],
    /no pairing comment above/,
  ],
  ['a fence without', ['this.availFields.fence();'], /no pairing comment above/],
  ['a wish without', ['this.availFields.store16(this.ring.usedEvent, 1);'], /no pairing comment in/],
  [
    'a comment too far off',
    [RELEASE, ...Array(REACH).fill('step();'), 'this.availFields.fence();'],
    /no pairing comment above/,
  ],
];
for (const [what, body, problem] of accesses)
  test(`pairing: the check ${problem === null ? 'lets pass' : 'finds'} ${what}`, () => {
    const found = accessProblems(source('Guest', 'put', ...body));
    if (problem === null) assert.deepEqual(found, []);
    else assert.match(found.join('\n'), problem);
  });

const atomics: [string, string[], RegExp | null][] = [
  ['a load below its comment', [ACQUIRE, 'return atomic.load<u16>(availIdxAt);'], null],
  ['a wish with a comment below', ['atomic.store<u16>(usedEventAt, 1);', RELEASE, 'step();'], null],
  ['a load without', ['return atomic.load<u16>(availIdxAt);'], /no pairing comment above/],
  ['an index without', ['atomic.store<u16>(availIdxAt, 1);'], /no pairing comment above/],
  ['an index above its comment', ['atomic.store<u16>(usedIdxAt, 1);', RELEASE, ''], /no pairing comment above/],
  ['a wish without', ['atomic.store<u16>(usedEventAt, 1);'], /no pairing comment above/],
];
for (const [what, body, problem] of atomics)
  test(`pairing: of the Wasm engine the check ${problem === null ? 'lets pass' : 'finds'} ${what}`, () => {
    const text = ['export function put(): void {', ...body.map((line) => `  ${line}`), '}'].join('\n');
    const found = atomicProblems(asMethods(text, 'Guest'));
    if (problem === null) assert.deepEqual(found, []);
    else assert.match(found.join('\n'), problem);
  });
