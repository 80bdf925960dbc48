/** What a guest gets and says in order, kick or not: input, packets, early text beside its console. */
import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { ConsoleDevice } from '../devices/console.ts';
import { workerCpu } from './cpu/worker-cpu.ts';
import type { LaunchDeviceOptions } from './device-options.ts';
import { launch } from './launcher.ts';
import { Terminal } from './terminal.ts';

const entry = new URL('./test-guest.js', import.meta.url).href;
const LOOPBACK: LaunchDeviceOptions = { kind: 'net', link: { kind: 'loopback' }, mac: Uint8Array.of(2, 0, 0, 0, 0, 1) };

interface Ran {
  readonly how: string;
  readonly output: string;
  readonly warnings: readonly string[];
}

/** Runs the test guest at a terminal; `said` hears what it has said so far. */
async function run(
  acts: string,
  devices: readonly LaunchDeviceOptions[] = [],
  input = new PassThrough(),
  said: (output: string) => void = () => {},
): Promise<Ran> {
  const warnings: string[] = [];
  const warn = (line: string) => warnings.push(line);
  let output = '';
  // Slow, so that a part of what is said waits.
  const shown = new Writable({
    highWaterMark: 8,
    write(chunk: Buffer, _encoding, done) {
      output += chunk.toString();
      said(output);
      setImmediate(done);
    },
  });
  const terminal = new Terminal({ input, output: shown, warn });
  const { guest } = await launch({
    ...{ cpu: workerCpu, memoryMb: 4, entry, args: [acts], devices, warn },
    console: new ConsoleDevice({ port: terminal }),
    print: (text) => void shown.write(text),
  });
  await new Promise((resolve) => shown.end(resolve));
  return { how: guest.how === 'died' ? guest.reason : guest.how, output, warnings };
}

test("launch: early text and the console's output keep the guest's order", async () => {
  const count = 60;
  const { how, output } = await run(`alternate ${count}`);
  const expected = Array.from({ length: count }, (_, i) => `c${i} e${i} `).join('');
  assert.deepEqual([how, output], ['halted', expected]);
});

test("launch: early text comes behind a console's request that a slow reader holds up in its middle", async () => {
  const { how, output } = await run('pour 3; early E');
  assert.deepEqual([how, output.length, output.at(-1)], ['halted', 3 * 65536 + 1, 'E']);
});

test('launch: a guest that halts behind output that a slow reader holds up loses none of it', async () => {
  const { how, output } = await run('pour 20');
  assert.deepEqual([how, output.length], ['halted', 20 * 65536]);
});

for (const when of ['driven', 'undriven', 'late'])
  test(`launch: input reaches a guest that does not kick for its buffer (${when})`, async () => {
    const input = new PassThrough();
    if (when === 'late') input.write('polly');
    const { how, output } = await run(`hear-unkicked ${when}`, [], input, (so) => {
      if (so === 'ready' && when !== 'late') input.write('polly');
    });
    assert.deepEqual([how, output], ['halted', 'readypolly']);
  });

test('launch: a packet reaches a guest that does not kick for its buffer', async () => {
  assert.equal((await run('no-buffer 7; receive-unkicked', [LOOPBACK])).how, 'halted');
});

test('launch: a guest that drives its network and has no buffer is warned of once, another not', async () => {
  const driven = await run('no-buffer 7; no-buffer 7; receive-unkicked', [LOOPBACK]);
  assert.deepEqual([driven.how, driven.warnings], ['halted', ['network: no dma buffer!']]);
  const early = await run('no-buffer 3', [LOOPBACK]);
  assert.deepEqual([early.how, early.warnings], ['halted', []]);
});
