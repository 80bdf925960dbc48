/** The library's public face; nothing else is imported from outside. */

export { BlockDevice } from './devices/block.ts';
export { ConsoleDevice } from './devices/console.ts';
export { type ConsolePort, EchoPort, StreamPort } from './devices/console-port.ts';
export type { Device, DeviceQueue, QueueService } from './devices/device.ts';
export type { Disk } from './devices/disk.ts';
export { EntropyDevice } from './devices/entropy.ts';
export { FileDisk } from './devices/file-disk.ts';
export { NetDevice } from './devices/net.ts';
export { type DeviceOptions, openDevice } from './devices/open-device.ts';
export { loopbackLink, type PacketLink, pairLinks } from './devices/packet-link.ts';
export { LATER, MORE, NOT_NOW, type RequestHandler, RequestLoop } from './devices/request-loop.ts';
export type { Doorbell, DoorbellHandle, DoorbellStrategy, WaitOptions, WaitSet, Wake } from './doorbell/doorbell.ts';
export { SilentDoorbell } from './doorbell/doorbell.ts';
export { DOORBELLS, type DoorbellName } from './doorbell/index.ts';
export { BlockDriver, BlockError } from './drivers/block.ts';
export { BlockClient } from './drivers/block-client.ts';
export { type BlockConfig, BlockConfigError, readBlockConfig } from './drivers/block-config.ts';
export { BusDevice, BusError, type BusMachine, LguestBus } from './drivers/bus.ts';
export { driveBlock, driveConsole, driveEntropy, driveNet } from './drivers/bus-drivers.ts';
export { ConsoleDriver } from './drivers/console.ts';
export { EntropyDriver } from './drivers/entropy.ts';
export { NET_FEATURES, NetDriver, type NetDriverOptions } from './drivers/net.ts';
export { type NetConfig, NetConfigError, readNetConfig } from './drivers/net-config.ts';
export { GuestRam } from './drivers/ram.ts';
export { type QueueWithSlots, Slots } from './drivers/slots.ts';
export * from './formats/block.ts';
export * from './formats/console.ts';
export * from './formats/ids.ts';
export * from './formats/lguest-bus.ts';
export * from './formats/net.ts';
export { IndirectPool, type IndirectPoolOptions } from './guest/indirect-pool.ts';
export { MockDriver, type MockDriverOptions, type RawDescriptor, type UsedEntry } from './guest/mock-driver.ts';
export { EMPTY, type GuestQueue } from './guest/queue.ts';
export { ScatterList } from './guest/scatter-list.ts';
export { SplitVirtqueue, type SplitVirtqueueOptions } from './guest/split-virtqueue.ts';
export { WasmVirtqueue, type WasmVirtqueueOptions } from './guest/wasm-virtqueue.ts';
export { ElementList } from './host/element-list.ts';
export { type DescriptorCopy, MockDevice, type MockDeviceOptions } from './host/mock-device.ts';
export { type HeadQueue, type HostQueue, type QueueState, Request } from './host/queue.ts';
export { NO_HEAD } from './host/split-host-queue.ts';
export { Vringh, type VringhOptions } from './host/vringh.ts';
export { WasmVringh, type WasmVringhOptions } from './host/wasm-vringh.ts';
export type { GuestEnding } from './launcher/cpu/cpu.ts';
export { GuestFault } from './launcher/cpu/guest-fault.ts';
export { workerCpu } from './launcher/cpu/worker-cpu.ts';
export type { LaunchDeviceOptions } from './launcher/device-options.ts';
export { LAUNCHER_ERRORS, LauncherError } from './launcher/errors.ts';
export type { Guest, GuestMain } from './launcher/guest.ts';
export { type GuestInitrd, initrdOf } from './launcher/guest-initrd.ts';
export { type CallSource, waitForAny } from './launcher/guests/kit/wait.ts';
export { GUESTS } from './launcher/guests.ts';
export { type LaunchEnding, type LaunchOptions, launch } from './launcher/launcher.ts';
export { LguestQueue } from './launcher/queue.ts';
export { DirtyLog, DirtyLogError } from './memory/dirty-log.ts';
export { GuestMemory, NO_REGION, OpenLater } from './memory/guest-memory.ts';
export { PrivateArea, type PrivateAreaOptions } from './memory/private-area.ts';
export { MemoryRange, type RangeCallback, slowRange, wholeRange } from './memory/range.ts';
export { allocateShared, MemoryRegion, type MemoryRegionOptions, type SharedMemory } from './memory/region.ts';
export { type FileLock, lockImage } from './native/file-lock.ts';
export { NativeUnavailable } from './native/libc.ts';
export { type Mapping, MappingError, mapFile } from './native/mapping.ts';
export { threadWatcher, type Watcher } from './native/watcher.ts';
export { ORDERINGS, type OrderingName } from './ordering/index.ts';
export type { Ordering, SharedFields } from './ordering/ordering.ts';
export { bindRing, type RingFields } from './ordering/ring-fields.ts';
export * from './ring/constants.ts';
export { RING_ERRORS, RingError, type RingErrorCode } from './ring/errors.ts';
export { needEvent } from './ring/event.ts';
export { featureWord, hasFeature } from './ring/feature-word.ts';
export { featuresFromBits, featuresToBits, NO_FEATURES, type RingFeatures } from './ring/features.ts';
export {
  apartLayout,
  legacyLayout,
  modernLayout,
  type RingPlace,
  type RingPlaces,
  type SplitLayout,
  SplitRing,
} from './ring/split-layout.ts';
export type { SessionEvent, SessionHooks, SessionSystem } from './vhost-user/backend/backend-options.ts';
export { BackendSession } from './vhost-user/backend/backend-session.ts';
export { nativeSystem } from './vhost-user/backend/native-system.ts';
export { type ServerEvent, VhostUserServer, type VhostUserServerOptions } from './vhost-user/backend/server.ts';
export {
  type DeviceHandlers,
  FRONTEND_PROTOCOL_FEATURES,
  type Reconnection,
  RING_FEATURES,
  VhostUserDevice,
  type VhostUserDeviceOptions,
} from './vhost-user/frontend/frontend-device.ts';
export { FrontendSession } from './vhost-user/frontend/frontend-session.ts';
export type { Channel, Message } from './vhost-user/messages/channel.ts';
export { PROTOCOL_ERRORS, ProtocolError, type ProtocolErrorCode } from './vhost-user/messages/errors.ts';
export type { Handle } from './vhost-user/messages/handle.ts';
export { decode, decodeReply, encode, encodeReply } from './vhost-user/messages/message.ts';
export { PortChannel } from './vhost-user/messages/port-channel.ts';
export * from './vhost-user/messages/protocol.ts';
export { SocketChannel } from './vhost-user/messages/socket-channel.ts';
export { InflightArea } from './vhost-user/queues/inflight.ts';
export { LocalDevice } from './vhost-user/queues/local-device.ts';
export { VhostUserQueue, type VhostUserQueueOptions } from './vhost-user/queues/queue.ts';
export type { QueueRunner, QueueStats, ServedDevice } from './vhost-user/queues/queue-runner.ts';
export type { QueueSetup } from './vhost-user/queues/queue-setup.ts';
export { WorkerDevice, type WorkerDeviceOptions } from './vhost-user/queues/worker-device.ts';
