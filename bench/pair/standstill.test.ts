/** A process that is stopped in its window: by arithmetic, and by real signals to a run whose length a schedule decides. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StillTime, stillMs } from './standstill.ts';

const times = (cpuMs: number, queuedMs: number) => ({ cpuNs: cpuMs * 1e6, queuedNs: queuedMs * 1e6 });

const looks: [what: string, sleptMs: number, cpuMs: number, queuedMs: number, stillMs: number][] = [
  ['a tick', 250, 0, 0, 0],
  ['a late tick', 700, 0, 0, 0],
  ['a stopped process', 1750, 0, 0, 1500],
  ['a stopped process that worked before', 1750, 300, 0, 1200],
  ['a thread that had to wait for its CPU', 1750, 0, 1400, 0],
  ['a thread that worked', 1750, 1400, 100, 0],
  ['a process that was stopped under load', 5250, 0, 2000, 3000],
];
for (const [what, sleptMs, cpuMs, queuedMs, expected] of looks)
  test(`standstill: ${what}: ${expected} ms`, () => {
    assert.equal(stillMs(sleptMs, times(10, 20), times(10 + cpuMs, 20 + queuedMs)), expected);
  });

test('standstill: without the kernel’s figures the clock alone decides', () => {
  assert.equal(stillMs(1750, null, null), 1500);
});

test('standstill: what a thread had to wait for before does not count against a stop', () => {
  const time = new StillTime({ atMs: 0, times: times(0, 0) });
  // A minute on a busy CPU: each tick works for 2 ms, after 30 ms in the queue.
  for (let tick = 1; tick <= 240; tick++) time.add({ atMs: tick * 250, times: times(tick * 2, tick * 30) });
  assert.equal(time.ms, 0);
  time.add({ atMs: 60_000 + 1750, times: times(240 * 2 + 1, 240 * 30 + 9) });
  assert.equal(time.ms, 1490);
  time.add({ atMs: 60_000 + 2000, times: times(240 * 2 + 3, 240 * 30 + 39) });
  assert.equal(time.ms, 1490);
});

const MODULE = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
/** Runs three seconds on a schedule, saying when the window is well under way, and what came of it. */
const script = (args: readonly string[]) => `
import { parseRunOptions } from ${MODULE('../run/options.js')};
import { placementOf } from ${MODULE('../run/placement.js')};
import { runRepetition } from ${MODULE('../run/repetition.js')};
const { config } = parseRunOptions(${JSON.stringify(args)});
const onPhase = (phase) => phase === 'measuring' && setTimeout(() => console.log(phase), ${UNDER_WAY_MS});
const { repetition } = await runRepetition(config, placementOf(config), { onPhase, crossing: false });
console.log(JSON.stringify({ stoodStillNs: repetition.stoodStillNs }));
`;
const STOPPED_MS = 1500;
const UNDER_WAY_MS = 700;

/** These wait far more than they compute. */
suite('standstill: whole runs', { concurrency: 4 }, () => {
  for (const pairsIn of ['thread', 'process'])
    for (const stopped of [true, false])
      test(`a run ${stopped ? 'that is' : 'that is not'} stopped, pairs in ${pairsIn}`, async () => {
        const args = ['--parallel', '--rate', '500', '--transfers', '1500', '--warmup', '10', '--pairs-in', pairsIn];
        const child = spawn(process.execPath, ['--input-type=module', '--eval', script(args)], {
          stdio: ['ignore', 'pipe', 'inherit'],
          detached: true,
        });
        const exited = once(child, 'exit');
        const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
        assert.equal((await lines.next()).value, 'measuring');
        if (stopped) {
          // The whole group: with pairs in processes, those.
          process.kill(-child.pid!, 'SIGSTOP');
          await sleep(STOPPED_MS);
          process.kill(-child.pid!, 'SIGCONT');
        }
        const { stoodStillNs } = JSON.parse((await lines.next()).value ?? '');
        await exited;
        if (stopped) assert.ok(stoodStillNs > 0.5e9, `${stoodStillNs} ns`);
        else assert.equal(stoodStillNs, 0);
      });
});
