/**
 * A guest that proves a disk: writes a pattern over all of it with many requests in flight, flushes, reads it back and
 * compares every byte. It dies of the first difference.
 *
 *     disk-check [--depth N] [--block BYTES] [--passes N] [--seed N] [--disk N] [--size BYTES] [--flush BYTES]
 *                [--barrier BYTES] [write | verify]
 *
 * Each pass has a pattern of its own. `write` only writes and flushes; `verify` only reads what a `write` of the same
 * seed and number of passes has left. `--size` looks at the start of the disk alone; `--flush` flushes whenever so much
 * is written, and says up to where: what it has said is on the disk for good. With
 * `--barrier` each write at a multiple of it is a barrier.
 */
import { driveBlock } from '../../drivers/bus-drivers.ts';
import { SECTOR_SIZE } from '../../formats/block.ts';
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
  /** 0: all of it. */
  size: { initial: 0, min: 0, max: Number.MAX_SAFE_INTEGER },
  /** 0: at the end alone. */
  flush: { initial: 0, min: 0, max: Number.MAX_SAFE_INTEGER },
  /** 0: no write is one. */
  barrier: { initial: 0, min: 0, max: Number.MAX_SAFE_INTEGER },
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
    for (const name of ['block', 'size', 'flush', 'barrier'] as const)
      if (values[name] % SECTOR_SIZE !== 0)
        throw new OptionError(`--${name} is a multiple of ${SECTOR_SIZE}, not ${values[name]}`);
    const device = bus.devicesOf(VIRTIO_ID_BLOCK)[values.disk];
    if (device === undefined) throw new OptionError(`there is no disk ${values.disk}`);
    const driver = driveBlock(device, ram, { depth: values.depth, slotBytes: values.block });
    const { capacitySectors, readOnly, canBarrier, sizeBytes } = driver.disk;
    if (values.size > sizeBytes) throw new OptionError(`--size is ${sizeBytes} at most, not ${values.size}`);
    terminal.printLine(
      `Disk ${values.disk}: ${capacitySectors} sectors, ${values.depth} requests of ${values.block} bytes`,
    );
    if (values.barrier > 0 && !canBarrier) throw new DiskError('the disk knows no barriers');
    if (readOnly && mode.writes) throw new DiskError('the disk is read-only');
    if (capacitySectors === 0) throw new DiskError('the disk is empty');
    const check = new Check(new DiskWalker(guest, driver), terminal, {
      sizeBytes: values.size || sizeBytes,
      flushBytes: values.flush || sizeBytes,
      blockBytes: values.block,
      barrierBytes: values.barrier,
    });
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

interface CheckOptions {
  readonly sizeBytes: number;
  readonly flushBytes: number;
  readonly blockBytes: number;
  readonly barrierBytes: number;
}

class Check {
  private readonly walker: DiskWalker;
  private readonly terminal: Terminal;
  private readonly options: CheckOptions;

  constructor(walker: DiskWalker, terminal: Terminal, options: CheckOptions) {
    this.walker = walker;
    this.terminal = terminal;
    this.options = options;
  }

  write(pass: number, seed: number): void {
    const { walker, terminal } = this;
    const { sizeBytes, flushBytes } = this.options;
    let writeMs = 0;
    let flushMs = 0;
    for (let start = 0; start < sizeBytes; start += flushBytes) {
      const end = Math.min(start + flushBytes, sizeBytes);
      const begun = performance.now();
      this.walk(`Pass ${pass}: writing`, true, seed, start, end);
      const written = performance.now();
      walker.flush();
      writeMs += written - begun;
      flushMs += performance.now() - written;
      if (flushBytes < sizeBytes) terminal.printLine(`Pass ${pass}: flushed up to ${end}`);
    }
    this.say(`Pass ${pass}: wrote`, writeMs, `, flushed in ${Math.round(flushMs)} ms`);
  }

  verify(pass: number, seed: number): void {
    const start = performance.now();
    this.walk(`Pass ${pass}: reading`, false, seed, 0, this.options.sizeBytes);
    this.say(`Pass ${pass}: verified`, performance.now() - start, '');
  }

  private walk(what: string, writes: boolean, seed: number, start: number, end: number): void {
    const { terminal } = this;
    const { sizeBytes, blockBytes, barrierBytes } = this.options;
    const everyBytes = Math.ceil(sizeBytes / STEPS);
    const onProgress = (done: number) =>
      terminal.printLine(`${what}, ${Math.floor((100 * (start + done)) / sizeBytes)} %`);
    this.walker.walk({ writes, seed, start, end, blockBytes, barrierBytes, everyBytes, onProgress });
  }

  private say(what: string, ms: number, more: string): void {
    const { sizeBytes } = this.options;
    const rate = Math.round(sizeBytes / MEGABYTE / (ms / 1000));
    this.terminal.printLine(`${what} ${sizeBytes} bytes, ${rate} MB/s${more}`);
  }
}
