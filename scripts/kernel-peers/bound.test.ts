import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OurFigures, PeerFigures } from '../../bench/records/peer-record.ts';
import { peerRecordOf } from '../../bench/records/test-record.ts';
import { boundText } from './bound.ts';

type Costs = Partial<Pick<OurFigures, 'cpuUserNs' | 'cpuSystemNs' | 'guest' | 'host'>>;

/** Of one round of 1000 transfers. */
function text(ours: Costs, theirs: Partial<PeerFigures>): string {
  const record = peerRecordOf({ transfers: 1000 });
  const [round] = record.rounds;
  const rounds = [{ ...round!, ours: [{ ...round!.ours[0]!, ...ours }], peer: { ...round!.peer, ...theirs } }];
  return boundText({ ...record, rounds }, 'default');
}

const side = (notified: number) => ({ notified, pinged: 0 });
const NO_COUNTS = { guest: null, host: null };
const bounds: [what: string, ours: Costs, theirs: Partial<PeerFigures>, expected: string][] = [
  [
    'user time',
    { cpuUserNs: 90_000, cpuSystemNs: 20_000, guest: side(10), host: side(5) },
    { cpuUserNs: 50_000, cpuSystemNs: 10_000, guest: side(2), host: side(0) },
    'user time 90 ns a transfer against 50 ns; notifications 1.50 % of transfers against 0.20 %',
  ],
  [
    'system time',
    { cpuUserNs: 50_000, cpuSystemNs: 90_000 },
    { cpuUserNs: 50_000, cpuSystemNs: 10_000, ...NO_COUNTS },
    'system time 90 ns a transfer against 10 ns',
  ],
  [
    'neither',
    { cpuUserNs: 40_000, cpuSystemNs: 5000 },
    { cpuUserNs: 50_000, cpuSystemNs: 10_000, ...NO_COUNTS },
    'more waiting: it spends no more CPU time a transfer',
  ],
];
for (const [what, ours, theirs, expected] of bounds)
  test(`bound: by ${what}`, () => assert.equal(text(ours, theirs), expected));
