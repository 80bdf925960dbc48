/** `ERRORS.md` has every error and none that does not exist, in the words of the program. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BlockError } from '../src/drivers/block.ts';
import { LAUNCHER_ERRORS } from '../src/launcher/errors.ts';
import { RING_ERRORS } from '../src/ring/errors.ts';
import { PROTOCOL_ERRORS } from '../src/vhost-user/messages/errors.ts';
import { main } from './cli.ts';
import { EXIT_CODES, EXIT_USAGE } from './command-line/command.ts';

/** Where the sources are, whose compiled test this is. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Entry {
  name: string;
  meaning: string;
  remedy: string;
}

/** The rows of each section's table, by its heading. */
function readList(text: string): Map<string, Entry[]> {
  const sections = new Map<string, Entry[]>();
  for (const section of text.split('\n## ').slice(1)) {
    const [heading, ...lines] = section.split('\n');
    const rows = lines.filter((line) => line.startsWith('|')).slice(2);
    sections.set(
      heading!,
      rows.map((row) => {
        const [, name, meaning, remedy] = /^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$/.exec(row) ?? [];
        assert.ok(name !== undefined, `${heading}: no row: ${row}`);
        return { name, meaning: meaning!, remedy: remedy! };
      }),
    );
  }
  return sections;
}

const sections = readList(readFileSync(join(ROOT, 'bench', 'ERRORS.md'), 'utf8'));

function entriesOf(section: string): Entry[] {
  const entries = sections.get(section);
  assert.ok(entries !== undefined, `no section ${section}`);
  return entries;
}
const namesOf = (section: string) => entriesOf(section).map(({ name }) => name);

/** What anybody can be thrown: the exported errors of the sources, tests and their helpers left out. */
function exportedErrors(): string[] {
  const found: string[] = [];
  for (const top of ['src', 'bench'])
    for (const entry of readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/^(?!test-).*(?<!\.test)\.ts$/.test(entry.name)) continue;
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      for (const [, name] of text.matchAll(/^export (?:class|interface) (\w+) extends (?:\w*Error)\b/gm))
        found.push(name!);
    }
  return found;
}

/** Why two lists of names are not the same, whatever their order. */
const sorted = (names: Iterable<string>) => [...names].sort();

const BLOCK_CODES = new Set(Array.from({ length: 256 }, (_, status) => new BlockError(status, 'a read').code));
const exitCodes = new Set([...Object.values(EXIT_CODES), EXIT_USAGE].map(String));

const complete: [section: string, names: Iterable<string>][] = [
  ['Exit codes', exitCodes],
  ['Outcomes', Object.keys(EXIT_CODES)],
  ['Classes', exportedErrors()],
  ['RingError', Object.keys(RING_ERRORS)],
  ['ProtocolError', Object.keys(PROTOCOL_ERRORS)],
  ['LauncherError', Object.keys(LAUNCHER_ERRORS)],
  ['BlockError', BLOCK_CODES],
];
for (const [section, names] of complete)
  test(`errors: ${section}: all that exist, and no other`, () =>
    assert.deepEqual(sorted(namesOf(section)), sorted(names)));

for (const [section, table] of [
  ['RingError', RING_ERRORS],
  ['ProtocolError', PROTOCOL_ERRORS],
  ['LauncherError', LAUNCHER_ERRORS],
] as const)
  test(`errors: ${section}: the program's own words`, () =>
    assert.deepEqual(Object.fromEntries(entriesOf(section).map(({ name, meaning }) => [name, meaning])), table));

test('errors: the scan finds classes and interfaces of both halves', () => {
  const found = new Set(exportedErrors());
  for (const name of ['RingError', 'SystemError', 'UsageError', 'CombinationError', 'Incomparable'])
    assert.ok(found.has(name), name);
});

test('errors: every row says what to do', () => {
  for (const [section, entries] of sections)
    for (const { name, remedy } of entries) assert.ok(remedy.trim() !== '', `${section}: ${name}`);
});

for (const { name, meaning } of sections.get('UsageError') ?? [])
  test(`errors: vringbench ${name}: a mistake, as the list says`, async () => {
    const lines: string[] = [];
    const console = { out: () => {}, err: (line: string) => void lines.push(line) };
    assert.equal(await main(name.split(' '), console), EXIT_USAGE);
    assert.equal(lines.length, 1);
    assert.ok(lines[0]!.startsWith(`vringbench: ${meaning}`), lines[0]);
  });

test('errors: why a line of a results file is none, in words of its reader', () => {
  const source = readFileSync(join(ROOT, 'bench', 'records', 'load.ts'), 'utf8');
  const reasons = entriesOf('Lines of results files');
  assert.equal(reasons.length, 7);
  for (const { name } of reasons) assert.ok(source.includes(name), name);
});
