import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATE, wordsOf } from '../../doorbell/words.ts';
import { InterruptLine, stopInterrupts } from '../interrupts.ts';
import { makeGuest } from './hypercalls.ts';
import { LIMIT_BYTES, PAGE, RAM_BYTES, testBoot, UNSERVED } from './test-boot.ts';

/** In the place of a thread's end. */
class Ended extends Error {}

function setUp() {
  const boot = testBoot({ pages: [1, 2] });
  const seen: unknown[] = [];
  const end = (what: unknown): never => {
    seen.push(what);
    throw new Ended();
  };
  const guest = makeGuest(boot, {
    print: (text) => seen.push(new TextDecoder().decode(text)),
    notified: () => {},
    halted: () => end('halted'),
    died: (reason) => end({ died: reason }),
  });
  const kicked = () => boot.rings.map(({ kick }) => kick !== null && Atomics.load(wordsOf(kick), STATE) !== 0);
  const write = (address: number, text: string) =>
    new Uint8Array(boot.memory.buffer).set(new TextEncoder().encode(text), address);
  /** Calls it, whether or not the guest ends. */
  const call = (what: (g: typeof guest) => void) => {
    try {
      what(guest);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
    }
    return seen.splice(0);
  };
  return { boot, guest, kicked, write, call };
}

const notifies: [string, number, readonly boolean[], readonly unknown[]][] = [
  // what, address, rings kicked, what is told
  ["a ring's first byte", PAGE, [true, false, false], []],
  ["a ring's last byte", 2 * PAGE - 1, [true, false, false], []],
  ['the next ring', 2 * PAGE, [false, true, false], []],
  ["nobody's ring", UNSERVED * PAGE + 8, [false, false, false], []],
  ['behind a ring: text, and none is there', 3 * PAGE, [false, false, false], []],
  ['text', 3 * PAGE + 16, [false, false, false], ['early text']],
  ['address 0', 0, [false, false, false], []],
  ['the last byte below the limit: text to the end', LIMIT_BYTES - 1, [false, false, false], ['!']],
  ['the limit', LIMIT_BYTES, [false, false, false], [{ died: `Bad NOTIFY 0x${LIMIT_BYTES.toString(16)}` }]],
  ['the last 32-bit address', 0xffff_ffff, [false, false, false], [{ died: 'Bad NOTIFY 0xffffffff' }]],
  ['below 0', -1, [false, false, false], [{ died: 'Bad NOTIFY -1' }]],
  ['half an address', PAGE + 0.5, [false, false, false], [{ died: 'Bad NOTIFY 4096.5' }]],
  ['no number', Number.NaN, [false, false, false], [{ died: 'Bad NOTIFY NaN' }]],
  ['no end', Infinity, [false, false, false], [{ died: 'Bad NOTIFY Infinity' }]],
  ['a word', 'ring' as unknown as number, [false, false, false], [{ died: 'Bad NOTIFY ring' }]],
];
for (const [what, address, rings, told] of notifies)
  test(`hypercalls: notify: ${what}`, () => {
    const { kicked, write, call } = setUp();
    write(3 * PAGE + 16, 'early text\0');
    write(LIMIT_BYTES - 1, '!');
    assert.deepEqual(
      call((guest) => guest.notify(address)),
      told,
    );
    assert.deepEqual(kicked(), rings);
  });

test('hypercalls: early text longer than a piece comes whole', () => {
  const { write, call } = setUp();
  const text = 'abcdefg'.repeat(1500);
  write(6 * PAGE + 5, `${text}\0not this`);
  const pieces = call((guest) => guest.notify(6 * PAGE + 5)) as string[];
  assert.equal(pieces.length, 3);
  assert.equal(pieces.join(''), text);
});

const statuses: [string, number, number, readonly unknown[]][] = [
  // what, device, status, what is told
  ['of the first device', 0, 7, []],
  ['of the last device', 1, 0x80, []],
  ['of no device', 2, 1, [{ died: 'Bad SET_STATUS of device 0x2' }]],
  ['of a device below 0', -1, 1, [{ died: 'Bad SET_STATUS of device -1' }]],
  ['of a device with a name', 'length' as unknown as number, 1, [{ died: 'Bad SET_STATUS of device length' }]],
  ['too large', 0, 256, [{ died: 'Bad SET_STATUS 0x100 of device 0x0' }]],
  ['no number', 0, Number.NaN, [{ died: 'Bad SET_STATUS NaN of device 0x0' }]],
];
for (const [what, device, status, told] of statuses)
  test(`hypercalls: a status ${what}`, () => {
    const { boot, call } = setUp();
    assert.deepEqual(
      call((guest) => guest.setStatus(device, status)),
      told,
    );
    const bytes = new Uint8Array(boot.memory.buffer);
    const written = boot.statusAddresses.map((address) => bytes[address]);
    assert.deepEqual(written, told.length > 0 ? [0, 0] : device === 0 ? [status, 0] : [0, status]);
  });

test('hypercalls: halt with and without a reason, and one without end', () => {
  const { call } = setUp();
  assert.deepEqual(
    call((guest) => guest.halt()),
    ['halted'],
  );
  assert.deepEqual(
    call((guest) => guest.halt('no disk')),
    [{ died: 'no disk' }],
  );
  assert.deepEqual(
    call((guest) => guest.halt('x'.repeat(5000))),
    [{ died: 'x'.repeat(1024) }],
  );
});

test('hypercalls: the guest is told its machine, and can change nothing of it', () => {
  const { boot, guest } = setUp();
  assert.deepEqual(Object.keys(guest).sort(), [
    'commandLine',
    'devicePage',
    'halt',
    'memory',
    'notify',
    'ramBytes',
    'setStatus',
    'waitForInterrupt',
  ]);
  assert.deepEqual([guest.devicePage, guest.ramBytes, guest.memory], [RAM_BYTES, RAM_BYTES, boot.memory]);
  assert.ok(Object.isFrozen(guest));
});

test('hypercalls: interrupts are taken one by one, each line in its turn, and none twice', () => {
  const { boot, guest } = setUp();
  assert.equal(guest.waitForInterrupt(0), 0);
  const lines = [1, 2, 33, 63].map((line) => new InterruptLine(boot.interrupts, line));
  for (const line of lines) line.ring();
  lines[0]!.ring();
  assert.equal(guest.waitForInterrupt(0), 1);
  lines[0]!.ring();
  assert.deepEqual(
    Array.from({ length: 5 }, () => guest.waitForInterrupt(0)),
    [2, 33, 63, 1, 0],
  );
  for (const odd of [-1, Number.NaN, 'soon' as unknown as number]) assert.equal(guest.waitForInterrupt(odd), 0);
  assert.throws(() => new InterruptLine(boot.interrupts, 0), RangeError);
  assert.throws(() => new InterruptLine(boot.interrupts, 64), RangeError);
});

test('hypercalls: a stopped machine has no interrupts, and nobody waits for one', () => {
  const { boot, guest } = setUp();
  new InterruptLine(boot.interrupts, 1).ring();
  stopInterrupts(boot.interrupts);
  assert.equal(guest.waitForInterrupt(Infinity), 0);
});
