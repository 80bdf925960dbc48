/** Programs for tests that stand in for a kernel tree's, for what builds them, and for ours: small scripts. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { recordOf } from '../../bench/records/test-record.ts';

export function writeScript(path: string, text: string, shell = '#!/bin/sh\n'): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${shell}${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What vringh_test prints, after `seconds`. */
export const vringhScript = (seconds: number, firstCpu: number): string =>
  `sleep ${seconds}
echo 'Using CPUS ${firstCpu} and ${firstCpu + 1}'
echo 'Guest: notified 10, pinged 20'
echo 'Host: notified 30, pinged 40'`;

/** The same of vringh_test's text, with the places in a comment that are changed in its copy. */
export const changeable = (script: string): string => `${script}\n# complete: NUM_XFERS (10000000)`;

/**
 * Ours: prints a record of what it was asked for, of so many transfers a second, and appends its arguments to a log.
 * The speed and the way between CPUs may differ from run to run: expressions over `run`, from 0.
 */
export function ourProgram(folder: string, perSecond: string, crossCpuNs = '[null, null]'): string {
  const text = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
const log = ${JSON.stringify(join(folder, 'log'))};
const run = existsSync(log) ? readFileSync(log, 'utf8').split('\\n').filter((line) => line.startsWith('ours')).length : 0;
const args = process.argv.slice(2);
appendFileSync(log, 'ours ' + args.join(' ') + '\\n');
const record = ${JSON.stringify(recordOf())};
Object.assign(record.repetitions[0], { transfersPerSecond: ${perSecond}, crossCpuNs: ${crossCpuNs} });
console.log(JSON.stringify(record));`;
  return writeScript(join(folder, 'ours.mjs'), text, '');
}

/** A kernel tree with the least that is looked at. The programs are scripts already: see `fakeTools`. */
export function kernelTree(folder: string, vringhTest: string, ringtest = ':'): string {
  const virtio = join(folder, 'tools', 'virtio');
  writeScript(join(folder, 'Makefile'), 'VERSION = 6\nPATCHLEVEL = 9\nSUBLEVEL = 1\nEXTRAVERSION = -rc2', '');
  writeScript(join(virtio, 'vringh_test.c'), vringhTest);
  const header = '#define VMEXIT_CYCLES 600\n#define VMENTRY_CYCLES 400';
  writeScript(join(virtio, 'ringtest', 'main.h'), header, '');
  writeScript(join(virtio, 'ringtest', 'virtio_ring_0_9.c'), ringtest);
  mkdirSync(join(folder, 'include'), { recursive: true });
  mkdirSync(join(folder, 'tools', 'include'), { recursive: true });
  return folder;
}

/** A folder for PATH: a compiler that has a name, and a make that copies sources, which are scripts, to their programs. */
export function fakeTools(folder: string): string {
  const bin = join(folder, 'bin');
  writeScript(join(bin, 'cc'), 'echo "cc 1.2.3"');
  writeScript(
    join(bin, 'make'),
    `echo make >> ${join(folder, 'made')}
cd "$2"
test -d ringtest/.fail && { echo 'x.c:1: error: no such thing' >&2; exit 2; }
for source in *.c ringtest/*.c; do cp "$source" "\${source%.c}"; chmod +x "\${source%.c}"; done`,
  );
  return bin;
}
