import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VIRTIO_ID_BLOCK, VIRTIO_ID_CONSOLE, VIRTIO_ID_NET, VIRTIO_ID_RNG } from '../formats/ids.ts';
import { Request } from '../host/queue.ts';
import { RingError, type RingErrorCode } from '../ring/errors.ts';
import { BadGuest, badGuestOf } from './bad-guest.ts';
import { requestCheck } from './strict-requests.ts';
import { BusQueue, type Element } from './test-bus-queue.ts';

const BLOCK: [number, number] = [VIRTIO_ID_BLOCK, 0];
const RECEIVE: [number, number] = [VIRTIO_ID_NET, 0];
const TRANSMIT: [number, number] = [VIRTIO_ID_NET, 1];
const INPUT: [number, number] = [VIRTIO_ID_CONSOLE, 0];
const OUTPUT: [number, number] = [VIRTIO_ID_CONSOLE, 1];
const ENTROPY: [number, number] = [VIRTIO_ID_RNG, 0];

const cases: [string, [number, number], Element[], string | null][] = [
  // what, device and queue, elements, why the guest is stopped
  [
    'a read',
    BLOCK,
    [
      ['out', 0, 16],
      ['in', 64, 512],
      ['in', 16, 1],
    ],
    null,
  ],
  [
    'a write of many elements',
    BLOCK,
    [
      ['out', 4, 16],
      ['out', 64, 100],
      ['out', 200, 412],
      ['in', 16, 1],
    ],
    null,
  ],
  [
    'a flush',
    BLOCK,
    [
      ['out', 0, 16],
      ['in', 17, 1],
    ],
    null,
  ],
  [
    'no footer',
    BLOCK,
    [
      ['out', 0, 16],
      ['out', 64, 512],
    ],
    'Bad virtblk cmd 3 out=2 in=0',
  ],
  [
    'no header',
    BLOCK,
    [
      ['in', 64, 512],
      ['in', 16, 1],
    ],
    'Bad virtblk cmd 3 out=0 in=2',
  ],
  [
    'a short header',
    BLOCK,
    [
      ['out', 0, 15],
      ['in', 16, 1],
    ],
    'Bad iovec size 15 for struct virtio_blk_outhdr',
  ],
  [
    'a header with data in it',
    BLOCK,
    [
      ['out', 0, 528],
      ['in', 16, 1],
    ],
    'Bad iovec size 528 for struct virtio_blk_outhdr',
  ],
  [
    'an empty element first, which counts for nothing',
    BLOCK,
    [
      ['out', 0, 0],
      ['out', 0, 16],
      ['in', 16, 1],
    ],
    null,
  ],
  [
    'a header between words',
    BLOCK,
    [
      ['out', 0x1002, 16],
      ['in', 16, 1],
    ],
    'Bad alignment 0x1002 for struct virtio_blk_outhdr',
  ],
  [
    'a footer with data before it',
    BLOCK,
    [
      ['out', 0, 16],
      ['in', 64, 513],
    ],
    'Bad iovec size 513 for struct virtio_blk_inhdr',
  ],
  [
    'an empty footer',
    BLOCK,
    [
      ['out', 0, 16],
      ['in', 64, 512],
      ['in', 0, 0],
    ],
    'Bad iovec size 512 for struct virtio_blk_inhdr',
  ],
  [
    'a packet',
    TRANSMIT,
    [
      ['out', 2, 10],
      ['out', 64, 60],
    ],
    null,
  ],
  [
    'a packet for the host to write',
    TRANSMIT,
    [
      ['out', 0, 10],
      ['in', 64, 60],
    ],
    'Input buffers in output queue?',
  ],
  [
    'a packet with the long header',
    TRANSMIT,
    [
      ['out', 0, 12],
      ['out', 64, 60],
    ],
    'Bad iovec size 12 for struct virtio_net_hdr',
  ],
  ['a packet in one element', TRANSMIT, [['out', 0, 70]], 'Bad iovec size 70 for struct virtio_net_hdr'],
  [
    'a packet with an odd header',
    TRANSMIT,
    [
      ['out', 33, 10],
      ['out', 64, 60],
    ],
    'Bad alignment 0x21 for struct virtio_net_hdr',
  ],
  [
    'a buffer',
    RECEIVE,
    [
      ['in', 0, 10],
      ['in', 64, 1514],
    ],
    null,
  ],
  [
    'a buffer to be read',
    RECEIVE,
    [
      ['out', 0, 10],
      ['in', 64, 1514],
    ],
    'Output buffers in network recv queue?',
  ],
  ['a buffer in one element', RECEIVE, [['in', 0, 1524]], 'Bad iovec size 1524 for struct virtio_net_hdr'],
  [
    'a buffer with an odd header',
    RECEIVE,
    [
      ['in', 35, 10],
      ['in', 64, 1514],
    ],
    'Bad alignment 0x23 for struct virtio_net_hdr',
  ],
  [
    'room for input',
    INPUT,
    [
      ['in', 0, 1],
      ['in', 3, 7],
    ],
    null,
  ],
  [
    'input to be read',
    INPUT,
    [
      ['out', 0, 1],
      ['in', 3, 7],
    ],
    'Output buffers in console in queue?',
  ],
  [
    'output',
    OUTPUT,
    [
      ['out', 0, 1],
      ['out', 3, 7],
    ],
    null,
  ],
  [
    'output to be written',
    OUTPUT,
    [
      ['out', 0, 1],
      ['in', 3, 7],
    ],
    'Input buffers in output queue?',
  ],
  ['room for entropy', ENTROPY, [['in', 0, 64]], null],
  ['entropy to be read', ENTROPY, [['out', 0, 64]], 'Output buffers in entropy queue?'],
];
for (const [what, [device, index], elements, reason] of cases)
  test(`bad guest: ${what}: ${reason ?? 'passes'}`, () => {
    const { queue, target, offer } = bind(new BusQueue(device, index));
    const request = new Request(target.memory);
    offer(3, elements);
    if (reason === null) {
      assert.equal(queue.next(request), true);
      assert.equal(request.head, 3);
      return;
    }
    const expected = { name: 'BadGuest', message: reason };
    assert.throws(() => queue.next(request), expected);
    // The queue's last word.
    offer(6, elements);
    assert.throws(() => queue.next(request), expected);
  });

