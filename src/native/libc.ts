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

/** What is used of koffi. Stated here, so that this compiles where the package is missing. */
interface Koffi {
  load(path: null): { func(prototype: string): unknown };
  errno(): number;
}

export interface Libc {
  /** The function that a C prototype declares. It blocks its thread as long as it runs. */
  bind(prototype: string): unknown;
  /** Of the call just made on this thread. */
  errno(): number;
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
  return { bind: (prototype) => program.func(prototype), errno: () => koffi.errno() };
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
