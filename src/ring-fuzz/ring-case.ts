/**
 * A case of the ring fuzzer as plain data, so that a failing one can be pasted into the table of regressions: how the
 * ring is set up, then steps, each an act of the hostile peer or a call of the end under test. A call may carry acts
 * of the peer that happen during it, just before one of its accesses.
 */
import type { FaceName } from '../ring-oracle/host-oracle.ts';

/** How far the range callback reaches: a region, 40 bytes, one byte; or there is none. */
export type RangeName = 'none' | 'whole' | 'cut' | 'slow';

export interface Setup {
  readonly size: number;
  readonly startIndex: number;
  readonly indirect: boolean;
  readonly eventIdx: boolean;
  /** The three parts lie in three regions; else in one. */
  readonly apart: boolean;
}

/** A descriptor; its address in hexadecimal, for it may have 64 bits. */
export interface CaseDescriptor {
  readonly address: string;
  readonly length: number;
  readonly flags: number;
  readonly next: number;
}

/** What a guest does to the ring. */
export type GuestAct =
  | ({ readonly act: 'descriptor'; readonly index: number } & CaseDescriptor)
  /** Any bytes of guest memory; a table, most often. */
  | { readonly act: 'table'; readonly offset: number; readonly entries: readonly CaseDescriptor[] }
  | { readonly act: 'head'; readonly head: number }
  | { readonly act: 'show' }
  | { readonly act: 'index'; readonly by: number }
  | { readonly act: 'flags'; readonly value: number }
  | { readonly act: 'event'; readonly value: number }
  | { readonly act: 'scribble'; readonly at: number; readonly words: readonly number[] };

/** From now on the range callback refuses a region, by its number; null: none. Between two calls alone. */
export interface MemoryAct {
  readonly act: 'withdraw';
  readonly region: number | null;
}

/** What a host does to it. */
export type DeviceAct =
  /** Gives back the `pick`th of what it has taken. */
  | { readonly act: 'finish'; readonly pick: number; readonly length: number }
  | { readonly act: 'used'; readonly id: number; readonly length: number }
  | Extract<GuestAct, { act: 'show' | 'index' | 'flags' | 'event' | 'scribble' }>;

/** Just before access number `at`, from 0, of the call. */
export interface During<Act> {
  readonly at: number;
  readonly act: Act;
}

type Calls<Call, Act> = Call & { readonly during?: readonly During<Act>[] };

/** A call of the host half; requests are picked by number out of those that are open then. */
export type HostCall = Calls<
  | { readonly call: 'next' | 'takeHead' | 'publish' | 'needsCall' | 'enableKicks' | 'disableKicks' }
  | { readonly call: 'look' | 'hasAvailable' | 'isEmpty' | 'state' }
  | { readonly call: 'getdesc'; readonly readable: boolean; readonly writable: boolean }
  /** Reads what was sent, and answers so many bytes. */
  | { readonly call: 'serve'; readonly pick: number; readonly bytes: number }
  | { readonly call: 'complete' | 'completeDeferred'; readonly pick: number; readonly length: number }
  | { readonly call: 'fill'; readonly pick: number; readonly length: number; readonly offset: number }
  | { readonly call: 'flush'; readonly count: number }
  | { readonly call: 'completeMulti'; readonly count: number; readonly length: number }
  | { readonly call: 'rewind'; readonly count: number }
  | { readonly call: 'getAvailBytes'; readonly inMax: number; readonly outMax: number },
  GuestAct
>;

export interface CaseElement {
  /** Which region, and where in it. */
  readonly region: number;
  readonly offset: number;
  readonly length: number;
}

export type GuestCall = Calls<
  | { readonly call: 'publish' | 'kick' | 'kickPrepare' | 'notify' | 'look' | 'getBuf' | 'callDue' }
  | { readonly call: 'enableCallsPrepare' | 'poll' }
  | { readonly call: 'disableCalls' | 'enableCalls' | 'enableCallsDelayed' | 'detachUnused' }
  | { readonly call: 'add' | 'addDeferred'; readonly out: readonly CaseElement[]; readonly in: readonly CaseElement[] },
  DeviceAct
>;

export interface HostCase extends Setup {
  readonly half: 'host';
  readonly face: FaceName;
  readonly range: RangeName;
  /** The ring is taken over from a predecessor. */
  readonly takenOver: boolean;
  readonly steps: readonly (GuestAct | MemoryAct | HostCall)[];
}

export interface GuestCase extends Setup {
  readonly half: 'guest';
  /** Indirect tables: how many, and their entries. */
  readonly tables: number;
  readonly tableLength: number;
  readonly steps: readonly (DeviceAct | GuestCall)[];
}

export type RingCase = HostCase | GuestCase;
export type Step = RingCase['steps'][number];

export const isCall = (step: Step): step is HostCall | GuestCall => 'call' in step;
