/**
 * Every vhost-user message of both directions, in one table, and the codec that follows it. It checks what one message
 * alone can tell: version, flags, sizes, counts and kinds of what rides along. What a session allows is not known here.
 *
 * A message that is refused keeps its handles: they stay the receiver's, who gives them back (`Channel.release`).
 */
import type { Message } from './channel.ts';
import { ProtocolError } from './errors.ts';
import type { Handle } from './handle.ts';
import * as payload from './payload.ts';
import * as protocol from './protocol.ts';

/** Who sends the request; the other one replies. */
export type Direction = 'frontend' | 'backend';

type HandleKind = Handle['kind'];

/** What rides along with a message: how many, from the payload, and of which kinds. */
interface Carries<T> {
  readonly kinds: readonly HandleKind[];
  readonly min: (values: T) => number;
  readonly max: (values: T) => number;
}

interface Shape<Q extends object, R extends object> {
  readonly number: number;
  readonly direction: Direction;
  readonly layout: payload.Layout<Q>;
  readonly carries: Carries<Q>;
  /** True: answered always. False: only if the sender asks, which takes the feature REPLY_ACK. */
  readonly answered: boolean;
  readonly replyLayout: payload.Layout<R>;
  readonly replyCarries: Carries<R>;
}

const AREAS: readonly HandleKind[] = ['descriptor', 'memory'];
const EVENTS: readonly HandleKind[] = ['descriptor', 'doorbell'];
const FILES: readonly HandleKind[] = ['descriptor'];

const between = (kinds: readonly HandleKind[], min: number, max: number): Carries<unknown> => ({
  kinds,
  min: () => min,
  max: () => max,
});
const exactly = <T>(kinds: readonly HandleKind[], count: (values: T) => number): Carries<T> => ({
  kinds,
  min: count,
  max: count,
});
const NOTHING = between([], 0, 0);
const unlessSaid = (kinds: readonly HandleKind[]) =>
  exactly(kinds, ({ noDescriptor }: { noDescriptor: boolean }) => (noDescriptor ? 0 : 1));

/** A request that is acknowledged if the sender asks: 0 for success. */
function asked<Q extends object>(
  direction: Direction,
  number: number,
  layout: payload.Layout<Q>,
  carries: Carries<Q> = NOTHING,
): Shape<Q, payload.ValuesOf<typeof payload.U64>> {
  return {
    number,
    direction,
    layout,
    carries,
    answered: false,
    replyLayout: payload.U64,
    replyCarries: NOTHING,
  };
}

/** A request that is answered whether or not the sender asks. */
function answered<Q extends object, R extends object>(
  direction: Direction,
  number: number,
  layout: payload.Layout<Q>,
  replyLayout: payload.Layout<R>,
  replyCarries: Carries<R> = NOTHING,
  carries: Carries<Q> = NOTHING,
): Shape<Q, R> {
  return { number, direction, layout, carries, answered: true, replyLayout, replyCarries };
}

const { EMPTY, U64, VRING_STATE, VRING_FILE } = payload;
const F = 'frontend';
const B = 'backend';

