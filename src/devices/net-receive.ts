/**
 * The receive queue of the network device: packets of the link into the guest's buffers, several buffers a packet if
 * MRG_RXBUF was negotiated. On the queue's own thread.
 *
 * It takes a packet first and buffers then. While there is no packet, kicks are off: more buffers change nothing. While
 * there is no buffer for the packet it has, the link is paused. Buffers that are too few stay taken until more come:
 * handed back, they would look like new ones for ever. A turn may end between two of them.
 */

import { NET_HEADER_SIZE, NET_NUM_BUFFERS_OFFSET } from '../formats/net.ts';
import { Request } from '../host/queue.ts';
import { RingError } from '../ring/errors.ts';
import type { DeviceQueue, QueueService } from './device.ts';
import type { NetDeviceOptions } from './net-options.ts';
import type { PacketLink } from './packet-link.ts';
import { Turn } from './turn.ts';

const NO_FRAME = -1;

/** What `collect` found: buffers enough, too few of them now, or the end of the turn. */
const ENOUGH = 0;
const TOO_FEW = 1;
const TURN_OVER = 2;
type Collected = typeof ENOUGH | typeof TOO_FEW | typeof TURN_OVER;

/** A frame that was taken from the link and has not reached the guest yet. */
export interface HeldFrame {
  readonly bytes: Uint8Array;
  /** Bytes; -1: there is none. */
  length: number;
}

export interface NetReceiveOptions {
  link: PacketLink;
  headerBytes: number;
  /** MRG_RXBUF was negotiated. */
  mergeable: boolean;
  held: HeldFrame;
  onReceived: NetDeviceOptions['onReceived'];
}

export class NetReceive implements QueueService {
  requests = 0;
  brokenRequests = 0;
  failures = 0;
  bytes = 0;
  private readonly target: DeviceQueue;
  private readonly link: PacketLink;
  private readonly headerBytes: number;
  private readonly mergeable: boolean;
  private readonly held: HeldFrame;
  private readonly turn = new Turn();
  private readonly onReceived: NetDeviceOptions['onReceived'];
  private readonly header = new Uint8Array(NET_HEADER_SIZE);
  /** Buffers taken for the packet at hand: the first `buffers` of these. */
  private readonly requestsTaken: Request[] = [];
  private buffers = 0;
  /** Their writable bytes. */
  private room = 0;
  /** How many of them were taken since the last one that was completed at once: only these can be handed back. */
  private returnable = 0;
  private stopped = false;

  constructor(target: DeviceQueue, { link, headerBytes, mergeable, held, onReceived }: NetReceiveOptions) {
    this.target = target;
    this.link = link;
    this.headerBytes = headerBytes;
    this.mergeable = mergeable;
    this.held = held;
    this.onReceived = onReceived;
    link.onReadable = target.wake;
    link.resume();
  }

  serve(): boolean {
    if (this.stopped) return false;
    const { turn } = this;
    const { queue } = this.target;
    turn.begin();
    queue.disableKicks();
    for (;;) {
      if (this.held.length === NO_FRAME) {
        this.held.length = this.link.receive(this.held.bytes);
        if (this.held.length === NO_FRAME) {
          this.link.resume();
          this.call();
          return false;
        }
      }
      const collected = this.collect();
      if (collected === TOO_FEW) {
        this.call();
        if (queue.enableKicks()) {
          this.link.pause();
          return false;
        }
        queue.disableKicks();
      } else if (collected === TURN_OVER) break;
      else {
        turn.spend(this.held.length);
        this.deliver();
        if (turn.isOverAfterOne()) break;
      }
    }
    this.call();
    return true;
  }

  stop(): void {
    this.stopped = true;
    this.link.onReadable = null;
    const { queue } = this.target;
    try {
      queue.rewind(this.returnable);
      for (let i = 0; i < this.buffers - this.returnable; i++) queue.complete(this.requestsTaken[i]!, 0);
      this.call();
    } catch (error) {
      // A broken ring takes nothing back; whoever called `serve` knows.
      if (!(error instanceof RingError)) throw error;
    }
  }

  /** Takes buffers until the frame at hand fits. */
  private collect(): Collected {
    const needed = this.headerBytes + this.held.length;
    const { size } = this.target.queue;
    while (this.room < needed && this.buffers < (this.mergeable ? size : 1)) {
      if (!this.take()) return TOO_FEW;
      // Bounded also where every buffer is broken and comes again at once. The last buffer counts with its frame.
      if (this.room < needed && this.turn.isOverAfterOne()) return TURN_OVER;
    }
    return ENOUGH;
  }

  /** Takes one more buffer. False: none is available. */
  private take(): boolean {
    const { queue, memory } = this.target;
    let request = this.requestsTaken[this.buffers];
    if (request === undefined) {
      request = new Request(memory);
      this.requestsTaken.push(request);
    }
    let room = 0;
    try {
      if (!queue.next(request)) return false;
      room = request.writable.totalBytes();
    } catch (error) {
      if (!(error instanceof RingError) || request.head >= queue.size) throw error;
      this.brokenRequests++;
    }
    if (room === 0) {
      // Broken, or nothing a byte could be written to.
      queue.complete(request, 0);
      this.requests++;
      this.returnable = 0;
    } else {
      this.buffers++;
      this.returnable++;
      this.room += room;
    }
    return true;
  }

  /** Writes header and frame into the buffers at hand, or drops the frame if they cannot hold it. */
  private deliver(): void {
    const { held, header, headerBytes } = this;
    const { queue } = this.target;
    const { length } = held;
    held.length = NO_FRAME;
    if (this.room < headerBytes + length) {
      this.failures++;
      this.onReceived?.(held.bytes, length, false);
      return;
    }
    header[NET_NUM_BUFFERS_OFFSET] = this.buffers & 0xff;
    header[NET_NUM_BUFFERS_OFFSET + 1] = this.buffers >>> 8;
    let headerDone = 0;
    let done = 0;
    for (let i = 0; i < this.buffers; i++) {
      const request = this.requestsTaken[i]!;
      const headerPart = request.writable.push(header, headerDone, headerBytes - headerDone);
      const part = request.writable.push(held.bytes, done, length - done);
      headerDone += headerPart;
      done += part;
      queue.completeDeferred(request, headerPart + part);
    }
    // All buffers of a packet at once: the guest reads as many as the header says [virtio-v1.2 §5.1.6.4].
    queue.publish();
    this.requests += this.buffers;
    this.bytes += length;
    this.onReceived?.(held.bytes, length, true);
    this.buffers = 0;
    this.returnable = 0;
    this.room = 0;
  }

  private call(): void {
    if (this.target.queue.needsCall()) this.target.call.ring();
  }
}
