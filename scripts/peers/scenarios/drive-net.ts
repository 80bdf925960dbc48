/**
 * Our network driver on a backend that sends back what it gets: numbered packets, each of which must come back once,
 * whole and in order. No more are on their way than there are receive buffers: testpmd drops what finds none.
 */
import { type NetConnectionOptions, tripPackets } from '../../../src/vhost-user/frontend/test-packets.ts';
import { expectEqual, Failure } from '../failure.ts';
import { serve } from '../programs.ts';
import type { Figures, Scenario, Settings } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { startTestpmdBackend } from './packets.ts';

const PACKETS = 1_000_000;
const FEW_PACKETS = 50_000;
const WINDOW = 200;
const COUNT_MASK = 0xffff;

const bits = (...numbers: number[]) => numbers.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
const [MRG_RXBUF, ANY_LAYOUT, INDIRECT_DESC, EVENT_IDX, VERSION_1] = [15, 27, 28, 29, 32];

interface Variant {
  readonly window: number;
  readonly options: Omit<NetConnectionOptions, 'socketPath'>;
}

const EVERYTHING: Variant = { window: WINDOW, options: {} };

/** Other ways to the same end. */
const VARIANTS: Readonly<Record<string, Variant>> = {
  'one at a time': { window: 1, options: {} },
  'no merged buffers': { window: WINDOW, options: { features: bits(VERSION_1, EVENT_IDX, INDIRECT_DESC) } },
  'no event index': { window: WINDOW, options: { features: bits(VERSION_1, MRG_RXBUF) } },
  'twelve merged buffers a packet': { window: 16, options: { receiveSlotBytes: 128 } },
  legacy: { window: 100, options: { features: 0n, slots: 128 } },
  'legacy, any layout where offered, merged buffers': {
    window: 100,
    options: { features: bits(MRG_RXBUF, ANY_LAYOUT), slots: 128 },
  },
};

/** Returns how long it took, seconds. */
async function trip(socketPath: string, packets: number, what: string, { window, options }: Variant): Promise<number> {
  try {
    const { bases, seconds } = await tripPackets({ socketPath, ...options }, packets, window);
    expectEqual('frames that the backend took, modulo 65,536', bases[1], packets & COUNT_MASK);
    return seconds;
  } catch (error) {
    throw new Failure(`${what}: ${(error as Error).message}`);
  }
}

type StartBackend = (scope: Scope, settings: Settings, socket: string) => Promise<unknown>;

async function run(scope: Scope, settings: Settings, startBackend: StartBackend): Promise<Figures> {
  const socket = scope.path('net.sock');
  await startBackend(scope, settings, socket);
  const seconds = await trip(socket, PACKETS, 'everything negotiated', EVERYTHING);
  for (const [what, variant] of Object.entries(VARIANTS)) await trip(socket, FEW_PACKETS, what, variant);
  return { packets: PACKETS, 'packets/s': Math.round(PACKETS / seconds), 'other ways': Object.keys(VARIANTS).length };
}

const drivenNet = (startBackend: StartBackend, whose: string): Scenario => ({
  summary: `our network driver sends ${PACKETS} numbered packets through ${whose}: all come back in order`,
  run: (scope, settings) => run(scope, settings, startBackend),
});

export const drivenTestpmd = drivenNet((scope, _, socket) => startTestpmdBackend(scope, socket), 'testpmd');

export const drivenNetOurs = drivenNet(
  (scope, settings, socket) => serve(scope, settings, socket, ['net', '--loopback']),
  'our net backend',
);