const SHAPES = {
  GET_FEATURES: answered(F, protocol.VHOST_USER_GET_FEATURES, EMPTY, U64),
  SET_FEATURES: asked(F, protocol.VHOST_USER_SET_FEATURES, U64),
  SET_OWNER: asked(F, protocol.VHOST_USER_SET_OWNER, EMPTY),
  RESET_OWNER: asked(F, protocol.VHOST_USER_RESET_OWNER, EMPTY),
  // The reply has addresses only after POSTCOPY_LISTEN.
  SET_MEM_TABLE: {
    ...asked(
      F,
      protocol.VHOST_USER_SET_MEM_TABLE,
      payload.MEMORY_TABLE,
      exactly(AREAS, ({ regions }: { regions: readonly unknown[] }) => regions.length),
    ),
    replyLayout: payload.MEMORY_TABLE_REPLY,
  },
  // Without a descriptor it is of no use, but peers without LOG_SHMFD may send it so.
  SET_LOG_BASE: answered(
    F,
    protocol.VHOST_USER_SET_LOG_BASE,
    payload.LOG,
    payload.U64_OR_EMPTY,
    NOTHING,
    between(AREAS, 0, 1),
  ),
  SET_LOG_FD: asked(F, protocol.VHOST_USER_SET_LOG_FD, EMPTY, between(EVENTS, 1, 1)),
  SET_VRING_NUM: asked(F, protocol.VHOST_USER_SET_VRING_NUM, VRING_STATE),
  SET_VRING_ADDR: asked(F, protocol.VHOST_USER_SET_VRING_ADDR, payload.VRING_ADDRESS),
  SET_VRING_BASE: asked(F, protocol.VHOST_USER_SET_VRING_BASE, VRING_STATE),
  GET_VRING_BASE: answered(F, protocol.VHOST_USER_GET_VRING_BASE, VRING_STATE, VRING_STATE),
  SET_VRING_KICK: asked(F, protocol.VHOST_USER_SET_VRING_KICK, VRING_FILE, unlessSaid(EVENTS)),
  SET_VRING_CALL: asked(F, protocol.VHOST_USER_SET_VRING_CALL, VRING_FILE, unlessSaid(EVENTS)),
  SET_VRING_ERR: asked(F, protocol.VHOST_USER_SET_VRING_ERR, VRING_FILE, unlessSaid(EVENTS)),
  GET_PROTOCOL_FEATURES: answered(F, protocol.VHOST_USER_GET_PROTOCOL_FEATURES, EMPTY, U64),
  SET_PROTOCOL_FEATURES: asked(F, protocol.VHOST_USER_SET_PROTOCOL_FEATURES, U64),
  GET_QUEUE_NUM: answered(F, protocol.VHOST_USER_GET_QUEUE_NUM, EMPTY, U64),
  SET_VRING_ENABLE: asked(F, protocol.VHOST_USER_SET_VRING_ENABLE, VRING_STATE),
  // The six lowest bytes of the number are the MAC address.
  SEND_RARP: asked(F, protocol.VHOST_USER_SEND_RARP, U64),
  NET_SET_MTU: asked(F, protocol.VHOST_USER_NET_SET_MTU, U64),
  SET_BACKEND_REQ_FD: asked(F, protocol.VHOST_USER_SET_BACKEND_REQ_FD, EMPTY, between(FILES, 1, 1)),
  IOTLB_MSG: answered(F, protocol.VHOST_USER_IOTLB_MSG, payload.IOTLB, U64),
  SET_VRING_ENDIAN: asked(F, protocol.VHOST_USER_SET_VRING_ENDIAN, VRING_STATE),
  GET_CONFIG: answered(F, protocol.VHOST_USER_GET_CONFIG, payload.CONFIG, payload.CONFIG_REPLY),
  SET_CONFIG: asked(F, protocol.VHOST_USER_SET_CONFIG, payload.CONFIG),
  CREATE_CRYPTO_SESSION: answered(F, protocol.VHOST_USER_CREATE_CRYPTO_SESSION, payload.OPAQUE, payload.OPAQUE),
  CLOSE_CRYPTO_SESSION: asked(F, protocol.VHOST_USER_CLOSE_CRYPTO_SESSION, U64),
  POSTCOPY_ADVISE: answered(F, protocol.VHOST_USER_POSTCOPY_ADVISE, EMPTY, EMPTY, between(FILES, 1, 1)),
  POSTCOPY_LISTEN: answered(F, protocol.VHOST_USER_POSTCOPY_LISTEN, EMPTY, U64),
  POSTCOPY_END: answered(F, protocol.VHOST_USER_POSTCOPY_END, EMPTY, U64),
  // An area of size 0, without a descriptor, says that there is none.
  GET_INFLIGHT_FD: answered(
    F,
    protocol.VHOST_USER_GET_INFLIGHT_FD,
    payload.INFLIGHT,
    payload.INFLIGHT,
    exactly(AREAS, ({ sizeBytes }: { sizeBytes: bigint }) => (sizeBytes === 0n ? 0 : 1)),
  ),
  SET_INFLIGHT_FD: asked(F, protocol.VHOST_USER_SET_INFLIGHT_FD, payload.INFLIGHT, between(AREAS, 1, 1)),
  GPU_SET_SOCKET: asked(F, protocol.VHOST_USER_GPU_SET_SOCKET, EMPTY, between(FILES, 1, 1)),
  RESET_DEVICE: asked(F, protocol.VHOST_USER_RESET_DEVICE, EMPTY),
  VRING_KICK: asked(F, protocol.VHOST_USER_VRING_KICK, VRING_STATE),
  GET_MAX_MEM_SLOTS: answered(F, protocol.VHOST_USER_GET_MAX_MEM_SLOTS, EMPTY, U64),
  ADD_MEM_REG: {
    ...asked(F, protocol.VHOST_USER_ADD_MEM_REG, payload.SINGLE_REGION, between(AREAS, 1, 1)),
    replyLayout: payload.SINGLE_REGION_REPLY,
  },
  // A descriptor that comes along is of no use and is given back.
  REM_MEM_REG: asked(F, protocol.VHOST_USER_REM_MEM_REG, payload.SINGLE_REGION, between(AREAS, 0, 1)),
  SET_STATUS: asked(F, protocol.VHOST_USER_SET_STATUS, U64),
  GET_STATUS: answered(F, protocol.VHOST_USER_GET_STATUS, EMPTY, U64),
  GET_SHARED_OBJECT: answered(
    F,
    protocol.VHOST_USER_GET_SHARED_OBJECT,
    payload.SHARED_OBJECT,
    payload.SHARED_OBJECT_REPLY,
    between(FILES, 0, 1),
  ),
  SET_DEVICE_STATE_FD: answered(
    F,
    protocol.VHOST_USER_SET_DEVICE_STATE_FD,
    payload.DEVICE_STATE,
    payload.DEVICE_STATE_REPLY,
    exactly(FILES, ({ error, noDescriptor }: { error: number; noDescriptor: boolean }) =>
      noDescriptor || error !== 0 ? 0 : 1,
    ),
    between(FILES, 1, 1),
  ),
  CHECK_DEVICE_STATE: answered(F, protocol.VHOST_USER_CHECK_DEVICE_STATE, EMPTY, U64),
  GET_SHMEM_CONFIG: answered(F, protocol.VHOST_USER_GET_SHMEM_CONFIG, EMPTY, payload.SHMEM_CONFIG),
  GET_VRING_BASE_SKIP_DRAIN: answered(F, protocol.VHOST_USER_GET_VRING_BASE_SKIP_DRAIN, VRING_STATE, VRING_STATE),

  BACKEND_IOTLB_MSG: asked(B, protocol.VHOST_USER_BACKEND_IOTLB_MSG, payload.IOTLB),
  BACKEND_CONFIG_CHANGE_MSG: asked(B, protocol.VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, EMPTY),
  BACKEND_VRING_HOST_NOTIFIER_MSG: asked(
    B,
    protocol.VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG,
    payload.VRING_AREA,
    unlessSaid(FILES),
  ),
  BACKEND_VRING_CALL: asked(B, protocol.VHOST_USER_BACKEND_VRING_CALL, VRING_STATE),
  BACKEND_VRING_ERR: asked(B, protocol.VHOST_USER_BACKEND_VRING_ERR, VRING_STATE),
  BACKEND_SHARED_OBJECT_ADD: asked(B, protocol.VHOST_USER_BACKEND_SHARED_OBJECT_ADD, payload.SHARED_OBJECT),
  BACKEND_SHARED_OBJECT_REMOVE: asked(B, protocol.VHOST_USER_BACKEND_SHARED_OBJECT_REMOVE, payload.SHARED_OBJECT),
  BACKEND_SHARED_OBJECT_LOOKUP: answered(
    B,
    protocol.VHOST_USER_BACKEND_SHARED_OBJECT_LOOKUP,
    payload.SHARED_OBJECT,
    U64,
    exactly(FILES, ({ value }: { value: bigint }) => (value === 0n ? 1 : 0)),
  ),
  BACKEND_SHMEM_MAP: asked(B, protocol.VHOST_USER_BACKEND_SHMEM_MAP, payload.SHMEM_MAP, between(AREAS, 1, 1)),
  BACKEND_SHMEM_UNMAP: asked(B, protocol.VHOST_USER_BACKEND_SHMEM_UNMAP, payload.SHMEM_MAP),
} as const;

