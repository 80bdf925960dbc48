/**
 * testpmd as frontend of a net backend that sends back what it gets: numbered packets come out of a capture file, go
 * through the backend and into another capture file, where each must stand once, whole and in order.
 */
import { expectEqual } from '../failure.ts';
import { checkPacketFile, writePacketFile } from '../packet-file.ts';
import { serve } from '../programs.ts';
import type { Figures, Scenario } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { Testpmd } from '../testpmd.ts';

const PACKETS = 1_000_000;
/** A full ring is waited for, a second in all: without it testpmd drops. */
const RETRY = ['set fwd io retry', 'set burst tx delay 10 retry 100000'];

type StartBackend = (scope: Scope, socket: string) => Promise<unknown>;

async function run(scope: Scope, startBackend: StartBackend): Promise<Figures> {
  const [socket, sent, received] = [scope.path('net.sock'), scope.path('sent.pcap'), scope.path('received.pcap')];
  writePacketFile(sent, PACKETS);
  await startBackend(scope, socket);
  const frontend = new Testpmd(scope, {
    name: 'frontend',
    devices: [`net_virtio_user0,path=${socket},queues=1`, `net_pcap0,rx_pcap=${sent},tx_pcap=${received}`],
    mainCpu: 0,
  });
  await frontend.ready();
  const start = performance.now();
  frontend.type(...RETRY, 'start');
  const counters = await frontend.count(0, (port) => port.received >= PACKETS);
  const seconds = (performance.now() - start) / 1000;
  await frontend.quit();
  expectEqual('packets sent', counters.sent, PACKETS);
  expectEqual('packets received', counters.received, PACKETS);
  expectEqual('packets dropped or failed', counters.bad, 0);
  checkPacketFile(received, PACKETS);
  return { packets: PACKETS, 'packets/s': Math.round(PACKETS / seconds) };
}

/** testpmd as backend, one port that forwards to itself. */
export async function startTestpmdBackend(scope: Scope, socket: string): Promise<Testpmd> {
  const backend = new Testpmd(scope, {
    name: 'backend',
    devices: [`net_vhost0,iface=${socket},queues=1`],
    mainCpu: 1,
    args: ['--port-topology=loop'],
  });
  await backend.untilListening(socket);
  await backend.ready();
  backend.type(...RETRY, 'start');
  return backend;
}

export const packetsOfTestpmd: Scenario = {
  summary: `testpmd sends ${PACKETS} numbered packets through another testpmd: all come back in order`,
  run: (scope) => run(scope, startTestpmdBackend),
};

export const packetsOurs: Scenario = {
  summary: `testpmd sends ${PACKETS} numbered packets through our net backend: all come back in order`,
  run: (scope, settings) => run(scope, (_, socket) => serve(scope, settings, socket, ['net', '--loopback'])),
};
