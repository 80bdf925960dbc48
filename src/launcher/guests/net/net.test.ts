/** The packets of guests: checksums of published examples, layouts byte by byte, and a stack fed with what is wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addWords, checksumOf } from './checksum.ts';
import { formatMac } from './ethernet.ts';
import { formatIp, IP_PROTOCOL_UDP, isIpv4, parseIp, writeIpv4 } from './ipv4.ts';
import { DATA_BYTES_MAX, NetStack } from './stack.ts';
import { isUdp, writeUdp } from './udp.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const shown = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

for (const [what, bytes, expected] of [
  ['RFC 1071, section 3', '0001 f203 f4f5 f6f7', 0x220d],
  ['an IPv4 header, its checksum left out', '4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7', 0xb861],
  ['the same with its checksum', '4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7', 0],
  ['nothing', '', 0xffff],
  ['an odd byte counts as the high one', '01', 0xfeff],
  ['a carry out of a carry', 'ffff ffff 0001', 0xfffe],
] as const)
  test(`checksum: ${what}`, () => {
    const data = hex(bytes);
    assert.equal(checksumOf(addWords(data, 0, data.length)), expected);
  });

test('checksum: 64 KiB of ones do not overflow', () => {
  const data = new Uint8Array(65536).fill(0xff);
  assert.equal(checksumOf(addWords(data, 0, data.length)), 0);
});

for (const [text, address] of [
  ['0.0.0.0', 0],
  ['255.255.255.255', 0xffffffff],
  ['192.168.1.20', 0xc0a80114],
] as const)
  test(`address: ${text}`, () => {
    assert.deepEqual([parseIp(text), formatIp(address)], [address, text]);
  });
for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.x', '-1.2.3.4', '1.2.3.1234'])
  test(`address: "${text}" is none`, () => assert.equal(parseIp(text), null));

const OURS = Uint8Array.of(2, 0, 0, 0, 0, 1);
const THEIRS = Uint8Array.of(2, 0, 0, 0, 0, 2);
const OUR_IP = 0x0a000001;
const THEIR_IP = 0x0a000002;

/** A stack and what it sent. */
function host() {
  const sent: string[] = [];
  const room = { left: Infinity };
  const stack = new NetStack({
    mac: OURS,
    address: OUR_IP,
    send: (frame, length) => room.left-- > 0 && sent.push(shown(frame.subarray(0, length))) > 0,
  });
  const take = (text: string) => {
    const frame = hex(text);
    const room = new Uint8Array(2000);
    room.set(frame);
    stack.handle(room, frame.length);
    return sent.splice(0);
  };
  return { stack, sent, take, room };
}
const flat = (text: string) => text.replaceAll(/\s/g, '');

const ETHERNET = '020000000001 020000000002 0800';
const ETHERNET_BACK = '020000000002 020000000001 0800';
const ARP_FIELDS = '0001 0800 06 04';
const ARP_REQUEST = `ffffffffffff 020000000002 0806 ${ARP_FIELDS} 0001 020000000002 0a000002 000000000000 0a000001`;
const ICMP_HEADER = '4500 0020 0000 4000 4001 26db 0a000002 0a000001';
const ICMP_BACK = '4500 0020 0000 4000 4001 26db 0a000001 0a000002';
const UDP_HEADER = '4500 0020 0000 4000 4011 26cb 0a000002 0a000001';
const UDP_BACK = '4500 0020 0000 4000 4011 26cb 0a000001 0a000002';
const ECHO = '0800 20fe 1234 0007 61626364';
const DATAGRAM = 'c007 0007 000c 66fe 61626364';

