import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockBase, openClock } from '../latency/clock.ts';
import { LatencyCounts } from '../latency/counts.ts';
import { driveRecordOf } from '../records/test-record.ts';
import type { Phase, PhaseResult } from './phase.ts';
import { runRepetition } from './repetition.ts';

const { config } = driveRecordOf();
/** Latencies whose bucket ends above them. */
const LATENCY_NS = 10_720_500;

/** A job that does nothing: each phase says that it took so much. */
function jobOf(of: (phase: Phase) => Partial<PhaseResult>) {
  const latency = new LatencyCounts();
  return {
    calls: 0,
    latency,
    async run(phase: Phase): Promise<PhaseResult> {
      latency.reset();
      latency.record(Float64Array.of(LATENCY_NS), Float64Array.of(0), 0);
      return {
        requests: 2,
        wallNs: 1e6,
        usage: { cpuUserNs: 0, cpuSystemNs: 0, machine: null, stoodStillNs: 0 },
        errors: 0,
        mismatches: 0,
        overlongLengths: 0,
        firstError: null,
        lostCalls: 0,
        reconnects: 0,
        resubmitted: 0,
        failure: null,
        interrupted: false,
        ...of(phase),
      };
    },
  };
}

const machine = { kicks: () => 0, clock: openClock(clockBase()), clockNs: 1 };

test('a repetition takes what its counted phases took: not the flush, and not what is done after them', async () => {
  const took = { write: [1000, 10], flush: [2000, 20], read: [4000, 40] } as const;
  const job = jobOf(({ kind }) => {
    const [cpuUserNs, cpuSystemNs] = took[kind];
    const machine = { stolenNs: cpuSystemNs, otherCpuNs: cpuUserNs };
    return { usage: { cpuUserNs, cpuSystemNs, machine, stoodStillNs: 3 * cpuUserNs } };
  });
  const { repetition } = await runRepetition(job, config, true, machine);
  const { cpuUserNs, cpuSystemNs, stealNs, otherCpuNs, stoodStillNs, wallNs } = repetition;
  assert.deepEqual(
    [cpuUserNs, cpuSystemNs, stealNs, otherCpuNs, stoodStillNs, wallNs],
    [5000, 50, 50, 5000, 15_000, 2e6],
  );
});

test('a repetition tells nothing of the machine where one phase cannot', async () => {
  const job = jobOf(({ kind }) =>
    kind === 'read'
      ? {}
      : { usage: { cpuUserNs: 1, cpuSystemNs: 1, machine: { stolenNs: 1, otherCpuNs: 1 }, stoodStillNs: 0 } },
  );
  const { stealNs, otherCpuNs } = (await runRepetition(job, config, true, machine)).repetition;
  assert.deepEqual([stealNs, otherCpuNs], [null, null]);
});

test('no percentile is above the maximum', async () => {
  const { reads } = (
    await runRepetition(
      jobOf(() => ({ requests: 1000 })),
      config,
      true,
      machine,
    )
  ).repetition;
  const { meanNs, p50Ns, p90Ns, p99Ns, p999Ns, maxNs } = reads!.latency!;
  assert.deepEqual([p50Ns, p90Ns, p99Ns, p999Ns, maxNs], Array(5).fill(LATENCY_NS));
  assert.ok(meanNs <= LATENCY_NS);
});
