import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { DOORBELLS } from '../../doorbell/index.ts';
import { held, holdingNoMore } from '../../native/test-leaks.ts';
import { inLength } from '../../test-length.ts';
import type { GuestBoot } from '../guest-boot.ts';
import { InterruptLine } from '../interrupts.ts';
import type { GuestEnding } from './cpu.ts';
import { GuestFault } from './guest-fault.ts';
import { UNTOLD_MAX } from './guest-thread.ts';
import { testBoot } from './test-boot.ts';
import { workerCpu } from './worker-cpu.ts';

/** Runs a guest to its end: how it ended and what it said. */
async function run(boot: GuestBoot): Promise<{ ending: GuestEnding; text: string }> {
  let text = '';
  const running = workerCpu.start(boot, {
    print: (piece) => {
      text += new TextDecoder().decode(piece);
    },
    notified: () => {},
  });
  return { ending: await running.ended, text };
}

const shown = (ending: GuestEnding): string =>
  ending.how === 'died'
    ? `died: ${ending.reason}`
    : ending.how === 'failed'
      ? `failed: ${ending.error.message}`
      : ending.how;

const endings: [string, string, RegExp][] = [
  // what the guest does, command line, how it ends
  ['returns', 'return', /^halted$/],
  ['halts', 'halt', /^halted$/],
  ['halts with a reason', 'die no disk', /^died: no disk$/],
  ['catches its halt', 'loop-and-catch', /^died: caught$/],
  ['throws', 'throw a stone', /^failed: a stone$/],
  ['rejects', 'reject a stone', /^failed: a stone$/],
  ['exits', 'exit 0', /^failed: the guest's thread ended with code 0$/],
  ['exits with a code', 'exit 7', /^failed: the guest's thread ended with code 7$/],
  ['waits for what never comes', 'never-settle', /^failed: the guest's thread ended with code 13$/],
  ['takes all memory', 'memory', /^failed: .*memory/],
  ['notifies nowhere', 'notify 4294967295', /^died: Bad NOTIFY 0xffffffff$/],
  ['notifies nothing', 'notify-odd null', /^died: Bad NOTIFY null$/],
  ['notifies a text', 'notify-odd text', /^died: Bad NOTIFY a \[2Jb$/],
  ['dies of several lines', 'die a\u001b[2J\nb', /^died: a \[2J b$/],
  ['throws an error of several lines', 'throw-odd error', /^failed: one \[31m two$/],
  ['throws a text', 'throw-odd text', /^failed: it threw a \[2Jb$/],
  ['throws what has no text', 'throw-odd object', /^failed: it threw object$/],
  ['looks for its environment', 'environment', /^died: 0 0$/],
];
for (const [what, commandLine, expected] of endings)
  test(`worker cpu: a guest that ${what}`, async () => {
    const { ending } = await run(testBoot({ commandLine }));
    assert.match(shown(ending), expected);
  });

for (const commandLine of ['loop', 'wait'])
  test(`worker cpu: a guest in an endless ${commandLine} is stopped`, async () => {
    const running = workerCpu.start(testBoot({ commandLine }), { print: () => {} });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(await running.stop(), { how: 'stopped' });
    assert.deepEqual(await running.stop(), { how: 'stopped' });
  });

test('worker cpu: a guest that is no module fails with a word about it', async () => {
  for (const [entry, expected] of [
    ['./absent.js', /absent\.js/],
    ['./cpu.js', /exports no function as default/],
    ['./absent.wasm', /absent\.wasm/],
  ] as const) {
    const { ending } = await run(testBoot({ entry: new URL(entry, import.meta.url).href }));
    assert.equal(ending.how, 'failed');
    assert.match(shown(ending), expected);
  }
});

test('worker cpu: what a guest throws has its own frames, file and line', async () => {
  const { ending } = await run(testBoot({ commandLine: 'throw a stone' }));
  assert.ok(ending.how === 'failed' && ending.error instanceof GuestFault);
  const { frames } = ending.error;
  assert.match(frames[0]!, /^at .*cpu\/test-guest\.js:\d+:\d+/);
  assert.ok(
    frames.every((frame) => !/node:internal|guest-thread/.test(frame)),
    frames.join('\n'),
  );
});

test('worker cpu: a guest that cannot be read is told with file and line, in what it imports too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'worker-cpu-'));
  try {
    writeFileSync(join(folder, 'broken.mjs'), 'export const a = 1;\nexport const b = ;\n');
    writeFileSync(join(folder, 'importing.mjs'), "import { b } from './broken.mjs';\nexport default () => b;\n");
    for (const name of ['broken.mjs', 'importing.mjs']) {
      const { ending } = await run(testBoot({ entry: pathToFileURL(join(folder, name)).href }));
      assert.match(shown(ending), /^failed: Unexpected token ';' \(file:\/\/.*\/broken\.mjs:2\)$/);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('worker cpu: a guest that throws a SyntaxError itself has run once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'worker-cpu-'));
  try {
    const [entry, runs] = [join(folder, 'parsing.mjs'), join(folder, 'runs')];
    const count = `appendFileSync(${JSON.stringify(runs)}, 'x');`;
    writeFileSync(entry, `import { appendFileSync } from 'node:fs';\n${count}\nJSON.parse('{');\n`);
    const { ending } = await run(testBoot({ entry: pathToFileURL(entry).href }));
    assert.ok(ending.how === 'failed' && ending.error instanceof GuestFault);
    assert.match(ending.error.frames.join('\n'), /parsing\.mjs:3/);
    assert.equal(readFileSync(runs, 'utf8'), 'x');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('worker cpu: what a guest logs comes in order with its early text', async () => {
  let said = '';
  const take = (piece: Uint8Array) => {
    said += new TextDecoder().decode(piece);
    return undefined;
  };
  await workerCpu.start(testBoot({ commandLine: 'log words' }), { print: take, logged: take }).ended;
  assert.equal(said, 'words\nearlywords 7\nraw\n');
});

test('worker cpu: early text comes before the end, however much there is', async () => {
  assert.deepEqual(await run(testBoot({ commandLine: 'text hello' })), { ending: { how: 'halted' }, text: 'hello' });
  const { ending, text } = await run(testBoot({ commandLine: 'flood 5000' }));
  assert.deepEqual([ending.how, text], ['halted', '.'.repeat(5000)]);
});

test('worker cpu: a guest that talks without end is held until its text is taken', async () => {
  const PIECES = 500;
  let text = '';
  const untaken: (() => void)[] = [];
  const running = workerCpu.start(testBoot({ commandLine: `flood ${PIECES}` }), {
    print: (piece) => {
      text += new TextDecoder().decode(piece);
      assert.ok(untaken.length < UNTOLD_MAX, `piece ${text.length} came with ${untaken.length} not taken`);
      return new Promise((resolve) => untaken.push(resolve));
    },
  });
  let ended = false;
  void running.ended.then(() => {
    ended = true;
  });
  // A reader slower than the guest.
  for (let turns = 0; !ended; turns++) {
    await new Promise(setImmediate);
    if (turns % 4 === 0) untaken.shift()?.();
  }
  assert.deepEqual([(await running.ended).how, text], ['halted', '.'.repeat(PIECES)]);
});

test('worker cpu: a guest that is held is stopped', async () => {
  let held: () => void = () => {};
  const full = new Promise<void>((resolve) => {
    held = resolve;
  });
  let pieces = 0;
  const running = workerCpu.start(testBoot({ commandLine: 'flood 5000' }), {
    print: () => {
      pieces++;
      held();
      return new Promise(() => {});
    },
  });
  await full;
  assert.deepEqual(await running.stop(), { how: 'stopped' });
  assert.equal(pieces, 1);
});

test('worker cpu: who wants to know is told every notify', async () => {
  const notified: number[] = [];
  const running = workerCpu.start(testBoot({ commandLine: 'notify 64' }), {
    print: () => {},
    notified: (address) => notified.push(address),
  });
  await running.ended;
  assert.deepEqual(notified, [64]);
});

test('worker cpu: of 100,000 interrupts and as many kicks, on three lines at once, none is lost', async () => {
  const COUNT = 100_000;
  const boot = testBoot({ commandLine: `echo ${COUNT}`, pages: [1, 2, 3] });
  const running = workerCpu.start(boot, { print: () => {} });
  const left = { interrupts: COUNT, kicks: COUNT };
  const { waitSet, stop } = DOORBELLS['wait-async'];
  const handles = boot.rings.flatMap(({ kick }) => (kick === null ? [] : [kick]));
  const served = handles.map(async (kick, i) => {
    const line = new InterruptLine(boot.interrupts, i + 1);
    const waits = waitSet(kick);
    const raise = () => {
      if (left.interrupts-- > 0) line.ring();
    };
    raise();
    for (;;) {
      const wake = await waits.wait(60_000);
      if (wake !== 'rung') return wake;
      if (--left.kicks === 0) for (const handle of handles) stop(handle);
      raise();
    }
  });
  assert.deepEqual(await running.ended, { how: 'halted' });
  assert.deepEqual(await Promise.all(served), ['stopped', 'stopped', 'stopped']);
  assert.equal(left.kicks, 0);
});

test('worker cpu: a guest in Wasm talks, sets its status, waits and answers', async () => {
  const entry = new URL('./test-guest.wasm', import.meta.url).href;
  for (const [line, expected] of [
    [3, 'halted'],
    [4, 'died: another line'],
  ] as const) {
    const boot = testBoot({ entry, pages: [3] });
    let text = '';
    const running = workerCpu.start(boot, {
      print: (piece) => {
        text += new TextDecoder().decode(piece);
      },
    });
    new InterruptLine(boot.interrupts, line).ring();
    assert.equal(shown(await running.ended), expected);
    assert.equal(text, 'a guest in Wasm');
    assert.equal(new Uint8Array(boot.memory.buffer)[boot.statusAddresses[0]!], 4);
    const kick = boot.rings[0]!.kick!;
    assert.equal(await DOORBELLS['wait-async'].waitSet(kick).wait(0), line === 3 ? 'rung' : 'timed-out');
  }
});

const GUESTS = inLength(24, 100);
test(`worker cpu: ${GUESTS} guests leave no thread and no descriptor`, async () => {
  await run(testBoot({ commandLine: 'halt' }));
  const before = held();
  for (let i = 0; i < GUESTS; i += 4)
    await Promise.all(['halt', 'die of it', 'throw it', 'exit 3'].map((commandLine) => run(testBoot({ commandLine }))));
  await holdingNoMore(before);
});