const answered: [string, string, string, 'arpAnswers' | 'echoAnswers' | 'datagramAnswers'][] = [
  // what, a frame, the answer, where it is counted
  [
    'ARP',
    ARP_REQUEST,
    `020000000002 020000000001 0806 ${ARP_FIELDS} 0002 020000000001 0a000001 020000000002 0a000002`,
    'arpAnswers',
  ],
  [
    'an echo',
    `${ETHERNET} ${ICMP_HEADER} ${ECHO}`,
    `${ETHERNET_BACK} ${ICMP_BACK} 0000 28fe 1234 0007 61626364`,
    'echoAnswers',
  ],
  [
    'an echo behind options, which go back as they came',
    `${ETHERNET} 4600 0024 0000 4000 4001 23d6 0a000002 0a000001 01010100 ${ECHO}`,
    `${ETHERNET_BACK} 4600 0024 0000 4000 4001 23d6 0a000001 0a000002 01010100 0000 28fe 1234 0007 61626364`,
    'echoAnswers',
  ],
  [
    'an echo in a frame that was padded',
    `${ETHERNET} ${ICMP_HEADER} ${ECHO} 000000000000`,
    `${ETHERNET_BACK} ${ICMP_BACK} 0000 28fe 1234 0007 61626364`,
    'echoAnswers',
  ],
  [
    'a datagram to port 7: ports change places, the checksum stays',
    `${ETHERNET} ${UDP_HEADER} ${DATAGRAM}`,
    `${ETHERNET_BACK} ${UDP_BACK} 0007 c007 000c 66fe 61626364`,
    'datagramAnswers',
  ],
  [
    'a datagram without a checksum',
    `${ETHERNET} ${UDP_HEADER} c007 0007 000c 0000 61626364`,
    `${ETHERNET_BACK} ${UDP_BACK} 0007 c007 000c 0000 61626364`,
    'datagramAnswers',
  ],
];
for (const [what, frame, answer, counter] of answered)
  test(`stack: answers ${what}`, () => {
    const { stack, take, room } = host();
    assert.deepEqual(take(frame), [flat(answer)]);
    assert.deepEqual([stack[counter], stack.dropped, stack.lost], [1, 0, 0]);
    room.left = 0;
    assert.deepEqual(take(frame), []);
    assert.deepEqual([stack[counter], stack.lost], [1, 1]);
  });

const useless: [string, string][] = [
  // what, a frame that gets no answer
  ['a frame shorter than a header', '020000000001 0200'],
  ['a frame for another', `020000000003 020000000002 0800 ${ICMP_HEADER} ${ECHO}`],
  ['IPv6', '020000000001 020000000002 86dd 6000'],
  ['ARP cut short', ARP_REQUEST.slice(0, -2)],
  ['ARP of another kind', ARP_REQUEST.replace('0001 0800', '0006 0800')],
  ['ARP for another', ARP_REQUEST.replace(/0a000001$/, '0a000003')],
  ['IP cut short', `${ETHERNET} 4500 0020`],
  ['IP of another version', `${ETHERNET} ${ICMP_HEADER.replace('4500', '6500').replace('26db', '06db')} ${ECHO}`],
  ['IP with a header too short', `${ETHERNET} ${ICMP_HEADER.replace('4500', '4400').replace('26db', '27db')} ${ECHO}`],
  ['IP with a wrong checksum', `${ETHERNET} ${ICMP_HEADER.replace('26db', '26dc')} ${ECHO}`],
  ['IP longer than its frame', `${ETHERNET} ${ICMP_HEADER.replace('0020', '0021').replace('26db', '26da')} ${ECHO}`],
  ['IP shorter than its header', `${ETHERNET} ${ICMP_HEADER.replace('0020', '0010').replace('26db', '26eb')} ${ECHO}`],
  ['a fragment', `${ETHERNET} ${ICMP_HEADER.replace('4000', '2000').replace('26db', '46db')} ${ECHO}`],
  ['IP for another', `${ETHERNET} ${ICMP_HEADER.replace(/0a000001$/, '0a000003').replace('26db', '26d9')} ${ECHO}`],
  ['TCP', `${ETHERNET} ${ICMP_HEADER.replace('4001', '4006').replace('26db', '26d6')} ${ECHO}`],
  ['an echo with a wrong checksum', `${ETHERNET} ${ICMP_HEADER} ${ECHO.replace('20fe', '20ff')}`],
  ['an echo with a code', `${ETHERNET} ${ICMP_HEADER} ${ECHO.replace('0800 20fe', '0801 20fd')}`],
  ['ICMP of another type', `${ETHERNET} ${ICMP_HEADER} ${ECHO.replace('0800 20fe', '0500 23fe')}`],
  ['an answer nobody asked for', `${ETHERNET} ${ICMP_HEADER} 0000 28fe 1234 0007 61626364`],
  ['a datagram with a wrong checksum', `${ETHERNET} ${UDP_HEADER} ${DATAGRAM.replace('66fe', '66ff')}`],
  ['a datagram longer than its packet', `${ETHERNET} ${UDP_HEADER} ${DATAGRAM.replace('000c 66fe', '000d 0000')}`],
  ['a datagram shorter than its header', `${ETHERNET} ${UDP_HEADER} ${DATAGRAM.replace('000c 66fe', '0007 0000')}`],
  ['a datagram to another port', `${ETHERNET} ${UDP_HEADER} ${DATAGRAM.replace('0007 000c 66fe', '0009 000c 66fc')}`],
  ['the echo of an echo', `${ETHERNET} ${UDP_HEADER} ${DATAGRAM.replace('c007', '0007').replace('66fe', '26ff')}`],
];
for (const [what, frame] of useless)
  test(`stack: drops ${what}`, () => {
    const { stack, take } = host();
    assert.deepEqual(take(frame), []);
    assert.deepEqual([stack.dropped, stack.lost], [1, 0]);
  });

