import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastCounters } from './testpmd.ts';

const statistics = (port: number, received: number, sent: number, bad: number) => `
  ######################## NIC statistics for port ${port}  ########################
  RX-packets: ${received}     RX-missed: ${bad}          RX-bytes:  64
  RX-errors: 0
  RX-nombuf:  0         
  TX-packets: ${sent}     TX-errors: 0          TX-bytes:  64

  Throughput (since last show)
  Rx-pps:            0          Rx-bps:            0
  ############################################################################
`;
const whole = statistics(0, 1, 2, 0) + statistics(1, 7, 8, 9);
const cases = [
  // what, printed, port, expected
  ['nothing yet', '', 0, null],
  ['the port asked for', whole, 0, { received: 1, sent: 2, bad: 0 }],
  ['another port', whole, 1, { received: 7, sent: 8, bad: 9 }],
  ['the last ones', whole + statistics(0, 3, 4, 0), 0, { received: 3, sent: 4, bad: 0 }],
  [
    'cut in a number: the ones before',
    `${whole}${statistics(0, 30, 40, 0).slice(0, 95)}`,
    0,
    { received: 1, sent: 2, bad: 0 },
  ],
] as const;
for (const [what, output, port, expected] of cases)
  test(`counters of a port: ${what}`, () => assert.deepEqual(lastCounters(output, port), expected));
