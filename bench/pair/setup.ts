/**
 * What a pair of threads shares: the memory layout, the ring over it, and the cloneable description from which each
 * thread builds its own half.
 *
 *     ring (legacy layout)  |  payload slots, one more than the ring has  |  indirect tables, one a descriptor
 *
 * and behind the guest's memory what each side's Wasm engine keeps for itself, and the word that calibration bounces.
 */

import type { MessagePort } from 'node:worker_threads';
import type { DoorbellHandle } from '../../src/doorbell/doorbell.ts';
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { HANDLE_SIZE } from '../../src/doorbell/words.ts';
import { IndirectPool, type IndirectPoolOptions } from '../../src/guest/indirect-pool.ts';
import { PrivateArea } from '../../src/memory/private-area.ts';
import { allocateShared, MemoryRegion, type SharedMemory } from '../../src/memory/region.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { bindRing } from '../../src/ordering/ring-fields.ts';
import type { RingFeatures } from '../../src/ring/features.ts';
import { alignUp, apartLayout, legacyLayout, type SplitLayout, SplitRing } from '../../src/ring/split-layout.ts';
import type { QueueSetup } from '../../src/vhost-user/queues/queue-setup.ts';
import { HOSTS } from '../axes/hosts.ts';
import { LAYOUTS } from '../axes/layouts.ts';
import type { RingPlaceName } from '../axes/ring-places.ts';
import { WORKLOADS } from '../axes/workloads.ts';
import type { RunConfig } from '../config.ts';
import { clockBase } from '../latency/clock.ts';
import { makeWakeLines, type WakeLines } from '../latency/wake.ts';
import { guestAreaBytes, hostAreaBytes } from '../loops/wasm/area.ts';
import type { Ball } from './calibration.ts';
import { makeRendezvous } from './rendezvous.ts';

/** Guest addresses start here, far from any buffer offset, so that translation is always exercised. */
export const GUEST_BASE = 2 ** 40;

const LINE_SIZE = 128;

/** What a pair runs; plain data, cloned into both threads. */
export interface PairConfig extends RunConfig {
  /** What `indirect`, `eventidx` and `virtio1` negotiate. */
  features: RingFeatures;
  /** The threads run on different CPUs. */
  apart: boolean;
  /** The way between these CPUs is measured before and after the window. */
  crossing: boolean;
}

export interface PairSetup {
  config: PairConfig;
  memory: SharedMemory;
  rendezvous: SharedArrayBuffer;
  /** What each thread waits on, and the other rings. */
  guestHandle: DoorbellHandle;
  hostHandle: DoorbellHandle;
  /** What both clocks count from, and where ringers leave their time for waiters. */
  clockBase: number;
  wakeLines: WakeLines;
  /** This side's end of the session that sets the queue up, where there is one. */
  port: MessagePort | null;
}

interface PairLayout {
  slotsOffset: number;
  slotCount: number;
  tablesOffset: number;
  /** Length of the guest's memory; and of everything, with what lies behind it. */
  sizeBytes: number;
  guestAreaOffset: number;
  hostAreaOffset: number;
  ballOffset: number;
  /** Words of the two doorbells. */
  bellsOffset: number;
  allBytes: number;
}

const RING_LAYOUTS: Record<RingPlaceName, (size: number) => SplitLayout> = {
  legacy: (size) => legacyLayout(size),
  apart: apartLayout,
};

const ringLayout = ({ ringPlace, ringSize }: Pick<PairConfig, 'ringPlace' | 'ringSize'>) =>
  RING_LAYOUTS[ringPlace](ringSize);

function pairLayout(config: PairConfig): PairLayout {
  const workload = WORKLOADS[config.workload];
  const slotsOffset = alignUp(ringLayout(config).sizeBytes, LINE_SIZE);
  const slotCount = config.ringSize + 1;
  const tablesOffset = alignUp(slotsOffset + slotCount * workload.slotBytes(config.size), LINE_SIZE);
  const sizeBytes = alignUp(tablesOffset + IndirectPool.sizeBytes(config.ringSize, workload.elementsMax), LINE_SIZE);
  const guestAreaOffset = sizeBytes;
  const hostAreaOffset = alignUp(guestAreaOffset + guestAreaBytes(config), LINE_SIZE);
  const ballOffset = alignUp(hostAreaOffset + hostAreaBytes(config), LINE_SIZE);
  const bellsOffset = ballOffset + LINE_SIZE;
  const allBytes = bellsOffset + 2 * HANDLE_SIZE;
  return {
    ...{ slotsOffset, slotCount, tablesOffset, sizeBytes },
    ...{ guestAreaOffset, hostAreaOffset, ballOffset, bellsOffset, allBytes },
  };
}

/** The host half is set up by messages from the guest's thread. */
export const hasSession = ({ host, layout }: Pick<PairConfig, 'host' | 'layout'>): boolean =>
  HOSTS[host].bySession && LAYOUTS[layout].carries;

/** Main thread: memory and doorbells of a fresh pair. */
export function makePair(config: PairConfig): PairSetup {
  const doorbell = DOORBELLS[config.doorbell];
  const { bellsOffset, allBytes } = pairLayout(config);
  const memory = allocateShared(allBytes);
  const words = memory.buffer as SharedArrayBuffer;
  return {
    config,
    memory,
    rendezvous: makeRendezvous(),
    guestHandle: doorbell.makeHandle({ words, wordsOffset: bellsOffset }),
    hostHandle: doorbell.makeHandle({ words, wordsOffset: bellsOffset + HANDLE_SIZE }),
    clockBase: clockBase(),
    wakeLines: makeWakeLines(),
    port: null,
  };
}

/** Either thread: the word that calibration bounces. */
export const ballOf = ({ config, memory }: PairSetup): Ball => ({ memory, offset: pairLayout(config).ballOffset });

/** What `bindPair` returns. */
export type BoundPair = ReturnType<typeof bindPair>;

/** Either thread, once: the ring and the rest, over the shared memory; `queueSetup` is what a session told the host. */
export function bindPair(setup: PairSetup, queueSetup: QueueSetup | null = null) {
  const { config } = setup;
  const layout = pairLayout(config);
  const { memory } = setup;
  const { sizeBytes, guestAreaOffset, hostAreaOffset, ballOffset } = layout;
  const region = new MemoryRegion({ guestBase: GUEST_BASE, buffer: memory, sizeBytes });
  const ring = SplitRing.within(region, 0, ringLayout(config));
  const shared = bindRing(ORDERINGS[config.ordering], ring);
  const slots = { region, offset: layout.slotsOffset, count: layout.slotCount };
  const tables: IndirectPoolOptions = {
    region,
    offset: layout.tablesOffset,
    tableCount: config.ringSize,
    tableLength: WORKLOADS[config.workload].elementsMax,
  };
  const area = (byteOffset: number, end: number) =>
    new PrivateArea({ memory, byteOffset, sizeBytes: end - byteOffset });
  const areas = { guest: area(guestAreaOffset, hostAreaOffset), host: area(hostAreaOffset, ballOffset) };
  return { config, region, ring, shared, slots, tables, areas, setup: queueSetup };
}
