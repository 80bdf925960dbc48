/** The library's public face; nothing else is imported from outside. */

export type { Doorbell, DoorbellHandle, DoorbellStrategy, WaitOptions, WaitSet, Wake } from './doorbell/doorbell.ts';
export { SilentDoorbell } from './doorbell/doorbell.ts';
export { DOORBELLS, type DoorbellName } from './doorbell/index.ts';
export { IndirectPool, type IndirectPoolOptions } from './guest/indirect-pool.ts';
export { MockDriver, type MockDriverOptions, type RawDescriptor, type UsedEntry } from './guest/mock-driver.ts';
export { EMPTY, type GuestQueue } from './guest/queue.ts';
export { ScatterList } from './guest/scatter-list.ts';
export { SplitVirtqueue, type SplitVirtqueueOptions } from './guest/split-virtqueue.ts';
export { ElementList } from './host/element-list.ts';
export { type DescriptorCopy, MockDevice, type MockDeviceOptions } from './host/mock-device.ts';
export { type HostQueue, type QueueState, Request } from './host/queue.ts';
export { NO_HEAD } from './host/split-host-queue.ts';
export { Vringh, type VringhOptions } from './host/vringh.ts';
export { GuestMemory, NO_REGION } from './memory/guest-memory.ts';
export { MemoryRange, type RangeCallback, slowRange, wholeRange } from './memory/range.ts';
export { allocateShared, MemoryRegion, type MemoryRegionOptions, type SharedMemory } from './memory/region.ts';
export { NativeUnavailable } from './native/libc.ts';
export { ORDERINGS, type OrderingName } from './ordering/index.ts';
export type { Ordering, SharedFields } from './ordering/ordering.ts';
export { bindRing, type RingFields } from './ordering/ring-fields.ts';
export * from './ring/constants.ts';
export { RING_ERRORS, RingError, type RingErrorCode } from './ring/errors.ts';
export { needEvent } from './ring/event.ts';
export { featuresFromBits, featuresToBits, NO_FEATURES, type RingFeatures } from './ring/features.ts';
export {
  legacyLayout,
  modernLayout,
  type RingPlace,
  type RingPlaces,
  type SplitLayout,
  SplitRing,
} from './ring/split-layout.ts';
