/**
 * One turn of each device's queues, whatever a guest makes available: bytes moved in one call of `serve` are bounded,
 * and what a guest asks for comes all the same. Bytes are counted, no time is measured.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { BLK_SEGMENT_SIZE, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_WRITE_ZEROES } from '../formats/block.ts';
import { FRAME_MAX } from '../formats/net.ts';
import type { ElementList } from '../host/element-list.ts';
import { VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE, VRING_DESC_SIZE } from '../ring/constants.ts';
import { BlockDevice } from './block.ts';
import { CONSOLE_TURN_BYTES, ConsoleDevice } from './console.ts';
import { type ConsolePort, StreamPort } from './console-port.ts';
import type { Device } from './device.ts';
import type { Disk } from './disk.ts';
import { EntropyDevice } from './entropy.ts';
import { FileDisk } from './file-disk.ts';
import { NetDevice } from './net.ts';
import { openDisk } from './open-device.ts';
import type { PacketLink } from './packet-link.ts';
import { started, TestQueue } from './test-queue.ts';
import { SERVE_MAX, TURN_BYTES_MAX } from './turn.ts';

const MiB = 2 ** 20;
/** Memory of the guest that all elements share, and where in it the header, the table, and the status are. */
const DATA = MiB;
const ELEMENT = 4 * MiB;
const MEMORY_BYTES = DATA + ELEMENT;
const TABLE = 4096;

const folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
after(() => rmSync(folder, { recursive: true }));
const IMAGE = join(folder, 'sparse.img');
writeFileSync(IMAGE, '');
truncateSync(IMAGE, 16 * 2 ** 30);

/** A disk of any size without content, which counts what it is asked for. */
class CountingDisk implements Disk {
  readonly sizeBytes = 16 * 2 ** 30;
  readonly readOnly = false;
  bytes = 0;
  private readonly disk: Disk | null;

  /** @param disk what does the work; null: nothing */
  constructor(disk: Disk | null) {
    this.disk = disk;
  }
  read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    this.bytes += lengthBytes;
    if (this.disk !== null) return this.disk.read(into, offsetBytes, lengthBytes);
    into.skipWritten(lengthBytes);
    return undefined;
  }
  write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    this.bytes += lengthBytes;
    if (this.disk !== null) return this.disk.write(from, offsetBytes, lengthBytes);
    from.skip(lengthBytes);
    return undefined;
  }
  writeZeroes(_offsetBytes: number, lengthBytes: number): undefined {
    this.bytes += lengthBytes;
  }
  flush(): undefined {}
  close(): void {
    this.disk?.close();
  }
}

/** What takes everything, and has always more. */
class Endless {
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  bytes = 0;
  protected take(length: number): true {
    this.bytes += length;
    return true;
  }
  pause(): void {}
  resume(): void {}
  close(): void {}
}
class EndlessPort extends Endless implements ConsolePort {
  read(_into: Uint8Array, length: number): number {
    this.take(length);
    return length;
  }
  write(_bytes: Uint8Array, length: number): boolean {
    return this.take(length);
  }
}
class EndlessLink extends Endless implements PacketLink {
  receive(): number {
    this.take(FRAME_MAX);
    return FRAME_MAX;
  }
  send(_bytes: Uint8Array, length: number): boolean {
    return this.take(length);
  }
}

/** What every head of the ring names: one table of `count` elements over the same memory, behind a header if any. */
interface Shape {
  readonly header?: Uint8Array;
  readonly count: number;
  readonly elementBytes: number;
  readonly write: boolean;
  /** One writable byte behind. */
  readonly status?: boolean;
}

