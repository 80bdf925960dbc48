import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closeDescriptor } from '../native/descriptors.ts';
import { whyUnavailable } from '../native/libc.ts';
import { listenPackets, PacketSocket } from '../native/packet-socket.ts';
import { leavingNoneOpen } from '../native/test-leaks.ts';
import { acceptUnix } from '../native/unix-socket.ts';
import type { PacketLink } from './packet-link.ts';
import { openPairLink, type PairLinkOptions, socketName } from './pair-link.ts';
import { fillPacket, packetFault } from './test-pair.ts';

const skip = whyUnavailable() ?? false;
const BOUND_MS = 60_000;
const PROGRAM = fileURLToPath(new URL('./test-pair.js', import.meta.url));
let names = 0;
const newName = () => `test-${process.pid}-${++names}`;
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** The other end in a process of its own, and what it says at its end. */
function other(name: string, count: number) {
  const child = spawn(process.execPath, [PROGRAM, name, `${count}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<string>((resolve) => child.on('close', () => resolve(said)));
  return { child, ended };
}

/** Turns of the event loop until it is so. */
async function until(what: () => boolean): Promise<void> {
  for (const end = performance.now() + BOUND_MS; !what(); ) {
    assert.ok(performance.now() < end, 'not in time');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** An end that waits for its greeting as long as it takes. */
const open = (options: PairLinkOptions) => openPairLink({ greetingMs: BOUND_MS, ...options });

/** One end: what it has received, and the lines it told. */
async function end(name: string) {
  const lines: string[] = [];
  const link = await open({ name, tell: (line) => lines.push(line.replace(`pair ${name}: `, '')) });
  const got: number[] = [];
  const into = new Uint8Array(65536);
  link.onReadable = () => {
    for (let length = link.receive(into); length >= 0; length = link.receive(into)) got.push(into[0]!);
  };
  link.resume();
  return { link, lines, got };
}
const send = (link: PacketLink, byte: number) => link.send(new Uint8Array(60).fill(byte), 60);

test('pair: 100,000 packets both ways between two processes, none lost, changed or out of order', {
  skip,
}, async () => {
  const name = newName();
  const ends = [other(name, 100_000), other(name, 100_000)];
  for (const { ended } of ends)
    assert.deepEqual(JSON.parse(await ended), { sent: 100_000, received: 100_000, fault: null });
});

test('pair: what is sent before the other comes arrives when it does', { skip }, async () => {
  await leavingNoneOpen(async () => {
    const name = newName();
    const first = await end(name);
    assert.deepEqual(first.lines, ['waiting for the other']);
    assert.equal(send(first.link, 1), false, 'kept by the sender');
    let writable = 0;
    first.link.onWritable = () => {
      writable++;
      assert.equal(send(first.link, 1), true);
    };
    const second = await end(name);
    await until(() => second.got.length === 1);
    assert.equal(writable, 1);
    assert.equal(send(second.link, 2), true);
    await until(() => first.got.length === 1);
    assert.deepEqual([first.got, second.got], [[2], [1]]);
    assert.deepEqual(second.lines, ['connected']);
    first.link.close();
    second.link.close();
  });
});

test('pair: a third is refused, and the two go on', { skip }, async () => {
  await leavingNoneOpen(async () => {
    const name = newName();
    const first = await end(name);
    const second = await end(name);
    await assert.rejects(open({ name }), { message: `pair ${name}: two are connected by this name already` });
    send(first.link, 7);
    await until(() => second.got.length === 1);
    assert.deepEqual(first.lines, ['waiting for the other', 'connected', 'refused a third']);
    first.link.close();
    second.link.close();
  });
});

for (const leaver of ['first', 'second'] as const)
  test(`pair: the ${leaver} leaves and comes back, again and again`, { skip }, async () => {
    await leavingNoneOpen(async () => {
      const name = newName();
      const ends = { first: await end(name), second: await end(name) };
      const stayer = leaver === 'first' ? 'second' : 'first';
      for (let round = 0; round < 5; round++) {
        // What was sent before it left is still received.
        send(ends[leaver].link, 100 + round);
        ends[leaver].link.close();
        await until(() => ends[stayer].got.at(-1) === 100 + round);
        ends[leaver] = await end(name);
        await until(() => send(ends[stayer].link, round));
        await until(() => ends[leaver].got.length === 1);
        assert.deepEqual(ends[leaver].got, [round]);
      }
      assert.deepEqual(ends[stayer].got, [100, 101, 102, 103, 104]);
      ends.first.link.close();
      ends.second.link.close();
    });
  });

test('pair: two who come at the same moment find each other', { skip }, async () => {
  await leavingNoneOpen(async () => {
    for (let round = 0; round < 20; round++) {
      const name = newName();
      const [one, two] = await Promise.all([end(name), end(name)]);
      await until(() => send(one.link, round));
      await until(() => two.got.length === 1);
      one.link.close();
      two.link.close();
    }
  });
});

test('pair: what the other has no room for stays with the sender, and nothing is lost', { skip }, async () => {
  await leavingNoneOpen(async () => {
    const name = newName();
    const from = await open({ name });
    const to = await open({ name });
    const packet = new Uint8Array(2048);
    const into = new Uint8Array(65536);
    const total = 20_000;
    let sent = 0;
    let refusals = 0;
    let received = 0;
    let fault: string | null = null;
    from.onWritable = () => {
      while (sent < total && from.send(packet, fillPacket(packet, sent))) sent++;
      if (sent < total) refusals++;
    };
    to.pause();
    await until(() => from.send(packet, fillPacket(packet, 0)));
    sent = 1;
    from.onWritable();
    assert.ok(sent < total && refusals === 1, `${sent} packets fit`);
    const stuck = sent;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(sent, stuck, 'nobody is told of room while there is none');
    to.onReadable = () => {
      for (let length = to.receive(into); length >= 0; length = to.receive(into)) {
        fault ??= packetFault(into, length, received);
        received++;
      }
    };
    to.resume();
    await until(() => received === total);
    assert.equal(fault, null);
    assert.ok(refusals > 10, `${refusals}`);
    from.close();
    to.close();
  });
});

test('pair: one that is killed leaves nothing behind, and the other can be found again', { skip }, async () => {
  await leavingNoneOpen(async () => {
    const name = newName();
    const { child, ended } = other(name, 1e9);
    let told = false;
    const lines: string[] = [];
    // It comes first if it wants to: whoever stays has the name in the end.
    const link = await open({ name, tell: (line) => lines.push(line) });
    const into = new Uint8Array(65536);
    link.onReadable = () => {
      for (let i = 0; i < 256 && link.receive(into) >= 0; i++) told = true;
    };
    link.resume();
    await until(() => told);
    child.kill('SIGKILL');
    await ended;
    await until(() => lines.at(-1) === `pair ${name}: waiting for the other` || lines.at(-1)!.endsWith('has left'));
    const again = await end(name);
    await until(() => send(link, 9));
    await until(() => again.got.length === 1);
    link.close();
    again.link.close();
  });
});

test('pair: greeted late: it waits as a link; refused then, its next call says why', { skip }, async () => {
  await leavingNoneOpen(async () => {
    const name = newName();
    const listener = listenPackets(socketName(name));
    const link = await openPairLink({ name, greetingMs: 1 });
    assert.equal(send(link, 1), false);
    assert.equal(link.receive(new Uint8Array(100)), -1);
    let called = 0;
    link.onReadable = () => called++;
    const peer = new PacketSocket(acceptUnix(listener));
    peer.send(Uint8Array.of(0), 1);
    await until(() => called === 1);
    const refused = { message: `pair ${name}: two are connected by this name already` };
    assert.throws(() => link.receive(new Uint8Array(100)), refused);
    assert.throws(() => send(link, 1), refused);
    link.close();
    peer.close();
    closeDescriptor(listener);
  });
});

test('pair: one who leaves before it greets is not waited for: the name is taken over', { skip }, async () => {
  await leavingNoneOpen(async () => {
    const name = newName();
    const listener = listenPackets(socketName(name));
    const lines: string[] = [];
    const link = await openPairLink({ name, greetingMs: 1, tell: (line) => lines.push(line) });
    closeDescriptor(listener);
    await until(() => lines.length === 1);
    assert.deepEqual(lines, [`pair ${name}: waiting for the other`]);
    link.close();
  });
});