test('stack: remembers who asked and who answered, and not for ever', () => {
  const { stack, take } = host();
  assert.throws(() => stack.sendEcho(THEIR_IP, 0, new Uint8Array(8)), /nobody is known at 10.0.0.2/);
  take(ARP_REQUEST);
  assert.equal(stack.knows(THEIR_IP), true);
  for (let i = 3; i < 3 + 64; i++) take(ARP_REQUEST.replace('0a000002', `0a0000${i.toString(16).padStart(2, '0')}`));
  assert.deepEqual([stack.knows(THEIR_IP), stack.knows(THEIR_IP + 64)], [false, true]);
});

test('stack: two of them echo to each other', () => {
  const stacks: NetStack[] = [];
  const join = (at: number, mac: Uint8Array, address: number) => {
    const send = (frame: Uint8Array, length: number) => {
      stacks[1 - at]!.handle(frame.slice(0, length), length);
      return true;
    };
    stacks[at] = new NetStack({ mac, address, send });
  };
  join(0, OURS, OUR_IP);
  join(1, THEIRS, THEIR_IP);
  const [ours, theirs] = stacks as [NetStack, NetStack];
  ours.ask(THEIR_IP);
  const came: unknown[] = [];
  ours.listener = {
    echoReply: (source, sequence, frame, at, length) =>
      came.push([source, sequence, shown(frame.slice(at, at + length))]),
    datagram: (source, port, frame, at, length) => came.push([source, port, shown(frame.slice(at, at + length))]),
  };
  ours.sendEcho(THEIR_IP, 65535, hex('0102030405'));
  ours.sendDatagram(THEIR_IP, 7, hex('060708'));
  // A sum whose complement is 0 is sent as ffff: the datagram has a checksum.
  for (const length of [0, 1, DATA_BYTES_MAX]) ours.sendDatagram(THEIR_IP, 7, new Uint8Array(length).fill(0xbb));
  assert.deepEqual(came, [
    [THEIR_IP, 65535, '0102030405'],
    [THEIR_IP, 7, '060708'],
    ...[0, 1, DATA_BYTES_MAX].map((length) => [THEIR_IP, 7, 'bb'.repeat(length)]),
  ]);
  assert.throws(() => ours.sendDatagram(THEIR_IP, 7, new Uint8Array(DATA_BYTES_MAX + 1)), RangeError);
  assert.deepEqual([theirs.arpAnswers, theirs.echoAnswers, theirs.datagramAnswers], [1, 1, 4]);
});

test('udp: a checksum of 0 is written as ffff, and found right', () => {
  const frame = new Uint8Array(100);
  const at = 34;
  frame.set(hex('bbd7'), at + 8);
  writeIpv4(frame, { protocol: IP_PROTOCOL_UDP, source: THEIR_IP, destination: OUR_IP }, 10);
  writeUdp(frame, at, 2, { sourcePort: 0x1000, destinationPort: 0x2000 });
  assert.equal(shown(frame.subarray(at, at + 10)), flat('1000 2000 000a ffff bbd7'));
  assert.deepEqual([isUdp(frame, at, 10), isIpv4(frame, 44)], [true, true]);
});

test('ethernet: an address for people', () => assert.equal(formatMac(OURS), '02:00:00:00:00:01'));
