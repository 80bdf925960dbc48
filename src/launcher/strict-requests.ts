/**
 * The framing that lguest's Launcher demands of requests, which the shared devices do not: they take any. On the
 * queue's own thread, for each request before its device sees it; the queue calls it (`LguestQueue`). It looks at the
 * queue's private copies of the descriptors alone, never at guest memory.
 */
import { BLK_HEADER_SIZE } from '../formats/block.ts';
import { CONSOLE_RECEIVE_QUEUE, CONSOLE_TRANSMIT_QUEUE } from '../formats/console.ts';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE, VIRTIO_ID_NET, VIRTIO_ID_RNG } from '../formats/ids.ts';
import { NET_HEADER_SIZE_LEGACY, NET_RECEIVE_QUEUE, NET_TRANSMIT_QUEUE } from '../formats/net.ts';
import type { ElementList } from '../host/element-list.ts';
import type { Request } from '../host/queue.ts';
import { BadGuest } from './bad-guest.ts';
import { hex } from './errors.ts';

/** @throws BadGuest */
export type RequestCheck = (request: Request) => void;

/** A structure that must be an element of its own. Alignments are those of a 32-bit guest. */
interface Framed {
  readonly name: string;
  readonly sizeBytes: number;
  readonly alignment: number;
}
const BLOCK_HEADER: Framed = { name: 'struct virtio_blk_outhdr', sizeBytes: BLK_HEADER_SIZE, alignment: 4 };
const BLOCK_FOOTER: Framed = { name: 'struct virtio_blk_inhdr', sizeBytes: 1, alignment: 1 };
const NET_HEADER: Framed = { name: 'struct virtio_net_hdr', sizeBytes: NET_HEADER_SIZE_LEGACY, alignment: 2 };

function checkFramed(list: ElementList, element: number, { name, sizeBytes, alignment }: Framed): void {
  const length = element < list.count ? list.lengths[element]! : 0;
  if (length !== sizeBytes) throw new BadGuest(`Bad iovec size ${length} for ${name}`);
  const address = list.addressOf(element);
  if (address % alignment !== 0) throw new BadGuest(`Bad alignment ${hex(address)} for ${name}`);
}

function checkBlock({ head, readable, writable }: Request): void {
  const [out, into] = [readable.count, writable.count];
  if (out === 0 || into === 0) throw new BadGuest(`Bad virtblk cmd ${head} out=${out} in=${into}`);
  checkFramed(readable, 0, BLOCK_HEADER);
  checkFramed(writable, into - 1, BLOCK_FOOTER);
}

function checkNetReceive({ readable, writable }: Request): void {
  if (readable.count > 0) throw new BadGuest('Output buffers in network recv queue?');
  checkFramed(writable, 0, NET_HEADER);
}

function checkNetTransmit({ readable, writable }: Request): void {
  if (writable.count > 0) throw new BadGuest('Input buffers in output queue?');
  checkFramed(readable, 0, NET_HEADER);
}

function checkConsoleInput({ readable }: Request): void {
  if (readable.count > 0) throw new BadGuest('Output buffers in console in queue?');
}

function checkConsoleOutput({ writable }: Request): void {
  if (writable.count > 0) throw new BadGuest('Input buffers in output queue?');
}

function checkEntropy({ readable }: Request): void {
  if (readable.count > 0) throw new BadGuest('Output buffers in entropy queue?');
}

/** By device number, then by queue. */
const CHECKS: Readonly<Record<number, Readonly<Record<number, RequestCheck>>>> = {
  [VIRTIO_ID_NET]: { [NET_RECEIVE_QUEUE]: checkNetReceive, [NET_TRANSMIT_QUEUE]: checkNetTransmit },
  [VIRTIO_ID_BLOCK]: { 0: checkBlock },
  [VIRTIO_ID_CONSOLE]: { [CONSOLE_RECEIVE_QUEUE]: checkConsoleInput, [CONSOLE_TRANSMIT_QUEUE]: checkConsoleOutput },
  [VIRTIO_ID_RNG]: { 0: checkEntropy },
};

/** What requests of a device's queue must be like. @throws RangeError for a queue that no launcher has */
export function requestCheck(deviceId: number, queue: number): RequestCheck {
  const check = CHECKS[deviceId]?.[queue];
  if (check === undefined) throw new RangeError(`the launcher has no queue ${queue} of device ${deviceId}`);
  return check;
}
