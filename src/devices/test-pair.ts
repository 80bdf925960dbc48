/**
 * For tests, in a process of its own: one end of a pair. It sends so many numbered packets, checks as many that come,
 * and says how it went. Packets have many lengths; each says which it is and of which side.
 */
import { openPairLink } from './pair-link.ts';

const HEAD = 14;

export function fillPacket(into: Uint8Array, number: number): number {
  const length = HEAD + ((number * 7919) % 1500);
  new DataView(into.buffer, into.byteOffset).setUint32(0, number, true);
  for (let i = 4; i < length; i += 97) into[i] = (number + i) & 0xff;
  return length;
}

/** What is wrong with packet `number`, or null. */
export function packetFault(bytes: Uint8Array, length: number, number: number): string | null {
  const found = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (found !== number) return `packet ${found} instead of ${number}`;
  if (length !== HEAD + ((number * 7919) % 1500)) return `packet ${number} of ${length} bytes`;
  for (let i = 4; i < length; i += 97) if (bytes[i] !== ((number + i) & 0xff)) return `packet ${number}, byte ${i}`;
  return null;
}

const [name, count] = process.argv.slice(2);
if (name !== undefined) await run(name, Number(count));

async function run(pair: string, total: number): Promise<void> {
  const link = await openPairLink({ name: pair });
  const outgoing = new Uint8Array(2048);
  const incoming = new Uint8Array(65536);
  let sent = 0;
  let received = 0;
  let fault: string | null = null;
  await new Promise<void>((resolve) => {
    const send = () => {
      while (sent < total && link.send(outgoing, fillPacket(outgoing, sent))) sent++;
      if (sent === total && received === total) resolve();
    };
    const receive = () => {
      // A bounded turn, so that both directions go on.
      for (let i = 0; i < 256; i++) {
        const length = link.receive(incoming);
        if (length < 0) break;
        fault ??= packetFault(incoming, length, received);
        received++;
      }
      if (sent === total && received === total) resolve();
    };
    link.onReadable = receive;
    link.onWritable = send;
    link.resume();
    receive();
    send();
  });
  process.stdout.write(`${JSON.stringify({ sent, received, fault })}\n`);
  // Until the other has seen all: it says so by its own end, or is told to us by a signal.
  link.close();
}
