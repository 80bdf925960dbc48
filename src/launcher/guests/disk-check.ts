/**
 * A guest that proves a disk: writes a pattern over all of it with many requests in flight, flushes, reads it back and
 * compares every byte. It dies of the first difference.
 *
 *     disk-check [--depth N] [--block BYTES] [--passes N] [--seed N] [--disk N] [write | verify]
 *
 * Each pass has a pattern of its own. `write` only writes and flushes; `verify` only reads what a `write` of the same
 * seed and number of passes has left.
 */
import type { BlockDriver } from '../../drivers/block.ts';
import { driveBlock } from '../../drivers/bus-drivers.ts';
import { VIRTIO_ID_BLOCK } from '../../formats/ids.ts';
import type { Guest } from '../guest.ts';
import { boot, fail } from './kit/boot.ts';
import { DiskError, DiskWalker } from './kit/disk-walk.ts';
import { OptionError, parseOptions } from './kit/options.ts';
import type { Terminal } from './kit/terminal.ts';

/** A request takes three descriptors of a ring of 128. */
const DEPTH_MAX = 42;
const BLOCK_BYTES_MAX = 2 ** 20;
const MEGABYTE = 1e6;
/** Progress is told so often a walk. */
const STEPS = 4;

const OPTIONS = {
  depth: { initial: 32, min: 1, max: DEPTH_MAX },
  block: { initial: 4096, min: 512, max: BLOCK_BYTES_MAX },
  passes: { initial: 1, min: 1, max: 1000 },
  seed: { initial: 1, min: 0, max: 0xffffffff },
  disk: { initial: 0, min: 0, max: 255 },
} as const;

const MODES: Readonly<Record<string, { writes: boolean; reads: boolean }>> = {
  both: { writes: true, reads: true },
  write: { writes: true, reads: false },
  verify: { writes: false, reads: true },
};

export default function diskCheck(guest: Guest): void {
  const { bus, ram, terminal, words } = boot(guest);
  try {
    const { values, rest } = parseOptions(words, OPTIONS);
    const mode = MODES[rest[0] ?? 'both'];
    if (mode === undefined || rest.length > 1) throw new OptionError(`write, verify or nothing, not ${rest.join(' ')}`);
    if (values.block % 512 !== 0) throw new OptionError(`--block is a multiple of 512, not ${values.block}`);
    const device = bus.devicesOf(VIRTIO_ID_BLOCK)[values.disk];
    if (device === undefined) throw new OptionError(`there is no disk ${values.disk}`);
    const driver = driveBlock(device, ram, { depth: values.depth, slotBytes: values.block });
    const { capacitySectors, readOnly } = driver.disk;
    terminal.printLine(
      `Disk ${values.disk}: ${capacitySectors} sectors, ${values.depth} requests of ${values.block} bytes`,
    );
    if (readOnly && mode.writes) throw new DiskError('the disk is read-only');
    if (capacitySectors === 0) throw new DiskError('the disk is empty');
    const check = new Check(guest, terminal, driver, values.block);
    for (let pass = 1; pass <= values.passes; pass++) {
      const seed = values.seed + pass;
      if (mode.writes) check.write(pass, seed);
      if (mode.reads && (mode.writes || pass === values.passes)) check.verify(pass, seed);
    }
  } catch (error) {
    fail(guest, terminal, 'disk-check', error);
  }
  terminal.printLine('disk-check passed');
  guest.halt();
}

class Check {
  private readonly terminal: Terminal;
  private readonly walker: DiskWalker;
  private readonly sizeBytes: number;
  private readonly blockBytes: number;

  constructor(guest: Guest, terminal: Terminal, driver: BlockDriver, blockBytes: number) {
    this.terminal = terminal;
    this.walker = new DiskWalker(guest, driver);
    this.sizeBytes = driver.disk.sizeBytes;
    this.blockBytes = blockBytes;
  }

  write(pass: number, seed: number): void {
    const start = performance.now();
    this.walk(`Pass ${pass}: writing`, true, seed);
    const written = performance.now();
    this.walker.flush();
    const flushMs = Math.round(performance.now() - written);
    this.say(`Pass ${pass}: wrote`, written - start, `, flushed in ${flushMs} ms`);
  }

  verify(pass: number, seed: number): void {
    const start = performance.now();
    this.walk(`Pass ${pass}: reading`, false, seed);
    this.say(`Pass ${pass}: verified`, performance.now() - start, '');
  }

  private walk(what: string, writes: boolean, seed: number): void {
    const { terminal, sizeBytes, blockBytes } = this;
    const everyBytes = Math.ceil(sizeBytes / STEPS);
    this.walker.walk({
      writes,
      seed,
      blockBytes,
      everyBytes,
      onProgress: (done) => terminal.printLine(`${what}, ${Math.floor((100 * done) / sizeBytes)} %`),
    });
  }

  private say(what: string, ms: number, more: string): void {
    const rate = Math.round(this.sizeBytes / MEGABYTE / (ms / 1000));
    this.terminal.printLine(`${what} ${this.sizeBytes} bytes, ${rate} MB/s${more}`);
  }
}