type Shapes = typeof SHAPES;

/** The specification's names without `VHOST_USER_`. */
export type RequestName = keyof Shapes;

/** Every request there is, in the order of the table. */
export const REQUEST_NAMES = Object.keys(SHAPES) as readonly RequestName[];

/** A request as its receiver sees it: its name, what its payload says, what came along. */
export type Request<N extends RequestName = RequestName> = {
  [K in N]: {
    readonly request: K;
    /** The sender wants an acknowledgement, if REPLY_ACK was negotiated. */
    readonly needsReply: boolean;
    readonly handles: readonly Handle[];
  } & Readonly<payload.ValuesOf<Shapes[K]['layout']>>;
}[N];

/** A request as its sender states it. */
export type RequestToSend<N extends RequestName = RequestName> = {
  [K in N]: {
    readonly request: K;
    readonly needsReply?: boolean;
    readonly handles?: readonly Handle[];
  } & Readonly<payload.ValuesOf<Shapes[K]['layout']>>;
}[N];

/** The answer to a request. */
export type Reply<N extends RequestName = RequestName> = {
  [K in N]: { readonly request: K; readonly handles: readonly Handle[] } & Readonly<
    payload.ValuesOf<Shapes[K]['replyLayout']>
  >;
}[N];

export type ReplyToSend<N extends RequestName = RequestName> = {
  [K in N]: { readonly request: K; readonly handles?: readonly Handle[] } & Readonly<
    payload.ValuesOf<Shapes[K]['replyLayout']>
  >;
}[N];

