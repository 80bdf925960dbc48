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
import { DOORBELLS, type DoorbellName } from '../../src/doorbell/index.ts';
import { IndirectPool, type IndirectPoolOptions } from '../../src/guest/indirect-pool.ts';
import { WasmVirtqueue } from '../../src/guest/wasm-virtqueue.ts';
import { WasmVringh } from '../../src/host/wasm-vringh.ts';
import { PrivateArea } from '../../src/memory/private-area.ts';
import { allocateShared, MemoryRegion, type SharedMemory } from '../../src/memory/region.ts';
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import { bindRing } from '../../src/ordering/ring-fields.ts';
import type { RingFeatures } from '../../src/ring/features.ts';
import { alignUp, legacyLayout, SplitRing } from '../../src/ring/split-layout.ts';
import type { QueueSetup } from '../../src/vhost-user/queues/queue-setup.ts';
import { clockBase } from '../latency/clock.ts';
import { makeWakeLines, type WakeLines } from '../latency/wake.ts';
import { WORKLOADS, type WorkloadName } from '../workloads/index.ts';
import type { GuestKnobs } from '../workloads/loops.ts';
import type { Ball } from './calibration.ts';
import type { EngineName } from './engines.ts';
import { HOSTS, type HostName } from './hosts.ts';
import { LAYOUTS, type LayoutName } from './layouts.ts';
import { makeRendezvous } from './rendezvous.ts';
import type { WarmUpLength } from './warm-up-plan.ts';

/** Guest addresses start here, far from any buffer offset, so that translation is always exercised. */
export const GUEST_BASE = 2 ** 40;

const LINE_SIZE = 128;

/** What a pair runs; plain data, cloned into both threads. */
export interface PairConfig {
  features: RingFeatures;
  slowRange: boolean;
  fastVringh: boolean;
  ringSize: number;
  workload: WorkloadName;
  /** What a transfer of a sized workload carries, bytes. */
  sizeBytes: number;
  layout: LayoutName;
  /** Whose host half serves the split layout. */
  host: HostName;
  /** What both halves of the ring are made with. */
  engine: EngineName;
  ordering: OrderingName;
  doorbell: DoorbellName;
  transfers: number;
  /** Transfers before the window, on the same ring, or until the loops are steady. */
  warmup: WarmUpLength;
  timeoutMs: number;
  /** Longest time that an adaptive doorbell looks before it sleeps, microseconds. */
  spinUs: number;
  knobs: GuestKnobs;
  /** Completions that the host publishes together. */
  completeBatch: number;
  /** Added to each ring of a doorbell, nanoseconds. */
  exitCostNs: number;
  /** One of how many transfers has its latency measured; 0: none. */
  latencyEvery: number;
  /** Transfers that are due a second; 0: no schedule. */
  rate: number;
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
  allBytes: number;
}

function pairLayout(config: PairConfig): PairLayout {
  const workload = WORKLOADS[config.workload];
  const slotsOffset = alignUp(legacyLayout(config.ringSize).sizeBytes, LINE_SIZE);
  const slotCount = config.ringSize + 1;
  const tablesOffset = alignUp(slotsOffset + slotCount * workload.slotBytes(config.sizeBytes), LINE_SIZE);
  const sizeBytes = alignUp(tablesOffset + IndirectPool.sizeBytes(config.ringSize, workload.elementsMax), LINE_SIZE);
  const guestAreaOffset = sizeBytes;
  const hostAreaOffset = alignUp(
    guestAreaOffset + WasmVirtqueue.privateBytes(config.ringSize, config.ringSize),
    LINE_SIZE,
  );
  const ballOffset = alignUp(hostAreaOffset + WasmVringh.privateBytes(config.ringSize), LINE_SIZE);
  const allBytes = ballOffset + LINE_SIZE;
  return { slotsOffset, slotCount, tablesOffset, sizeBytes, guestAreaOffset, hostAreaOffset, ballOffset, allBytes };
}

/** The host half is set up by messages from the guest's thread. */
export const hasSession = ({ host, layout }: Pick<PairConfig, 'host' | 'layout'>): boolean =>
  HOSTS[host].bySession && LAYOUTS[layout].carries;

/** Main thread: memory and doorbells of a fresh pair. */
export function makePair(config: PairConfig): PairSetup {
  const doorbell = DOORBELLS[config.doorbell];
  return {
    config,
    memory: allocateShared(pairLayout(config).allBytes),
    rendezvous: makeRendezvous(),
    guestHandle: doorbell.makeHandle(),
    hostHandle: doorbell.makeHandle(),
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
  const ring = SplitRing.within(region, 0, legacyLayout(config.ringSize));
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
