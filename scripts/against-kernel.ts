/**
 * The kernel's own vringh_test beside ours: builds it from a kernel source tree and runs both in turn on the same
 * machine, so that only ratios taken in one go are compared.
 *
 *     npm run against-kernel -- TREE [ROUNDS]
 */
import { join } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { $, ProcessOutput } from 'zx/core';
import { recordSchema } from '../bench/records/record.ts';
import { median } from '../bench/statistics/sample.ts';

const PROGRAM = fileURLToPath(new URL('../bench/main.js', import.meta.url));
const TRANSFERS = 10_000_000;
const ROUNDS = 5;
const ERROR_LINES = 5;

const CONFIGURATIONS = [
  [],
  ['--eventidx'],
  ['--indirect'],
  ['--indirect', '--eventidx'],
  ['--eventidx', '--virtio-1'],
  ['--eventidx', '--fast-vringh'],
];

/** What the tree's own Makefile sets, and `data_race`, which its test headers lack. */
const CFLAGS =
  '-g -O2 -I. -I../include/ -I ../../usr/include/ -Wno-pointer-sign -fno-strict-overflow -fno-strict-aliasing ' +
  "-fno-common -MMD -U_FORTIFY_SOURCE -include ../../include/linux/kconfig.h -pthread '-Ddata_race(x)=x' -w";

/** Returns the path of the built program. */
async function build(tree: string): Promise<string> {
  const folder = join(tree, 'tools', 'virtio');
  await $`make -C ${folder} vringh_test CFLAGS=${CFLAGS}`.quiet();
  return join(folder, 'vringh_test');
}

async function kernelSpeed(program: string, flags: string[]): Promise<number> {
  const start = process.hrtime.bigint();
  await $`${program} ${flags} --parallel`.quiet();
  return (TRANSFERS * 1e9) / Number(process.hrtime.bigint() - start);
}

async function ourSpeed(flags: string[]): Promise<number> {
  const { stdout: line } = await $`node ${PROGRAM} ${flags} --parallel --cpus same --json --out none`.quiet();
  return recordSchema.parse(JSON.parse(line)).repetitions[0]!.transfersPerSecond;
}

const figure = (values: number[]) =>
  `${(median(values) / 1e6).toFixed(2)} (${(Math.min(...values) / 1e6).toFixed(2)} – ${(Math.max(...values) / 1e6).toFixed(2)})`;

async function compare(tree: string, rounds: number): Promise<void> {
  const program = await build(tree);
  stdout.write(`| flags | kernel's, M/s | ours, M/s | ratio, median of ${rounds} |\n| --- | --- | --- | --- |\n`);
  for (const flags of CONFIGURATIONS) {
    const kernel: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < rounds; round++) {
      kernel.push(await kernelSpeed(program, flags));
      ours.push(await ourSpeed(flags));
    }
    const ratio = median(ours.map((speed, round) => speed / kernel[round]!));
    stdout.write(`| ${flags.join(' ') || '(none)'} | ${figure(kernel)} | ${figure(ours)} | ${ratio.toFixed(2)} |\n`);
  }
}

const [tree, rounds = String(ROUNDS)] = argv.slice(2);
if (tree === undefined || !/^[1-9]\d*$/.test(rounds)) {
  stderr.write(
    'usage: npm run against-kernel -- TREE [ROUNDS]   TREE: a kernel source tree, with a C compiler and make\n',
  );
  exit(2);
}
try {
  await compare(tree, Number(rounds));
} catch (error) {
  const said = error instanceof ProcessOutput ? error.stderr : error instanceof Error ? error.message : String(error);
  stderr.write(`against-kernel: ${said.trim().split('\n').slice(0, ERROR_LINES).join('\n')}\n`);
  exit(1);
}
