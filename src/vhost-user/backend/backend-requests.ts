/**
 * What a backend does with each request of a frontend: one entry a request, in the protocol's order. A request without
 * an entry is known and not served. A handler that throws a ProtocolError has changed nothing, or says what is lost.
 */
import { VIRTIO_ID_NET } from '../../formats/ids.ts';
import { REGION_SIZE_MAX } from '../../memory/region.ts';
import { ProtocolError } from '../messages/errors.ts';
import type { Handle } from '../messages/handle.ts';
import type { NameFrom, ReplyToSend, Request } from '../messages/message.ts';
import { VHOST_USER_MAX_CONFIG_SIZE, VHOST_USER_PROTOCOL_F_CONFIG } from '../messages/protocol.ts';
import type { AreaSetup } from '../queues/queue-setup.ts';
import type { BackendState } from './backend-state.ts';
import { checkInflight, inflightSize } from './inflight-shape.ts';
import { exact, holds, MEMORY_SLOTS, MemoryTable, type TableLimits } from './memory-table.ts';
import { logEnd } from './vring-set.ts';
import { checkRing, checkRingSize, readAddresses, samePlace, type VringState } from './vring-state.ts';

type FrontendName = NameFrom<'frontend'>;

/** What a reply says; nothing where it is only acknowledged. */
export type Answer<N extends FrontendName> = Omit<ReplyToSend<N>, 'request'>;

export type Handler<N extends FrontendName> = (
  state: BackendState,
  request: Request<N>,
) => Answer<N> | undefined | Promise<Answer<N> | undefined>;

type Handlers = { readonly [N in FrontendName]?: Handler<N> };

/** MTUs of the specification [virtio-v1.2 §5.1.4]: what IPv4 needs at least. */
const MTU_MIN = 68;
const MTU_MAX = 65535;

const STATUS_MAX = 0xff;

const limitsOf = (state: BackendState, request: string): TableLimits => ({
  request,
  slots: MEMORY_SLOTS,
  sizeOf: state.system.sizeOf,
});

/** A ring whose place, size and position may be changed. */
function stoppedRing(state: BackendState, index: number, request: string): VringState {
  const ring = state.rings.at(index, request);
  if (ring.started) throw new ProtocolError('queue-running', request, index);
  return ring;
}

/** Starts a ring, which the frontend kicks in one way or the other. */
async function startRing(state: BackendState, ring: VringState, kick: Handle | null, request: string): Promise<void> {
  state.rings.check(ring, state.rings.context, request);
  const before = ring.kick;
  const isNew = !ring.started;
  if (isNew) state.hooks.queueStarted?.(ring.index, true);
  try {
    await state.rings.alter(ring, { kick, started: true }, request);
  } catch (error) {
    if (isNew) state.hooks.queueStarted?.(ring.index, false);
    throw error;
  }
  if (kick !== null) state.keep(kick);
  state.release(before);
}

/** A postcopy migration tells one address of each region. @throws ProtocolError if there is none */
function checkForPostcopy(state: BackendState, table: MemoryTable, request: string): void {
  if (!state.listening) return;
  for (const { sizeBytes } of table.regions)
    if (sizeBytes > REGION_SIZE_MAX) throw new ProtocolError('memory-too-large', request, sizeBytes);
}

/** Where each region is in this process, for the frontend to know whose page is missing. */
function mapForPostcopy(state: BackendState, table: MemoryTable, request: Request<'SET_MEM_TABLE' | 'ADD_MEM_REG'>) {
  const addresses = state.postcopy!.map(table.regions);
  const described = 'regions' in request ? request.regions : [request.region];
  const from = table.regions.length - described.length;
  return described.map((region, i) => ({ ...region, userAddress: addresses[from + i]! }));
}

/** The area of a SET_LOG_BASE. @throws ProtocolError unless it holds, and covers all memory. */
function checkLogArea(state: BackendState, message: Request<'SET_LOG_BASE'>): AreaSetup {
  const { request } = message;
  const [handle] = message.handles;
  const sizeBytes = exact(request, message.sizeBytes);
  const offsetBytes = exact(request, message.offsetBytes);
  if (handle === undefined) throw new ProtocolError('too-few-descriptors', request, 0);
  if (sizeBytes === 0 || offsetBytes % 8 !== 0 || !holds(state.system.sizeOf, handle, offsetBytes, sizeBytes))
    throw new ProtocolError('bad-log-area', request, offsetBytes + sizeBytes);
  if (state.rings.context.memory.guestEnd > logEnd(sizeBytes))
    throw new ProtocolError('bad-log-area', request, sizeBytes);
  return { handle, sizeBytes, offsetBytes };
}