function offerEverywhere(queue: TestQueue, { header, count, elementBytes, write, status = false }: Shape): void {
  const { data, driver } = queue;
  const entries: { offset: number; length: number; flags: number }[] = [];
  if (header !== undefined) {
    data.u8.set(header, 0);
    entries.push({ offset: 0, length: header.length, flags: 0 });
  }
  for (let i = 0; i < count; i++)
    entries.push({ offset: DATA, length: elementBytes, flags: write ? VRING_DESC_F_WRITE : 0 });
  if (status) entries.push({ offset: 1024, length: 1, flags: VRING_DESC_F_WRITE });
  const view = new DataView(data.u8.buffer, data.u8.byteOffset);
  for (const [i, { offset, length, flags }] of entries.entries()) {
    const at = TABLE + i * VRING_DESC_SIZE;
    const isLast = i === entries.length - 1;
    view.setBigUint64(at, BigInt(data.guestBase + offset), true);
    view.setUint32(at + 8, length, true);
    view.setUint16(at + 12, flags | (isLast ? 0 : VRING_DESC_F_NEXT), true);
    view.setUint16(at + 14, isLast ? 0 : i + 1, true);
  }
  for (let head = 0; head < queue.target.queue.size; head++) {
    driver.writeDescriptor(head, {
      offset: TABLE,
      length: entries.length * VRING_DESC_SIZE,
      flags: VRING_DESC_F_INDIRECT,
    });
    driver.offer(head);
  }
}

