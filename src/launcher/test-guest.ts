/**
 * For tests: a guest that drives its console by hand, descriptor by descriptor, and does what its command line says.
 * Its console comes last on the bus; input and output queue are that device's first two fields.
 */
import {
  LGUEST_DESC_SIZE,
  LGUEST_FIELD_HEADER_SIZE,
  LGUEST_PAGE_SIZE,
  LGUEST_RING_ALIGN,
  LGUEST_VIRTQUEUE_NUM,
  LGUEST_VQ_IRQ,
  LGUEST_VQ_PFN,
  LGUEST_VQ_SIZE,
} from '../formats/lguest-bus.ts';
import { legacyLayout } from '../ring/split-layout.ts';
import type { Guest } from './guest.ts';

/** Where the guest keeps its buffers: behind the command line. */
const BUFFERS = 0x10000;
/** Of a wait for what does not come: a launch beside this one may take its time. */
const WAIT_MS = 60_000;
/** Milliseconds, one each, for which a buffer is late: input has come by then. */
const LATE_LOOKS = 300;
const F_NEXT = 1;
const F_WRITE = 2;

interface Queue {
  readonly address: number;
  readonly line: number;
}

export interface Part {
  readonly address: number;
  readonly length: number;
  readonly write?: boolean;
}

export class Machine {
  readonly guest: Guest;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  private readonly layout = legacyLayout(LGUEST_VIRTQUEUE_NUM, LGUEST_RING_ALIGN);

  constructor(guest: Guest) {
    this.guest = guest;
    this.view = new DataView(guest.memory.buffer);
    this.bytes = new Uint8Array(guest.memory.buffer);
  }

  /** Of the device at a place on the bus. */
  queue(device: number, index: number): Queue {
    let at = this.guest.devicePage;
    for (let i = 0; i < device; i++) at += LGUEST_DESC_SIZE + this.view.getUint8(at + 1);
    const value =
      at + LGUEST_DESC_SIZE + index * (LGUEST_FIELD_HEADER_SIZE + LGUEST_VQ_SIZE) + LGUEST_FIELD_HEADER_SIZE;
    return {
      address: this.view.getUint32(value + LGUEST_VQ_PFN, true) * LGUEST_PAGE_SIZE,
      line: this.view.getUint16(value + LGUEST_VQ_IRQ, true),
    };
  }

  /** The console, behind so many devices. */
  consoleIndex(): number {
    let at = this.guest.devicePage;
    for (let i = 0; ; i++) {
      at += LGUEST_DESC_SIZE + this.view.getUint8(at + 1);
      if (this.view.getUint8(at) === 0) return i;
    }
  }

  /** A chain at descriptor 0 on, made available and notified. */
  offer(queue: Queue, parts: readonly Part[], head = 0): void {
    this.add(queue, parts, head);
    this.guest.notify(queue.address);
  }

  /** The same without a kick. */
  add(queue: Queue, parts: readonly Part[], head = 0): void {
    this.write(queue, parts, head);
    this.publish(queue, head);
  }

  /** The chain alone: it is not available. */
  write({ address }: Queue, parts: readonly Part[], head = 0): void {
    for (const [i, { address: data, length, write = false }] of parts.entries()) {
      const at = address + 16 * (head + i);
      this.view.setBigUint64(at, BigInt(data), true);
      this.view.setUint32(at + 8, length, true);
      this.view.setUint16(at + 12, (i < parts.length - 1 ? F_NEXT : 0) | (write ? F_WRITE : 0), true);
      this.view.setUint16(at + 14, head + i + 1, true);
    }
  }

  publish({ address }: Queue, head: number): void {
    const avail = address + this.layout.availOffset;
    const index = this.view.getUint16(avail + 2, true);
    this.view.setUint16(avail + 4 + 2 * (index % LGUEST_VIRTQUEUE_NUM), head, true);
    Atomics.store(new Uint16Array(this.guest.memory.buffer), (avail + 2) / 2, index + 1);
  }

  usedIndex({ address }: Queue): number {
    return Atomics.load(new Uint16Array(this.guest.memory.buffer), (address + this.layout.usedOffset + 2) / 2);
  }

  /** Offers, and waits until that many requests of the queue are used. The length that the last one was answered with. */
  serve(queue: Queue, parts: readonly Part[]): number {
    const wanted = this.usedIndex(queue) + 1;
    this.offer(queue, parts);
    while (this.usedIndex(queue) !== wanted)
      if (this.guest.waitForInterrupt(WAIT_MS) === 0) this.guest.halt('no interrupt came');
    const used = queue.address + this.layout.usedOffset + 4 + 8 * ((wanted - 1) % LGUEST_VIRTQUEUE_NUM);
    return this.view.getUint32(used + 4, true);
  }

