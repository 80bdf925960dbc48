import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { ConsoleDevice } from '../devices/console.ts';
import { StreamPort } from '../devices/console-port.ts';
import { imageFile } from '../devices/test-image.ts';
import { held, holdingNoMore } from '../native/test-leaks.ts';
import { makeThreadWord, standStillUntilGone, WAITING_PLACES } from '../native/test-thread-end.ts';
import { inLength } from '../test-length.ts';
import { workerCpu } from './cpu/worker-cpu.ts';
import type { LaunchDeviceOptions, LaunchNetOptions } from './device-options.ts';
import { type LaunchEnding, type LaunchOptions, launch } from './launcher.ts';
import type { DeadlyDeviceOptions } from './test-deadly-device.ts';

const GUEST = new URL('./test-guest.js', import.meta.url).href;
const folder = mkdtempSync(join(tmpdir(), 'launch-'));
after(() => rmSync(folder, { recursive: true }));

const block = (path: string, readOnly = false): LaunchDeviceOptions => ({ kind: 'block', path, readOnly });
const loopback: LaunchNetOptions = {
  kind: 'net',
  link: { kind: 'loopback' },
  mac: Uint8Array.of(0x52, 0x54, 0, 1, 2, 3),
};

interface Run extends LaunchEnding {
  output: string;
  early: string;
  lines: string[];
}

/** A run that goes on for longer is stopped: it then ended otherwise than its test wants. Milliseconds. */
const RUN_MS_MAX = 60_000;

/** Runs the test guest with these acts, within a bound. */
async function run(
  acts: string,
  devices: readonly LaunchDeviceOptions[] = [],
  more: Partial<LaunchOptions> & { input?: PassThrough; told?: boolean } = {},
): Promise<Run> {
  const { input = new PassThrough(), told = false, signal, ...given } = more;
  const bound = AbortSignal.timeout(RUN_MS_MAX);
  const output = new PassThrough();
  const lines: string[] = [];
  let early = '';
  const ending = await launch({
    cpu: workerCpu,
    memoryMb: 4,
    entry: GUEST,
    args: [acts],
    devices,
    console: new ConsoleDevice({ port: new StreamPort(input, output) }),
    print: (text) => {
      early += new TextDecoder().decode(text);
    },
    ...(told ? { verbose: (line: string) => lines.push(line) } : {}),
    signal: signal === undefined ? bound : AbortSignal.any([signal, bound]),
    ...given,
  });
  output.end();
  return { ...ending, early, lines, output: (output.read() as Buffer | null)?.toString() ?? '' };
}

const shown = ({ guest }: LaunchEnding): string =>
  guest.how === 'died'
    ? `died: ${guest.reason}`
    : guest.how === 'failed'
      ? `failed: ${guest.error.message}`
      : guest.how;

test('launch: a guest that prints and halts at once has printed', async () => {
  const ended = await run('print hello there');
  assert.deepEqual([shown(ended), ended.output, ended.warnings], ['halted', 'hello there', []]);
});

/** Takes all output, and counts it. */
class CountingPort extends StreamPort {
  bytes = 0;
  onBytes: () => void = () => {};
  constructor() {
    super(null, null);
  }
  override write(_bytes: Uint8Array, length: number): boolean {
    this.bytes += length;
    this.onBytes();
    return true;
  }
}

test('launch: a guest that pours 4 MiB of output and halts at once has poured it', async () => {
  const port = new CountingPort();
  const ended = await run('pour 64', [], { console: new ConsoleDevice({ port }) });
  assert.deepEqual([shown(ended), port.bytes, ended.warnings], ['halted', 64 * 65536, []]);
});

test('launch: a guest whose output has no end, and that nothing holds back, is stopped at once', async () => {
  const port = new CountingPort();
  const abort = new AbortController();
  // The signal comes as from a terminal: by the event loop.
  port.onBytes = () => {
    port.onBytes = () => {};
    setImmediate(() => abort.abort());
  };
  const ended = await run('flood; wait', [], { console: new ConsoleDevice({ port }), signal: abort.signal });
  assert.deepEqual([shown(ended), ended.warnings], ['stopped', []]);
  assert.ok(port.bytes < 2 ** 30, `${port.bytes} bytes of 10 GiB`);
});

test('launch: a halted guest whose output nothing takes is waited for until the signal', async () => {
  const abort = new AbortController();
  /** Without room, ever. */
  class StuckPort extends StreamPort {
    constructor() {
      super(null, null);
    }
    override write(): boolean {
      setTimeout(() => abort.abort(), 100);
      return false;
    }
  }
  const ended = await run('pour 1', [], {
    console: new ConsoleDevice({ port: new StuckPort() }),
    signal: abort.signal,
  });
  assert.ok(abort.signal.aborted);
  assert.match(shown(ended), /^(halted|stopped)$/);
});

test('launch: early text comes by the launcher, input and output by the console', async () => {
  const input = new PassThrough();
  input.write('polly\n');
  setTimeout(() => input.write('\n'), 200);
  const ended = await run('early starting; parrot', [], { input });
  assert.deepEqual([shown(ended), ended.early, ended.output], ['halted', 'starting', '>polly\n']);
});

test('launch: a disk and a network, each in its thread, and the console behind them', async () => {
  const path = imageFile(folder);
  assert.equal(shown(await run('sector 127; say done', [block(path)])), 'halted');
  assert.deepEqual(
    [...readFileSync(path).subarray(127 * 512)],
    Array.from({ length: 512 }, (_, i) => (i * 7) & 0xff),
  );
  const ended = await run('frame; say done', [loopback]);
  assert.deepEqual([shown(ended), ended.output], ['halted', 'done']);
});

