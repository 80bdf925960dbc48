/** What a guest does on the network of its own accord: finds a neighbour, pings it, has it echo data. Guest thread. */
import { formatIp } from '../net/ipv4.ts';
import { DATA_BYTES_MAX, type StackListener } from '../net/stack.ts';
import { UDP_PORT_ECHO } from '../net/udp.ts';
import type { NetPort } from './net-port.ts';

const ASK_TIMEOUT_MS = 1000;
/** What takes longer is lost. */
const ANSWER_TIMEOUT_MS = 5000;
const PING_BYTES = 56;
/** Datagrams on their way: fewer than a device has buffers for on either side. */
const WINDOW = 32;
/** A datagram starts with its number, 32 bits. */
const NUMBER_BYTES = 4;

export class NetJobError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NetJobError';
  }
}

/** Bytes that belong to a number. */
function fill(data: Uint8Array, number: number): void {
  for (let i = 0; i < data.length; i++) data[i] = number + (number >>> 8) + 7 * i + (i >>> 8);
  new DataView(data.buffer).setUint32(0, number);
}

function same(data: Uint8Array, frame: Uint8Array, at: number, length: number): boolean {
  if (length !== data.length) return false;
  for (let i = 0; i < length; i++) if (frame[at + i] !== data[i]) return false;
  return true;
}

/** Handles frames until `done` says so. False: it did not in time. */
function until(port: NetPort, done: () => boolean, timeoutMs: number): boolean {
  const end = performance.now() + timeoutMs;
  // Each turn either handles frames or waits; the clock bounds both.
  for (;;) {
    const count = port.poll();
    if (done()) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    // What came while nobody ran has come in time.
    if (count === 0 && !port.wait(left)) return port.poll() > 0 && done();
  }
}

/** Finds out who has an address, asking so many times, a second each. @throws NetJobError if nobody says so */
export function findNeighbour(port: NetPort, address: number, asks: number): void {
  const { stack } = port;
  for (let i = 0; i < asks && !stack.knows(address); i++) {
    stack.ask(address);
    until(port, () => stack.knows(address), ASK_TIMEOUT_MS);
  }
  if (!stack.knows(address)) throw new NetJobError(`nobody answers for ${formatIp(address)}`);
}

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Round trips, milliseconds; of those that came back. */
  readonly minMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

class PingListener implements StackListener {
  readonly data = new Uint8Array(PING_BYTES);
  sequence = 0;
  address = 0;
  came = false;

  echoReply(source: number, sequence: number, frame: Uint8Array, at: number, length: number): void {
    if (source === this.address && sequence === this.sequence && same(this.data, frame, at, length)) this.came = true;
  }

  datagram(): void {}
}

/** One ping after the other; what comes back must be what was sent. The neighbour was found. */
export function ping(port: NetPort, address: number, count: number): PingResult {
  const listener = new PingListener();
  listener.address = address;
  const { stack } = port;
  stack.listener = listener;
  const came = () => listener.came;
  let received = 0;
  let totalMs = 0;
  let minMs = Infinity;
  let maxMs = 0;
  for (let i = 0; i < count; i++) {
    listener.sequence = i & 0xffff;
    listener.came = false;
    fill(listener.data, i);
    const start = performance.now();
    stack.sendEcho(address, listener.sequence, listener.data);
    if (!until(port, came, ANSWER_TIMEOUT_MS)) continue;
    const tookMs = performance.now() - start;
    received++;
    totalMs += tookMs;
    minMs = Math.min(minMs, tookMs);
    maxMs = Math.max(maxMs, tookMs);
  }
  stack.listener = null;
  return { sent: count, received, minMs: received === 0 ? 0 : minMs, meanMs: totalMs / Math.max(1, received), maxMs };
}

class EchoListener implements StackListener {
  came = 0;
  failure: string | null = null;
  private readonly seen: Uint8Array;
  private readonly data = new Uint8Array(DATA_BYTES_MAX);
  private readonly address: number;

  constructor(count: number, address: number) {
    this.seen = new Uint8Array(count);
    this.address = address;
  }

  echoReply(): void {}

  datagram(source: number, sourcePort: number, frame: Uint8Array, at: number, length: number): void {
    if (source !== this.address || sourcePort !== UDP_PORT_ECHO || length < NUMBER_BYTES) return;
    const number = new DataView(frame.buffer, frame.byteOffset + at).getUint32(0);
    if (number >= this.seen.length || this.seen[number] !== 0) {
      this.failure ??= `datagram ${number} came that was not asked for`;
      return;
    }
    fill(this.data, number);
    if (!same(this.data, frame, at, length)) this.failure ??= `datagram ${number} came back changed`;
    this.seen[number] = 1;
    this.came++;
  }
}

/**
 * Sends at least `bytes` as datagrams and verifies each that comes back. Returns how many. The neighbour was
 * found.
 * @throws NetJobError if one is lost or changed
 */
export function echoDatagrams(port: NetPort, address: number, bytes: number): number {
  const count = Math.ceil(bytes / DATA_BYTES_MAX);
  const listener = new EchoListener(count, address);
  const { stack } = port;
  stack.listener = listener;
  const data = new Uint8Array(DATA_BYTES_MAX);
  let sent = 0;
  const roomOrDone = () => listener.came + WINDOW > sent;
  while (listener.came < count && listener.failure === null) {
    for (; sent < count && sent - listener.came < WINDOW; sent++) {
      fill(data, sent);
      stack.sendDatagram(address, UDP_PORT_ECHO, data);
    }
    const before = listener.came;
    const more = sent < count ? roomOrDone : () => listener.came > before;
    if (!until(port, more, ANSWER_TIMEOUT_MS))
      throw new NetJobError(`${sent - listener.came} of ${sent} datagrams did not come back`);
  }
  stack.listener = null;
  if (listener.failure !== null) throw new NetJobError(listener.failure);
  return count;
}
