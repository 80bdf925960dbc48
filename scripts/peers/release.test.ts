/** The release is unpacked by an apt of its own; scripts stand in for apt and dpkg. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { writeScript } from '../kernel-peers/test-programs.ts';
import { Missing } from './failure.ts';
import { ORIGINS, versionIn, versionOf } from './origin.ts';
import { archiveIn, RELEASE, releaseCommand, unpackRelease } from './release.ts';

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
const { PATH, XDG_CACHE_HOME } = process.env;
after(() => {
  Object.assign(process.env, { PATH });
  if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
  rmSync(folder, { recursive: true });
});

const [bin, log, cache] = [join(folder, 'bin'), join(folder, 'log'), join(folder, 'cache')];
const peers = join(cache, 'vringbench', 'peers');
const skip = process.arch !== 'x64' && 'guests are booted on x86-64 only';

beforeEach(() => {
  for (const path of [bin, log, cache]) rmSync(path, { recursive: true, force: true });
  Object.assign(process.env, { PATH: `${bin}:${PATH}`, XDG_CACHE_HOME: cache });
  // Every package is one file; what is in it is dpkg-deb's business.
  writeScript(
    join(bin, 'apt-get'),
    `echo "$*" >>${log}
case "$*" in
  *indextargets*) printf 'Other|Other|http://other/\\nDebian|Debian|http://archive/debian/\\n' ;;
  *--download-only*)
    archives=$(echo "$*" | sed -n 's/.*Dir::Cache::archives=\\([^ ]*\\).*/\\1/p')
    cp "$(echo "$*" | sed -n 's/.*Dir::Etc::sourcelist=\\([^ ]*\\).*/\\1/p')" ${folder}/sources
    touch "$archives/one.deb" "$archives/two.deb" ;;
esac`,
  );
  writeScript(
    join(bin, 'dpkg-deb'),
    `mkdir -p "$3/usr/bin"
case "$2" in
  *one.deb) touch "$3/usr/bin/qemu-system-x86_64" ;;
  *two.deb) touch "$3/usr/bin/qemu-storage-daemon" ;;
esac`,
  );
});

const calls = () => readFileSync(log, 'utf8').trim().split('\n');

test('a release is unpacked by an apt that sees none of the system, and only once', { skip }, async () => {
  assert.throws(() => releaseCommand('qemu-system-x86_64'), /install debian13/);
  const lines: string[] = [];
  await unpackRelease((line) => lines.push(line));
  assert.deepEqual(readdirSync(peers), [RELEASE]);
  assert.match(readFileSync(join(folder, 'sources'), 'utf8'), /^deb \[.*\] http:\/\/archive\/debian\/ trixie main\n$/);
  const changing = calls().filter((call) => !call.startsWith('indextargets'));
  assert.equal(changing.length, 2);
  for (const call of changing)
    for (const setting of ['Etc::sourcelist', 'State', 'State::status', 'Cache', 'Cache::archives'])
      assert.match(call, new RegExp(`-o Dir::${setting}=${peers}/\\.unpacking-`), call);
  assert.match(changing[1]!, /install .*--no-install-recommends --download-only qemu-system-x86 qemu-utils$/);

  const root = join(peers, RELEASE);
  const { path, args } = releaseCommand('qemu-system-x86_64')!;
  assert.equal(path, join(root, 'usr/lib64/ld-linux-x86-64.so.2'));
  assert.deepEqual(args.slice(0, 3), [
    '--library-path',
    join(root, 'usr/lib/x86_64-linux-gnu'),
    join(root, 'usr/bin/qemu-system-x86_64'),
  ]);
  const count = calls().length;
  await unpackRelease((line) => lines.push(line));
  assert.equal(calls().length, count);
  assert.match(lines.at(-1)!, /^already here: qemu-system-x86 qemu-utils of debian13/);
});

const failures = [
  [
    'apt-get',
    '[ "$1" = indextargets ] && echo "Debian|Debian|http://archive/"; echo "no such suite" >&2; exit 100',
    /no such suite/,
  ],
  ['apt-get', 'echo "Other|Other|http://other/"', /apt knows no archive of Debian's/],
  ['dpkg-deb', 'mkdir -p "$3"; echo "out of space" >&2; exit 2', /out of space/],
  ['dpkg-deb', 'mkdir -p "$3/usr/bin"', /is unpacked, but qemu-system-x86_64 is not there/],
] as const;
for (const [program, text, message] of failures)
  test(`a release that cannot be had: ${message.source}`, { skip }, async () => {
    writeScript(join(bin, program), text);
    await assert.rejects(
      unpackRelease(() => {}),
      (error) => error instanceof Missing && message.test(error.message),
    );
    assert.deepEqual(
      readdirSync(peers, { recursive: true }).filter((name) => String(name).includes('unpacking')),
      [],
    );
    assert.equal(existsSync(join(peers, RELEASE, 'usr/bin/qemu-system-x86_64')), false);
  });

const targets = [
  ['', null],
  ['Debian|Debian-Security|http://a/\nDebian Backports|Debian|http://b/\n', null],
  ['Other|Debian|http://a/\nDebian|Debian|http://b/debian/\nDebian|Debian|http://c/\n', 'http://b/debian/'],
  // Its lists were never fetched: apt leaves the fields as they are.
  ['$(ORIGIN)|$(LABEL)|http://a/\n', null],
] as const;
for (const [text, expected] of targets)
  test(`Debian's own archive in '${text.replaceAll('\n', ' ')}'`, () => assert.equal(archiveIn(text), expected));

const versions = [
  ['QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright', '7.2.22'],
  ['qemu-storage-daemon version 10.0.13 (Debian 1:10.0.13)', '10.0.13'],
  ['conversion 3', null],
  ['', null],
] as const;
for (const [text, expected] of versions)
  test(`a version in '${text.split('\n')[0]}'`, () => assert.equal(versionIn(text), expected));

test('a program that is not there tells no version', () =>
  assert.equal(versionOf('qemu-system-x86_64', { path: '/nowhere/qemu', args: [] }), null));

test("what the release does not have is the system's", () =>
  assert.deepEqual(ORIGINS[RELEASE]('sh'), ORIGINS.system('sh')));