function readConfig(state: BackendState, offset: number, sizeBytes: number): Uint8Array | null {
  if (state.hooks.readConfig !== undefined) return state.hooks.readConfig(offset, sizeBytes);
  if (offset + sizeBytes > VHOST_USER_MAX_CONFIG_SIZE) return null;
  // A frontend asks for the longest form that it knows: what the device does not have reads as zeros.
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(state.device.config.subarray(offset, offset + sizeBytes));
  return bytes;
}

export const HANDLERS: Handlers = {
  GET_FEATURES: (state) => ({ value: state.offeredFeatures }),
  async SET_FEATURES(state, { value, request }) {
    await state.setFeatures(value, request);
    return undefined;
  },
  // One session is one owner.
  SET_OWNER(state) {
    state.isOwned = true;
    return undefined;
  },
  async RESET_OWNER(state) {
    await state.disableAll();
    return undefined;
  },
  async SET_MEM_TABLE(state, message) {
    const { request, regions, handles } = message;
    const { context } = state.rings;
    const table = MemoryTable.of(regions, handles, limitsOf(state, request));
    if (state.listening && state.rings.anyStarted) throw new ProtocolError('queue-running', request, 0);
    checkForPostcopy(state, table, request);
    await state.rings.change({ memory: table }, request);
    for (const handle of handles) state.keep(handle);
    state.release(...context.memory.regions.map(({ handle }) => handle));
    return state.listening ? { value: 0n, regions: mapForPostcopy(state, table, message) } : undefined;
  },
  async SET_LOG_BASE(state, message) {
    const log = checkLogArea(state, message);
    const before = state.rings.context.log;
    await state.rings.change({ log }, message.request);
    state.keep(log.handle);
    state.release(before?.handle);
    return { value: 0n };
  },
  async SET_LOG_FD(state, { request, handles }) {
    const before = state.rings.context.logCall;
    await state.rings.change({ logCall: handles[0]! }, request);
    state.keep(handles[0]!);
    state.release(before);
    return undefined;
  },
  SET_VRING_NUM(state, { request, index, num }) {
    checkRingSize(num, request);
    const ring = state.rings.at(index, request);
    if (ring.started && ring.size !== num) throw new ProtocolError('queue-running', request, num);
    ring.size = num;
    return undefined;
  },
  async SET_VRING_ADDR(state, message) {
    const { request, index } = message;
    const { context } = state.rings;
    const ring = state.rings.at(index, request);
    const addresses = readAddresses(message, request);
    if (context.memory.regions.length === 0) throw new ProtocolError('no-memory-table', request, index);
    if (ring.size > 0) checkRing(ring.size, addresses, context, request);
    if (!ring.started) {
      ring.addresses = addresses;
      return undefined;
    }
    // Of a ring that runs only the log may change: a migration begins or ends.
    if (!samePlace(addresses, ring.addresses!)) throw new ProtocolError('queue-running', request, index);
    state.rings.check({ ...ring, addresses }, context, request);
    await state.rings.alter(ring, { addresses }, request);
    return undefined;
  },
  SET_VRING_BASE(state, { request, index, num }) {
    stoppedRing(state, index, request).goOnAt(num, request);
    return undefined;
  },
  async GET_VRING_BASE(state, { request, index }) {
    const ring = state.rings.at(index, request);
    await state.stop(ring);
    return { index, num: ring.position.availIdx };
  },
  async SET_VRING_KICK(state, { request, index, handles }) {
    await startRing(state, state.rings.at(index, request), handles[0] ?? null, request);
    return undefined;
  },
  async SET_VRING_CALL(state, { request, index, handles }) {
    const ring = state.rings.at(index, request);
    const before = ring.call;
    const call = handles[0] ?? null;
    try {
      await state.rings.setCall(ring, call === null ? null : state.keep(call));
    } finally {
      state.release(before);
    }
    return undefined;
  },
  SET_VRING_ERR(state, { request, index, handles }) {
    const ring = state.rings.at(index, request);
    state.release(...ring.takeHandles('err'));
    ring.err = handles[0] === undefined ? null : state.keep(handles[0]);
    return undefined;
  },
  GET_PROTOCOL_FEATURES: (state) => ({ value: state.offeredProtocolFeatures }),
  async SET_PROTOCOL_FEATURES(state, { value, request }) {
    await state.setProtocolFeatures(value, request);
    return undefined;
  },
  GET_QUEUE_NUM({ device }) {
    // Of a network device, pairs are counted.
    const queues = device.id === VIRTIO_ID_NET ? Math.floor(device.queueCount / 2) : device.queueCount;
    return { value: BigInt(queues) };
  },
  async SET_VRING_ENABLE(state, { request, index, num }) {
    const ring = state.rings.at(index, request);
    if (num > 1) throw new ProtocolError('bad-value', request, num);
    await state.rings.alter(ring, { enabled: num === 1 }, request);
    return undefined;
  },
  SEND_RARP(state, { value, request }) {
    const mac = new Uint8Array(BigUint64Array.of(value).buffer, 0, 6);
    if (state.hooks.announce !== undefined) state.hooks.announce(mac);
    else if (state.device.announce?.(mac) === false) throw new ProtocolError('refused', request, value);
    return undefined;
  },
  NET_SET_MTU(state, { value, request }) {
    if (value < MTU_MIN || value > MTU_MAX) throw new ProtocolError('bad-value', request, value);
    const mtu = Number(value);
    if ((state.hooks.setMtu?.(mtu) ?? state.device.setMtu?.(mtu)) === false)
      throw new ProtocolError('refused', request, value);
    return undefined;
  },
  SET_BACKEND_REQ_FD(state, { request, handles }) {
    const [handle] = handles;
    if (handle?.kind !== 'descriptor') throw new ProtocolError('wrong-handle', request, 0);
    state.keep(handle);
    state.openBackendChannel(handle.descriptor);
    return undefined;
  },
  GET_CONFIG(state, { offset, flags, bytes }) {
    const found = state.has(VHOST_USER_PROTOCOL_F_CONFIG) ? readConfig(state, offset, bytes.length) : null;
    return { offset, flags, bytes: found };
  },
  async SET_CONFIG(state, { request, offset, flags, bytes }) {
    const { device, hooks } = state;
    const taken = await (hooks.writeConfig?.(offset, bytes, flags) ?? device.writeConfig(offset, bytes));
    if (!taken) throw new ProtocolError('config-refused', request, offset);
    return undefined;
  },
  async POSTCOPY_ADVISE(state, { request }) {
    if (state.postcopy !== null || state.system.openPostcopy === null) throw new ProtocolError('refused', request, 0);
    state.postcopy = await state.system.openPostcopy(state.channel);
    return { handles: [state.postcopy.handle] };
  },
  POSTCOPY_LISTEN(state, { request }) {
    // What is mapped already would be read as it is.
    if (state.postcopy === null || state.rings.context.memory.regions.length > 0)
      throw new ProtocolError('refused', request, state.rings.context.memory.regions.length);
    state.listening = true;
    return { value: 0n };
  },
  async POSTCOPY_END(state) {
    await state.endPostcopy();
    return { value: 0n };
  },
  GET_INFLIGHT_FD(state, { request, queues, queueSize }) {
    const sizeBytes = inflightSize(queues, queueSize, state.device.queueCount, request);
    const handle = state.lend(state.system.allocate('vhost-user in flight', sizeBytes));
    return { sizeBytes: BigInt(sizeBytes), offsetBytes: 0n, queues, queueSize, handles: [handle] };
  },
  async SET_INFLIGHT_FD(state, message) {
    const { request, handles } = message;
    if (state.rings.anyStarted) throw new ProtocolError('queue-running', request, 0);
    const { queueCount } = state.device;
    const inflight = checkInflight(message, handles[0]!, { request, queueCount, sizeOf: state.system.sizeOf });
    const before = state.rings.context.inflight;
    await state.rings.change({ inflight }, request);
    state.keep(inflight.handle);
    state.release(before?.handle);
    return undefined;
  },
  async RESET_DEVICE(state) {
    await state.reset();
    return undefined;
  },
  async VRING_KICK(state, { request, index }) {
    const ring = state.rings.at(index, request);
    if (ring.started) state.rings.kick(ring);
    else await startRing(state, ring, null, request);
    return undefined;
  },
  GET_MAX_MEM_SLOTS: () => ({ value: BigInt(MEMORY_SLOTS) }),
  async ADD_MEM_REG(state, message) {
    const { request, region, handles } = message;
    const table = state.rings.context.memory.with(region, handles[0]!, limitsOf(state, request));
    checkForPostcopy(state, table, request);
    await state.rings.change({ memory: table }, request);
    state.keep(handles[0]!);
    if (!state.listening) return undefined;
    return { value: 0n, region: mapForPostcopy(state, table, message)[0]! };
  },
  async REM_MEM_REG(state, { request, region }) {
    const { memory } = state.rings.context;
    const found = memory.find(region, request);
    await state.rings.change({ memory: memory.without(found) }, request);
    state.release(found.handle);
    return undefined;
  },
  async SET_STATUS(state, { request, value }) {
    if (value > STATUS_MAX) throw new ProtocolError('bad-value', request, value);
    await state.setStatus(Number(value));
    return undefined;
  },
  GET_STATUS: (state) => ({ value: BigInt(state.status) }),
};