function bind(bus: BusQueue) {
  return { queue: bus.queue, target: bus.target, offer: bus.offer.bind(bus) };
}

test('bad guest: what was in flight before a bad request is still completed', () => {
  const bus = new BusQueue(...OUTPUT);
  const request = new Request(bus.target.memory);
  bus.offer(1, [['out', 0, 4]]);
  bus.queue.next(request);
  bus.offer(2, [['in', 0, 4]]);
  assert.throws(() => bus.queue.next(new Request(bus.target.memory)), BadGuest);
  bus.queue.complete(request, 0);
  assert.deepEqual(bus.used(), [{ id: 1, length: 0 }]);
});

test('bad guest: no check for a queue that is not on the bus', () => {
  assert.throws(() => requestCheck(VIRTIO_ID_BLOCK, 1), RangeError);
  assert.throws(() => requestCheck(99, 0), RangeError);
});

const words: [RingErrorCode, number, number, string][] = [
  // code, index, value, words
  ['avail-index-jump', 3, 200, 'Guest moved used index from 3 to 200 (net out)'],
  ['avail-head-out-of-range', 3, 128, 'Guest says index 128 is available (net out)'],
  ['avail-head-in-flight', 3, 7, 'Guest says index 7 is available, but it is in flight (net out)'],
  ['next-out-of-range', 3, 129, 'Desc next is 129 (net out)'],
  ['descriptor-loop', 3, 4, 'Looped descriptor 4 (net out)'],
  ['readable-after-writable', 3, 100, 'Descriptor 3 has out after in (net out)'],
  ['address-outside-memory', 3, 0xdeadbeef, 'Invalid address 0xdeadbeef (net out)'],
];
for (const [code, index, value, text] of words)
  test(`bad guest: a broken ring in lguest's words: ${text}`, () => {
    const error = new RingError(code, 'net out', index, value);
    const bad = badGuestOf(error);
    assert.equal(bad?.message, text);
    assert.equal(bad?.cause, error);
  });

test('bad guest: every other ring error keeps its own words; what is no fault of the guest is no bad guest', () => {
  const error = new RingError('indirect-not-negotiated', 'net out', 1, 4);
  assert.equal(badGuestOf(error)?.message, error.message);
  const bad = new BadGuest('Bad NOTIFY 0x1');
  assert.equal(badGuestOf(bad), bad);
  assert.equal(badGuestOf(new RangeError('ours')), null);
});
