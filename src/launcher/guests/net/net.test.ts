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
const ARP_REQUEST = 'ffffffffffff 020000000002 0806 0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001';
// From here on: RFC 791 header, time to live 0x40, no fragments; checksums by hand.
const ICMP_HEADER = '4500 0020 0000 4000 4001 26d9 0a000002 0a000001';
const ICMP_BACK = '4500 0020 0000 4000 4001 26d9 0a000001 0a000002';
const UDP_HEADER = '4500 0020 0000 4000 4011 26c9 0a000002 0a000001';
const UDP_BACK = '4500 0020 0000 4000 4011 26c9 0a000001 0a000002';

test('stack: answers ARP, and knows who asked', () => {
  const { stack, take } = host();
  assert.equal(stack.knows(THEIR_IP), false);
  assert.deepEqual(take(ARP_REQUEST), [
    flat('020000000002 020000000001 0806 0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002'),
  ]);
  assert.deepEqual([stack.knows(THEIR_IP), stack.arpAnswers, stack.dropped], [true, 1, 0]);
});

test('stack: answers an echo: type 0, the same identifier, sequence and data, a checksum of its own', () => {
  const { stack, take } = host();
  assert.deepEqual(take(`${ETHERNET} ${ICMP_HEADER} 0800 6b73 1234 0007 61626364`), [
    flat(`${ETHERNET_BACK} ${ICMP_BACK} 0000 ${'f1' /* see below */}`).slice(0, 0) +
      flat(`${ETHERNET_BACK} ${ICMP_BACK} 0000 2300 1234 0007 61626364`).replace('2300', checksumText('0000 0000 1234 0007 61626364')),
  ]);
  assert.equal(stack.echoAnswers, 1);
});
function checksumText(text: string): string {
  const bytes = hex(text);
  return checksumOf(addWords(bytes, 0, bytes.length)).toString(16).padStart(4, '0');
}