const blockHeader = (type: number, ...segments: readonly [sector: number, sectors: number][]) => {
  const bytes = new Uint8Array(16 + BLK_SEGMENT_SIZE * segments.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  for (const [i, [sector, sectors]] of segments.entries()) {
    view.setBigUint64(16 + 16 * i, BigInt(sector), true);
    view.setUint32(24 + 16 * i, sectors, true);
  }
  return bytes;
};

const FULL_SEGMENTS = Array.from({ length: 16 }, (_, i): [number, number] => [32768 * i, 32768]);
const reads = { header: blockHeader(VIRTIO_BLK_T_IN), count: 1000, elementBytes: ELEMENT, write: true, status: true };
const writes = { ...reads, header: blockHeader(VIRTIO_BLK_T_OUT), write: false };

interface Case {
  readonly what: string;
  readonly open: () => { device: Device; counted: { readonly bytes: number } };
  readonly index: number;
  readonly shape: Shape;
  /** Bytes of one turn, and of all that one request may move; null: more than is waited for. */
  readonly turnBytes: number;
  readonly requestBytes: number | null;
}

const onDisk = (disk: Disk | null) => () => {
  const counted = new CountingDisk(disk);
  return { device: new BlockDevice({ disk: counted }), counted };
};
const onPort = () => {
  const port = new EndlessPort();
  return { device: new ConsoleDevice({ port }), counted: port };
};
const onLink = () => {
  const link = new EndlessLink();
  return { device: new NetDevice({ link }), counted: link };
};

const block = { index: 0, turnBytes: TURN_BYTES_MAX };
const cases: Case[] = [
  { ...block, what: 'block reads', open: onDisk(null), shape: reads, requestBytes: 1000 * ELEMENT },
  { ...block, what: 'block writes', open: onDisk(null), shape: writes, requestBytes: 1000 * ELEMENT },
  {
    ...block,
    what: 'block reads of a file, a call an element',
    open: () => onDisk(new FileDisk({ path: IMAGE }))(),
    shape: reads,
    requestBytes: null,
  },
  {
    ...block,
    what: 'block reads of a file, a call a piece',
    open: () => onDisk(openDisk({ path: IMAGE }))(),
    shape: reads,
    requestBytes: null,
  },
  {
    ...block,
    what: 'block zeroes',
    open: onDisk(null),
    shape: {
      header: blockHeader(VIRTIO_BLK_T_WRITE_ZEROES, ...FULL_SEGMENTS),
      count: 0,
      elementBytes: 0,
      write: false,
      status: true,
    },
    requestBytes: 16 * 32768 * 512,
  },
  {
    what: 'console output',
    open: onPort,
    index: 1,
    shape: { count: 15, elementBytes: ELEMENT, write: false },
    turnBytes: CONSOLE_TURN_BYTES,
    requestBytes: 15 * ELEMENT,
  },
  {
    what: 'console input',
    open: onPort,
    index: 0,
    shape: { count: 15, elementBytes: ELEMENT, write: true },
    turnBytes: CONSOLE_TURN_BYTES,
    requestBytes: 4096,
  },
  {
    what: 'net transmit',
    open: onLink,
    index: 1,
    shape: { count: 1, elementBytes: FRAME_MAX + 12, write: false },
    turnBytes: TURN_BYTES_MAX,
    requestBytes: FRAME_MAX,
  },
  {
    what: 'net receive',
    open: onLink,
    index: 0,
    shape: { count: 1, elementBytes: ELEMENT, write: true },
    turnBytes: TURN_BYTES_MAX,
    requestBytes: FRAME_MAX,
  },
];

for (const { what, open, index, shape, turnBytes, requestBytes } of cases)
  test(`turns: 256 heads with one table of ${what}: each turn is bounded, and each request ends`, () => {
    const { device, counted } = open();
    const queue = new TestQueue({ size: 1024, dataBytes: MEMORY_BYTES });
    const service = started(device, index, queue, device.features | (1n << 32n));
    offerEverywhere(queue, shape);
    // A turn that time ends is shorter, on a slow machine; none is longer.
    const turnsMax = requestBytes === null ? 20 : 10 * Math.ceil(requestBytes / 4096);
    let turns = 0;
    for (; turns < turnsMax && service.requests === 0; turns++) {
      const before = counted.bytes;
      assert.equal(service.serve(), true, 'more is waiting');
      assert.ok(counted.bytes - before <= 2 * turnBytes, `${counted.bytes - before} bytes in turn ${turns}`);
      assert.ok(counted.bytes > before, 'each turn does something');
    }
    if (requestBytes !== null) {
      assert.ok(service.requests > 0);
      assert.ok(service.brokenRequests === 0 && counted.bytes >= requestBytes);
    }
    assert.equal(service.stop(), undefined, 'what is unfinished waits for nothing');
    assert.doesNotThrow(() => queue.target.queue.state());
    device.close();
  });

test('turns: output that is lost, as of a console without streams, is lost in turns, too', () => {
  const queue = new TestQueue({ size: 1024, dataBytes: MEMORY_BYTES });
  const service = started(new ConsoleDevice({ port: new StreamPort(null, null) }), 1, queue);
  offerEverywhere(queue, { count: 1000, elementBytes: ELEMENT, write: false });
  for (let turns = 1; turns < 10; turns++) {
    const before = service.bytes;
    assert.equal(service.serve(), true);
    assert.ok(service.bytes > before && service.bytes <= before + 2 * CONSOLE_TURN_BYTES);
  }
});

test('turns: entropy for 256 requests of 4 GiB', () => {
  const queue = new TestQueue({ size: 1024, dataBytes: MEMORY_BYTES });
  const service = started(new EntropyDevice(), 0, queue);
  offerEverywhere(queue, { count: 1000, elementBytes: ELEMENT, write: true });
  for (let turns = 1; turns < 4; turns++) {
    const before = service.bytes;
    assert.equal(service.serve(), true);
    assert.ok(service.bytes > before && service.bytes <= before + 2 * TURN_BYTES_MAX);
  }
});

test('turns: a frame over buffers of a byte each is collected in turns', () => {
  const link = new EndlessLink();
  let frames = 1;
  link.receive = () => (frames-- > 0 ? 1000 : -1);
  const size = 1024;
  const queue = new TestQueue({ size, dataBytes: MEMORY_BYTES });
  const service = started(new NetDevice({ link }), 0, queue);
  for (let head = 0; head < size; head++) queue.offer(head, [{ offset: DATA + head, length: 1, write: true }]);
  let turns = 1;
  for (; service.serve(); turns++) assert.ok([0, 1012].includes(service.requests), 'all buffers of a packet at once');
  assert.ok(turns > 1012 / SERVE_MAX, `${turns} turns`);
  assert.deepEqual([service.requests, service.failures], [1012, 0]);
});