  /** Text in the guest's memory. */
  put(text: string, address = BUFFERS): Part {
    const encoded = new TextEncoder().encode(text);
    this.bytes.set(encoded, address);
    return { address, length: encoded.length };
  }
}

type Act = (machine: Machine, argument: string) => void;

const early: Act = ({ guest }, text) => {
  new Uint8Array(guest.memory.buffer).set(new TextEncoder().encode(`${text}\0`), BUFFERS);
  guest.notify(BUFFERS);
};

const ACTS: Record<string, Act> = {
  // Output, then the end at once: nobody waits for it.
  print: (machine, text) => machine.offer(machine.queue(machine.consoleIndex(), 1), [machine.put(text)]),
  say: (machine, text) => {
    machine.serve(machine.queue(machine.consoleIndex(), 1), [machine.put(text)]);
  },
  // Pieces of 64 KiB of output, as many as asked for, then the end at once.
  pour: (machine, count) => {
    const queue = machine.queue(machine.consoleIndex(), 1);
    for (let head = 0; head < Number(count); head++) machine.offer(queue, [{ address: BUFFERS, length: 65536 }], head);
  },
  // Output of 120 MiB and more in each of 50 chains, which run into one another.
  flood: (machine) => {
    const queue = machine.queue(machine.consoleIndex(), 1);
    const part = { address: 0, length: 2 ** 21 };
    machine.write(
      queue,
      Array.from({ length: 110 }, () => part),
    );
    for (let head = 49; head >= 0; head--) machine.publish(queue, head);
    machine.guest.notify(queue.address);
  },
  early,
  // By the console and as early text in turn, without waiting for either.
  alternate: (machine, count) => {
    const output = machine.queue(machine.consoleIndex(), 1);
    for (let i = 0; i < Number(count); i++) {
      machine.offer(output, [machine.put(`c${i} `, BUFFERS + 0x100 + 16 * i)], i);
      early(machine, `e${i} `);
    }
  },
  // Gives a buffer for input once it says so, kicks nothing, and says what came.
  'hear-unkicked': (machine, when) => {
    const device = machine.consoleIndex();
    const input = machine.queue(device, 0);
    if (when === 'driven') machine.guest.setStatus(device, 7);
    else if (when === 'late') machine.serve(machine.queue(device, 1), [machine.put('ready')]);
    for (let look = 0; when === 'late' && look < LATE_LOOKS; look++) machine.guest.waitForInterrupt(1);
    machine.add(input, [{ address: BUFFERS + 0x100, length: 64, write: true }]);
    if (when !== 'late') early(machine, 'ready');
    while (machine.usedIndex(input) === 0)
      if (machine.guest.waitForInterrupt(WAIT_MS) === 0) machine.guest.halt('no input came');
    const heard = machine.bytes.slice(BUFFERS + 0x100, BUFFERS + 0x100 + 8);
    early(machine, new TextDecoder().decode(heard.subarray(0, heard.indexOf(0))));
  },
  // Gives the first device, a network, a buffer without a kick, and waits for a frame.
  'receive-unkicked': (machine) => {
    const receive = machine.queue(0, 0);
    machine.add(receive, [
      { address: BUFFERS + 0x1000, length: 10, write: true },
      { address: BUFFERS + 0x2000, length: 1514, write: true },
    ]);
    machine.guest.setStatus(0, 7);
    while (machine.usedIndex(receive) === 0)
      if (machine.guest.waitForInterrupt(WAIT_MS) === 0) machine.guest.halt('no frame came');
  },
  // Sends the first device, a loopback, a frame for which it has no buffer.
  'no-buffer': (machine, status) => {
    machine.guest.setStatus(0, Number(status));
    const send = machine.queue(0, 1);
    machine.serve(send, [
      { address: BUFFERS, length: 10 },
      { address: BUFFERS + 0x3000, length: 60 },
    ]);
  },
  // A SCSI command to the first device, a disk: the answer is that there is none.
  scsi: (machine, count) => {
    machine.view.setUint32(BUFFERS, 2, true);
    const status: Part = { address: BUFFERS + 16, length: 1, write: true };
    for (let i = 0; i < Number(count); i++)
      machine.serve(machine.queue(0, 0), [{ address: BUFFERS, length: 16 }, status]);
    if (machine.bytes[status.address] !== 2) machine.guest.halt(`scsi: status ${machine.bytes[status.address]}`);
  },
  // Early text: a number of pieces, or without end.
  babble: ({ guest, bytes }, pieces) => {
    bytes.fill(0x2e, BUFFERS, BUFFERS + 4096);
    for (let left = pieces === '' ? Infinity : Number(pieces); left > 0; left--) guest.notify(BUFFERS);
  },
  // Console output without end.
  chatter: (machine) => {
    const text = machine.put('.'.repeat(4096));
    for (;;) machine.serve(machine.queue(machine.consoleIndex(), 1), [text]);
  },
  // Says what it is told, with a mark, until it is told nothing but a line's end.
  parrot: (machine) => {
    const device = machine.consoleIndex();
    for (;;) {
      const length = machine.serve(machine.queue(device, 0), [{ address: BUFFERS + 1, length: 64, write: true }]);
      if (length <= 1) return;
      machine.bytes[BUFFERS] = 0x3e;
      machine.serve(machine.queue(device, 1), [{ address: BUFFERS, length: length + 1 }]);
    }
  },
  // Writes a sector of the first device, reads it back and compares.
  sector: (machine, sector) => {
    const queue = machine.queue(0, 0);
    const header = (type: number): Part => {
      machine.view.setUint32(BUFFERS, type, true);
      machine.view.setBigUint64(BUFFERS + 8, BigInt(sector), true);
      return { address: BUFFERS, length: 16 };
    };
    const status: Part = { address: BUFFERS + 16, length: 1, write: true };
    const [out, into] = [BUFFERS + 0x1000, BUFFERS + 0x2000];
    for (let i = 0; i < 512; i++) machine.bytes[out + i] = i * 7;
    machine.serve(queue, [header(1), { address: out, length: 512 }, status]);
    if (machine.bytes[status.address] !== 0) machine.guest.halt(`write: status ${machine.bytes[status.address]}`);
    const length = machine.serve(queue, [header(0), { address: into, length: 512, write: true }, status]);
    if (machine.bytes[status.address] !== 0) machine.guest.halt(`read: status ${machine.bytes[status.address]}`);
    for (let i = 0; i < 512; i++)
      if (machine.bytes[into + i] !== ((i * 7) & 0xff)) machine.guest.halt(`byte ${i} of ${length} is wrong`);
  },
  // A frame to the first device, which comes back.
  frame: (machine) => {
    const [receive, send] = [machine.queue(0, 0), machine.queue(0, 1)];
    machine.offer(receive, [
      { address: BUFFERS + 0x1000, length: 10, write: true },
      { address: BUFFERS + 0x2000, length: 1514, write: true },
    ]);
    for (let i = 0; i < 60; i++) machine.bytes[BUFFERS + 0x3000 + i] = i + 1;
    machine.offer(send, [
      { address: BUFFERS, length: 10 },
      { address: BUFFERS + 0x3000, length: 60 },
    ]);
    while (machine.usedIndex(receive) === 0)
      if (machine.guest.waitForInterrupt(WAIT_MS) === 0) machine.guest.halt('no frame came');
    for (let i = 0; i < 60; i++) if (machine.bytes[BUFFERS + 0x2000 + i] !== i + 1) machine.guest.halt(`byte ${i}`);
  },
  'output-with-input': (machine) =>
    machine.offer(machine.queue(machine.consoleIndex(), 1), [{ address: BUFFERS, length: 8, write: true }]),
  'next-outside': (machine) => {
    const queue = machine.queue(machine.consoleIndex(), 1);
    machine.view.setUint16(queue.address + 14, 4242, true);
    machine.view.setUint16(queue.address + 12, F_NEXT, true);
    machine.view.setUint32(queue.address + 8, 1, true);
    const avail = queue.address + legacyLayout(LGUEST_VIRTQUEUE_NUM, LGUEST_RING_ALIGN).availOffset;
    machine.view.setUint16(avail + 2, 1, true);
    machine.guest.notify(queue.address);
  },
  'bad-block-header': (machine) =>
    machine.offer(machine.queue(0, 0), [
      { address: BUFFERS, length: 15 },
      { address: BUFFERS + 16, length: 1, write: true },
    ]),
  'write-past-end': (machine, sector) => {
    machine.view.setUint32(BUFFERS, 1, true);
    machine.view.setBigUint64(BUFFERS + 8, BigInt(sector), true);
    machine.offer(machine.queue(0, 0), [
      { address: BUFFERS, length: 16 },
      { address: BUFFERS + 0x1000, length: 1024 },
      { address: BUFFERS + 16, length: 1, write: true },
    ]);
  },
  poke: (machine) => machine.offer(machine.queue(0, 0), [{ address: BUFFERS, length: 8, write: true }]),
  wait: ({ guest }) => {
    guest.waitForInterrupt(Infinity);
  },
  loop: () => {
    for (;;);
  },
  die: ({ guest }, reason) => guest.halt(reason),
  notify: ({ guest }, address) => guest.notify(Number(address)),
};

/** Several acts stand one behind the other, with a semicolon between them. */
export default (guest: Guest): void => {
  const machine = new Machine(guest);
  for (const act of guest.commandLine.split(';')) {
    const [verb = '', ...rest] = act.trim().split(' ');
    ACTS[verb]?.(machine, rest.join(' '));
  }
};
