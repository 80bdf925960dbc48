/** The guest on the network, with a stack on the other end of its link that answers, or fails to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairLinks } from '../../devices/packet-link.ts';
import { parseIp } from './net/ipv4.ts';
import { NetStack } from './net/stack.ts';
import netEcho from './net-echo.ts';
import { testConsole, testNet } from './test-devices.ts';
import { TestMachine, TestPort } from './test-machine.ts';

const GUEST_MAC = Uint8Array.of(2, 0, 0, 1, 2, 3);
const PEER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 9);
const PEER = parseIp('10.0.0.9')!;
/** What the guest has of its MAC address. */
const GUEST = parseIp('10.1.2.3')!;

interface StageOptions {
  /** Sees each frame from the guest before the peer does; false: it is lost. */
  readonly filter?: (frame: Uint8Array, length: number) => boolean;
  /** Acts as the peer whenever the guest waits. */
  readonly act?: (peer: NetStack, turn: number) => void;
}

function stage(commandLine: string, { filter = () => true, act = () => {} }: StageOptions = {}) {
  const [near, far] = pairLinks();
  const port = new TestPort();
  const send = (frame: Uint8Array, length: number) => far.send(frame, length);
  const peer = new NetStack({ mac: PEER_MAC, address: PEER, send });
  const frame = new Uint8Array(70_000);
  const onWait = (turn: number) => {
    for (let length = far.receive(frame); length !== -1; length = far.receive(frame))
      if (filter(frame, length)) peer.handle(frame, length);
    act(peer, turn);
  };
  const devices = [testNet(near, GUEST_MAC), testConsole(port)];
  const machine = new TestMachine({ devices, commandLine, onWait });
  return { ...machine.run(netEcho), output: port.output, peer };
}

test('net-echo: says its address, and answers until nobody asks', () => {
  const came: string[] = [];
  const { reason, output } = stage('--seconds 1', {
    act: (peer, turn) => {
      peer.listener = {
        echoReply: (source, sequence, _, __, length) => came.push(`echo ${source === GUEST} ${sequence} ${length}`),
        datagram: (source, sourcePort, _, __, length) => came.push(`${source === GUEST} ${sourcePort} ${length}`),
      };
      if (turn === 0) peer.ask(GUEST);
      if (turn < 1 || turn > 10) return;
      peer.sendEcho(GUEST, turn, new Uint8Array(turn));
      peer.sendDatagram(GUEST, 7, new Uint8Array(100 * turn));
    },
  });
  assert.equal(reason, null);
  assert.match(output, /^Address 10\.1\.2\.3, MAC 02:00:00:01:02:03\nAnswered 1 ARP, 10 pings, 10 datagrams\n/);
  assert.match(output, /\nDropped 0, lost 0\n$/);
  assert.deepEqual(
    came,
    Array.from({ length: 10 }, (_, i) => [`echo true ${i + 1} ${i + 1}`, `true 7 ${100 * (i + 1)}`]).flat(),
  );
});

test('net-echo: pings, none lost', () => {
  const { reason, output, peer } = stage('ping 10.0.0.9 70000');
  assert.equal(reason, null);
  assert.match(output, /\n70000 pings sent, 70000 answered, 0 lost\nRound trips min\/mean\/max [\d./]+ ms\n$/);
  assert.equal(peer.echoAnswers, 70_000);
});

test('net-echo: a MiB of datagrams comes back unchanged', () => {
  const { reason, output, peer } = stage('--address 10.0.0.1 udp 10.0.0.9 1');
  assert.equal(reason, null);
  assert.match(output, /^Address 10\.0\.0\.1, .*\n713 datagrams, 1 MiB, came back unchanged, [\d.]+ MB\/s each way\n$/);
  assert.equal(peer.datagramAnswers, 713);
});

/** The n-th packet of at least so many bytes, from 0. */
function nth(n: number, bytes: number): (length: number) => boolean {
  let count = 0;
  return (length) => length >= bytes && count++ === n;
}
const lose = (n: number, bytes: number): StageOptions => {
  const hit = nth(n, bytes);
  return { filter: (_, length) => !hit(length) };
};
/** Changes the last byte of data and takes the checksum away. */
const change = (n: number): StageOptions => {
  const hit = nth(n, 1000);
  return {
    filter: (frame, length) => {
      if (hit(length)) {
        frame[length - 1]! ^= 1;
        frame.fill(0, 40, 42);
      }
      return true;
    },
  };
};

const failures: [string, string, StageOptions, RegExp][] = [
  // what, command line, the network, what the guest dies of
  ['a ping is lost', 'ping 10.0.0.9 10', lose(3, 60), /1 of 10 pings were lost/],
  ['nobody answers', 'ping 10.0.0.8 1', {}, /nobody answers for 10\.0\.0\.8/],
  ['a datagram is lost', 'udp 10.0.0.9 1', lose(100, 1000), /1 of 713 datagrams did not come back/],
  ['a datagram is changed', 'udp 10.0.0.9 1', change(50), /datagram 50 came back changed/],
  ['an address is none', 'ping 10.0.0 1', {}, /an address is four numbers to 255, not 10\.0\.0/],
  ['its own address is none', '--address 1 serve', {}, /an address is four numbers to 255, not 1$/],
  ['a job is none', 'pong', {}, /serve, ping IP COUNT or udp IP MIB, not pong/],
  ['a number is none', 'ping 10.0.0.9 many', {}, /the number of pings is 1 to 10000000, not many/],
  ['there is no such device', '--net 1', {}, /there is no network device 1/],
];
for (const [what, commandLine, options, expected] of failures)
  test(`net-echo: dies when ${what}`, () => {
    assert.match(stage(commandLine, options).reason ?? 'none', expected);
  });