/** The table's rows without their types: the codec is one for all. */
type AnyShape = Shape<object, object>;
const shapeOf = (request: RequestName): AnyShape => SHAPES[request] as AnyShape;

const NAMES: Readonly<Record<Direction, ReadonlyMap<number, RequestName>>> = {
  frontend: namesOf('frontend'),
  backend: namesOf('backend'),
};

function namesOf(direction: Direction): ReadonlyMap<number, RequestName> {
  const names = REQUEST_NAMES.filter((name) => shapeOf(name).direction === direction);
  return new Map(names.map((name) => [shapeOf(name).number, name]));
}

/** The name of a request, or for people its number. */
export function nameOf(number: number, direction: Direction): string {
  return NAMES[direction].get(number) ?? `${direction} request ${number}`;
}

/** True if the request is answered though the sender does not ask. */
export function isAnswered(request: RequestName): boolean {
  return shapeOf(request).answered;
}

const KNOWN_FLAGS =
  protocol.VHOST_USER_VERSION_MASK | protocol.VHOST_USER_REPLY_MASK | protocol.VHOST_USER_NEED_REPLY_MASK;

function checkFlags(name: string, flags: number, isReply: boolean): void {
  if ((flags & protocol.VHOST_USER_VERSION_MASK) !== protocol.VHOST_USER_VERSION)
    throw new ProtocolError('bad-version', name, flags);
  if ((flags & ~KNOWN_FLAGS) !== 0) throw new ProtocolError('unknown-flags', name, flags);
  if (((flags & protocol.VHOST_USER_REPLY_MASK) !== 0) === isReply) return;
  throw new ProtocolError(isReply ? 'reply-expected' : 'unexpected-reply', name, flags);
}

