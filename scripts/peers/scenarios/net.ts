/** A guest on a tap interface: it pings us, and 10 MiB go each way by a stream, with equal hashes. Needs root. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { getuid, pid } from 'node:process';
import { $ } from 'zx/core';
import { expectEqual, Failure, Missing } from '../failure.ts';
import { startGuest } from '../guest.ts';
import { numberOf, resultOf } from '../guest-output.ts';
import { needCommand } from '../packages.ts';
import { serve } from '../programs.ts';
import type { Figures, Scenario } from '../scenario.ts';
import type { Scope } from '../scope.ts';
import { MIB } from './block.ts';

const STREAM_BYTES = 10 * MIB;
const PINGS = 5;
const TIMEOUT_MS = 90_000;

/** An interface and its addresses, out of the range for benchmarks of networks, [RFC 2544]. */
interface Link {
  tap: string;
  host: string;
  guest: string;
}

function newLink(): Link {
  if (getuid?.() !== 0) throw new Missing('a tap interface needs root');
  if (!existsSync('/dev/net/tun')) throw new Missing('no /dev/net/tun');
  const subnet = `198.18.${pid % 250}`;
  return { tap: `peers${pid}`, host: `${subnet}.1`, guest: `${subnet}.2` };
}

const script = ({ host, guest }: Link, sink: number, source: number) => `
ip address add ${guest}/24 dev eth0
ip link set eth0 up
ping -c ${PINGS} -W 2 ${host} >/tmp/ping || true
result pings $(sed -n 's/.* \\([0-9]*\\) packets received.*/\\1/p' /tmp/ping)
dd if=/dev/urandom of=/tmp/up bs=1M count=${STREAM_BYTES / MIB}
result up-sha256 $(sha256sum </tmp/up | cut -d' ' -f1)
nc ${host} ${sink} </tmp/up
nc ${host} ${source} </dev/null >/tmp/down
result down-bytes $(wc -c </tmp/down)
result down-sha256 $(sha256sum </tmp/down | cut -d' ' -f1)
result errors $(cat /sys/class/net/eth0/statistics/*_errors | awk '{ sum += $1 } END { print sum }')
result mac $(cat /sys/class/net/eth0/address)
`;

async function listen(scope: Scope, host: string, serveOne: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    scope.defer(() => socket.destroy());
    serveOne(socket);
  });
  server.listen(0, host);
  scope.defer(() => server.close());
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** Runs the guest once the interface stands; `needsAddress`: the interface has none yet, and comes with QEMU. */
async function exchange(scope: Scope, link: Link, devices: readonly string[], needsAddress: boolean): Promise<Figures> {
  const taken = createHash('sha256');
  let takenBytes = 0;
  const sent = randomBytes(STREAM_BYTES);
  // The interface may come up with the guest only: our servers listen on every address of ours.
  const sink = await listen(scope, '0.0.0.0', (socket) => {
    socket.on('data', (bytes) => {
      taken.update(bytes);
      takenBytes += bytes.length;
    });
    socket.on('end', () => socket.end());
  });
  const source = await listen(scope, '0.0.0.0', (socket) => socket.resume().end(sent));
  const guest = startGuest(scope, { devices, script: script(link, sink, source), timeoutMs: TIMEOUT_MS });
  if (needsAddress) {
    await guest.until('boot', (results) => results.has('booted'));
    await $`${needCommand('ip')} address add ${`${link.host}/24`} dev ${link.tap}`.quiet();
    await $`${needCommand('ip')} link set ${link.tap} up`.quiet();
  }
  const results = await guest.end();
  expectEqual('answered pings', numberOf(results, 'pings'), PINGS);
  expectEqual('bytes from the guest', takenBytes, STREAM_BYTES);
  expectEqual('their hash', taken.digest('hex'), resultOf(results, 'up-sha256'));
  expectEqual('bytes to the guest', numberOf(results, 'down-bytes'), STREAM_BYTES);
  expectEqual('their hash', resultOf(results, 'down-sha256'), createHash('sha256').update(sent).digest('hex'));
  expectEqual("errors of the guest's interface", numberOf(results, 'errors'), 0);
  return { pings: PINGS, 'MiB up': STREAM_BYTES / MIB, 'MiB down': STREAM_BYTES / MIB };
}

/** QEMU's own device on a tap: shows that the guest's side works. */
export const netOfQemu: Scenario = {
  summary: "ping and 10 MiB each way on QEMU's own net device",
  async run(scope) {
    const link = newLink();
    const devices = [
      ...['-netdev', `tap,id=net,ifname=${link.tap},script=no,downscript=no,vhost=off`],
      ...['-device', 'virtio-net-pci,netdev=net,romfile='],
    ];
    return await exchange(scope, link, devices, true);
  },
};

export const netOurs: Scenario = {
  summary: 'ping and 10 MiB each way on our net backend',
  async run(scope, settings) {
    const link = newLink();
    const socket = scope.path('net.sock');
    const server = await serve(scope, settings, socket, ['net', '--tap', link.tap, '--address', `${link.host}/24`]);
    // Without MSI-X: with it, and emulated, QEMU 7.2 crashes on any vhost-user net backend.
    const devices = [
      ...['-chardev', `socket,id=char,path=${socket}`, '-netdev', 'vhost-user,id=net,chardev=char,queues=1'],
      ...['-device', 'virtio-net-pci,netdev=net,romfile=,vectors=0'],
    ];
    const figures = await exchange(scope, link, devices, false);
    await server.stop();
    if (existsSync(`/sys/class/net/${link.tap}`)) throw new Failure(`the interface ${link.tap} stayed behind`);
    return figures;
  },
};