test('launch: counts and times what each queue did', async () => {
  const { stats } = await run('sector 1; say done', [block(imageFile(folder))], { timed: true });
  assert.deepEqual(
    stats.map(({ name, requests }) => [name, requests]),
    [
      ['block', 2],
      ['console 0', 0],
      ['console 1', 1],
    ],
  );
  const [disk] = stats;
  assert.equal(disk!.latency?.count, 2);
  assert.ok(disk!.latency!.medianUs > 0 && disk!.latency!.maxUs >= disk!.latency!.medianUs);
  assert.ok(disk!.kicks >= 1 && disk!.interrupts >= 1);
});

test('launch: verbose says what the original says', async () => {
  const { lines } = await run('sector 3', [block(imageFile(folder)), loopback], { told: true });
  const expected = [
    'device 0: virtblock 128 sectors',
    'device 1: loopback net',
    'device 2: console',
    /^Linear mapping of 1024 pages in 1 pte pages at 0x3fe000$/,
    /^Guest: 0x0 - 0x[0-9a-f]+ \(0x[0-9a-f]+\)$/,
    /^Notify on address 0x401000$/,
    'Output to block',
    'WRITE to sector 3: 512',
    'READ from sector 3: 512',
  ];
  for (const line of expected)
    assert.ok(
      lines.some((told) => (typeof line === 'string' ? told === line : line.test(told))),
      `${line} is not among\n${lines.join('\n')}`,
    );
});

const bad: [string, string, RegExp][] = [
  // what, acts, how it ends
  ['halts with a reason', 'die no root', /^died: no root$/],
  ['notifies nowhere', 'notify 4294967295', /^died: Bad NOTIFY 0xffffffff$/],
  ['puts a buffer to write into among its output', 'output-with-input; wait', /^died: Input buffers in output queue\?/],
  ['links a descriptor to nowhere', 'next-outside; wait', /^died: Desc next is 4242/],
  ['links a descriptor to nowhere and loops', 'next-outside; loop', /^died: Desc next is 4242/],
  ['frames a block request wrongly', 'bad-block-header; wait', /^died: Bad iovec size 15 for struct virtio_blk_outhdr/],
  ['writes past the end', 'write-past-end 127; wait', /^died: Write past end 65024\+1024/],
];
for (const [what, acts, expected] of bad)
  test(`launch: a guest that ${what} ends with the reason, and another goes on`, async () => {
    const path = imageFile(folder);
    const input = new PassThrough();
    const other = run('parrot', [block(imageFile(folder))], { input });
    const ended = await run(acts, [block(path)]);
    assert.match(shown(ended), expected);
    assert.deepEqual([ended.warnings, statSync(path).size], [[], 65536]);
    input.write('\n');
    assert.equal(shown(await other), 'halted');
  });

test('launch: is stopped from outside, before and while the guest loops', async () => {
  const path = imageFile(folder);
  const early = new AbortController();
  early.abort();
  assert.equal(shown(await run('loop', [block(path)], { signal: early.signal })), 'stopped');
  const late = new AbortController();
  setTimeout(() => late.abort(), 300);
  assert.equal(shown(await run('loop', [block(path)], { signal: late.signal })), 'stopped');
});

test('launch: what cannot be opened stops what was opened, and names itself', async () => {
  await assert.rejects(run('', [block(imageFile(folder)), block(join(folder, 'absent'))]), /absent/);
  await assert.rejects(run('', [block(imageFile(folder))], { initrd: join(folder, 'no-initrd') }), /no-initrd/);
  await assert.rejects(run('', [], { memoryMb: 0 }), { name: 'LauncherError', code: 'memory-size' });
  assert.match(shown(await run('', [], { entry: 'file:///absent.js' })), /^failed: .*absent\.js/);
});

const deaths: [DeadlyDeviceOptions['how'], RegExp][] = [
  ['exit', /^failed: entropy: its thread ended with code 7$/],
  ['throw', /^failed: entropy: a fault of the device$/],
  ['reject', /^failed: entropy: a later fault$/],
];
const deadly = (how: DeadlyDeviceOptions['how'], thread: SharedArrayBuffer, more: Partial<LaunchOptions> = {}) =>
  run('say now; poke; loop', [{ ...loopback, how, thread } as LaunchDeviceOptions], {
    factory: new URL('./test-deadly-device.js', import.meta.url).href,
    ...more,
  });
for (const [how, expected] of deaths)
  test(`launch: a device that ends by ${how} takes the run with it`, async () => {
    assert.match(shown(await deadly(how, makeThreadWord())), expected);
  });

// A device that throws is told of by its thread, which stays.
for (const [how, expected] of deaths.filter(([how]) => how !== 'throw'))
  for (const [what, at] of WAITING_PLACES)
    test(`launch: a device whose thread ends by ${how} takes the run with it, though ${what}`, async () => {
      const thread = makeThreadWord();
      // The machine is made, and the devices are told to serve.
      const verbose = (line: string) => {
        if (line.startsWith('Guest:')) at(() => standStillUntilGone(thread));
      };
      assert.match(shown(await deadly(how, thread, { verbose })), expected);
    });

const LAUNCHES = inLength(40, 200);
test(`launch: ${LAUNCHES} launches, two at a time, leave no thread and no descriptor`, async () => {
  const path = imageFile(folder);
  const launchBoth = () => Promise.all([run('print a; sector 9', [block(path)]), run('print b', [])]);
  for (let i = 0; i < 3; i++) await launchBoth();
  const before = held();
  for (let i = 0; i < LAUNCHES; i += 2) for (const ended of await launchBoth()) assert.equal(shown(ended), 'halted');
  await holdingNoMore(before);
});