function checkHandles<T>(name: string, carries: Carries<T>, values: T, handles: readonly Handle[]): void {
  if (handles.length > carries.max(values)) throw new ProtocolError('too-many-descriptors', name, handles.length);
  if (handles.length < carries.min(values)) throw new ProtocolError('too-few-descriptors', name, handles.length);
  const wrong = handles.findIndex(({ kind }) => !carries.kinds.includes(kind));
  if (wrong >= 0) throw new ProtocolError('wrong-handle', name, wrong);
}

function read<T extends object>(name: string, layout: payload.Layout<T>, carries: Carries<T>, message: Message): T {
  const sizeBytes = message.payload.length;
  if (sizeBytes < layout.minBytes || sizeBytes > layout.maxBytes)
    throw new ProtocolError('wrong-size', name, sizeBytes);
  const values = layout.read(message.payload, name);
  checkHandles(name, carries, values, message.handles);
  return values;
}

/** @throws ProtocolError for everything that a request of this direction cannot be. */
export function decode<D extends Direction>(message: Message, direction: D): Request<NameFrom<D>> {
  const { request: number, flags, handles } = message;
  checkFlags(nameOf(number, direction), flags, false);
  const request = NAMES[direction].get(number);
  if (request === undefined) throw new ProtocolError('unknown-request', nameOf(number, direction), number);
  const { layout, carries } = shapeOf(request);
  const values = read(request, layout, carries, message);
  const needsReply = (flags & protocol.VHOST_USER_NEED_REPLY_MASK) !== 0;
  return { request, needsReply, handles, ...values } as Request<NameFrom<D>>;
}

/**
 * Reads the answer to a request. The flag "needs reply" is let pass: backends leave it standing.
 * @throws ProtocolError for everything that cannot be one.
 */
export function decodeReply<N extends RequestName>(request: N, message: Message): Reply<N> {
  checkFlags(request, message.flags, true);
  const { number, replyLayout, replyCarries } = shapeOf(request);
  if (message.request !== number) throw new ProtocolError('wrong-reply', request, message.request);
  return { request, handles: message.handles, ...read(request, replyLayout, replyCarries, message) } as Reply<N>;
}

function write(
  shape: { number: number; layout: payload.Layout<object>; carries: Carries<object> },
  flags: number,
  message: RequestToSend | ReplyToSend,
): Message {
  const handles = message.handles ?? [];
  checkHandles(message.request, shape.carries, message, handles);
  return { request: shape.number, flags, payload: shape.layout.write(message), handles };
}

/** @throws RangeError, ProtocolError for what cannot be sent: the caller's own mistake. */
export function encode(request: RequestToSend): Message {
  const flags = protocol.VHOST_USER_VERSION | (request.needsReply ? protocol.VHOST_USER_NEED_REPLY_MASK : 0);
  return write(shapeOf(request.request), flags, request);
}

/** @throws RangeError, ProtocolError for what cannot be sent: the caller's own mistake. */
export function encodeReply(reply: ReplyToSend): Message {
  const { number, replyLayout, replyCarries } = shapeOf(reply.request);
  return write(
    { number, layout: replyLayout, carries: replyCarries },
    protocol.VHOST_USER_VERSION | protocol.VHOST_USER_REPLY_MASK,
    reply,
  );
}

/** The requests that one side sends. */
export type NameFrom<D extends Direction> = D extends 'backend'
  ? Extract<RequestName, `BACKEND_${string}`>
  : Exclude<RequestName, `BACKEND_${string}`>;
