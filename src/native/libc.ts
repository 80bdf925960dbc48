/**
 * The way to libc, over the optional package koffi. Nothing is loaded before the first call, so that a program which
 * makes none neither needs the package nor pays for it. This folder alone calls libc; it knows nothing of rings.
 *
 * What every caller must know: the bytes of a buffer that is passed must stay where they are as long as libc holds
 * their address, so buffers live in module scope; and `errno` is only true right after the call that failed.
 */
import { createRequire } from 'node:module';

/** libc cannot be called here; `need` says what is missing, and how to get it, in one line. */
export class NativeUnavailable extends Error {
  /** A predicate: `needs …`. */
  readonly need: string;

  constructor(need: string, options?: ErrorOptions) {
    super(`calling libc ${need}`, options);
    this.name = 'NativeUnavailable';
    this.need = need;
  }
}

/** A descriptor in the engine's event loop. The loop is kept alive, and polls, until it is closed. */
export interface PollHandle {
  close(): void;
}

/** What is used of koffi. Stated here, so that this compiles where the package is missing. */
interface Koffi {
  load(path: null): { func(prototype: string): unknown };
  errno(): number;
  address(buffer: ArrayBuffer | Uint8Array): bigint;
  view(address: number, sizeBytes: number): ArrayBuffer;
  readonly node: { poll(descriptor: number, onReady: (status: number) => void): PollHandle };
}

export interface Libc {
  /** The function that a C prototype declares. It blocks its thread as long as it runs. */
  bind(prototype: string): unknown;
  /** Of the call just made on this thread. */
  errno(): number;
  /**
   * Where the bytes of a buffer are: true as long as the buffer is alive. User addresses have 47 bits: exact. Shared
   * memory can only be named by a view of it.
   */
  addressOf(buffer: ArrayBuffer | Uint8Array): number;
  /** Memory that was mapped, up to 4 GiB of it: more aborts the process. Reading it once it is unmapped does, too. */
  view(address: number, sizeBytes: number): ArrayBuffer;
  /**
   * Calls `onReady` in the event loop while `descriptor` can be read; `status` is below 0 if that failed. Aborts the
   * process for a descriptor that is bad, a file or polled already, and is of no use after `onReady` has thrown:
   * `watcher.ts` alone calls it.
   */
  poll(descriptor: number, onReady: (status: number) => void): PollHandle;
}

export interface Platform {
  readonly platform: string;
  readonly arch: string;
  /** Loads a package by its name, as `require` does. */
  load(name: string): unknown;
}

const HERE: Platform = { platform: process.platform, arch: process.arch, load: createRequire(import.meta.url) };

function loadKoffi(load: Platform['load']): Koffi {
  try {
    return load('koffi') as Koffi;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const need =
      code === 'MODULE_NOT_FOUND' && message.includes("'koffi'")
        ? 'needs the optional package koffi (npm install koffi)'
        : `needs the optional package koffi, which does not load here: ${message.split('\n')[0]}`;
    throw new NativeUnavailable(need, { cause });
  }
}

/** @throws NativeUnavailable */
export function openLibc({ platform, arch, load }: Platform = HERE): Libc {
  // Structures are laid out as 64-bit Linux has them.
  if (platform !== 'linux' || !arch.endsWith('64')) throw new NativeUnavailable('needs 64-bit Linux');
  const koffi = loadKoffi(load);
  // Node itself is linked with libc, whichever it is: the program's own symbols have it.
  const program = koffi.load(null);
  return {
    bind: (prototype) => program.func(prototype),
    errno: () => koffi.errno(),
    addressOf: (buffer) => Number(koffi.address(buffer)),
    view: (address, sizeBytes) => koffi.view(address, sizeBytes),
    poll: (descriptor, onReady) => koffi.node.poll(descriptor, onReady),
  };
}

let opened: Libc | NativeUnavailable | undefined;

/** This thread's libc, opened at first use. @throws NativeUnavailable */
export function libc(): Libc {
  if (opened === undefined) {
    try {
      opened = openLibc();
    } catch (error) {
      if (!(error instanceof NativeUnavailable)) throw error;
      opened = error;
    }
  }
  if (opened instanceof NativeUnavailable) throw opened;
  return opened;
}

/** Why libc cannot be called here (`needs …`), or null if it can. */
export function whyUnavailable(): string | null {
  try {
    libc();
    return null;
  } catch (error) {
    if (error instanceof NativeUnavailable) return error.need;
    throw error;
  }
}

/** Functions of libc by their C prototypes, bound together when the first of them is asked for. */
export function lazyCalls<Calls>(prototypes: Record<keyof Calls, string>): () => Calls {
  let calls: Calls | undefined;
  return () => {
    calls ??= bindAll<Calls>(prototypes);
    return calls;
  };
}

function bindAll<Calls>(prototypes: Record<keyof Calls, string>): Calls {
  const { bind } = libc();
  const bound = Object.entries<string>(prototypes).map(([name, prototype]) => [name, bind(prototype)]);
  return Object.fromEntries(bound) as Calls;
}
