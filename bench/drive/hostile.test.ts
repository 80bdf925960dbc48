/**
 * The program `drive` as a process, and backends that make what both share block, or say nothing, or say too much.
 * Whatever they do, the run ends within its bound, and Ctrl-C ends it before.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BlockDevice } from '../../src/devices/block.ts';
import { ArrayDisk } from '../../src/devices/test-disk.ts';
import { closeDescriptor, duplicateDescriptor } from '../../src/native/descriptors.ts';
import { addEventfd, takeEventfd } from '../../src/native/eventfd.ts';
import { whyUnavailable } from '../../src/native/libc.ts';
import { fillAndBlock, makeBlocking } from '../../src/native/odd-blocking.ts';
import { ODD_DESCRIPTORS, type OddDescriptorKind } from '../../src/native/odd-descriptors.ts';
import { VhostUserServer } from '../../src/vhost-user/backend/server.ts';
import { until } from '../../src/vhost-user/backend/test-frontend.ts';
import type { Channel, Message } from '../../src/vhost-user/messages/channel.ts';
import type { Handle } from '../../src/vhost-user/messages/handle.ts';
import { encode, encodeReply, nameOf } from '../../src/vhost-user/messages/message.ts';
import { SocketChannel } from '../../src/vhost-user/messages/socket-channel.ts';
import { LocalDevice } from '../../src/vhost-user/queues/local-device.ts';

const skip = whyUnavailable() ?? false;
const timeout = 120_000;
const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'vringbench-hostile-drive-'));
after(() => rmSync(folder, { recursive: true }));

interface Hostile {
  /** True: the message was taken over. */
  take(name: string, message: Message, channel: Channel): boolean;
  /** How a run with `--timeout 1` ends. */
  readonly code: number;
  close?(): void;
}

/** Bits of a message's flags. */
const [VERSION, REPLY, NEED_REPLY] = [1, 4, 8];

const descriptorOf = (handle: Handle | undefined): number => {
  assert.ok(handle?.kind === 'descriptor');
  return handle.descriptor;
};

/** Answers a request for memory of what is in flight with a descriptor that is none. */
function inflightAs(kind: OddDescriptorKind): Hostile {
  const { descriptor, close } = ODD_DESCRIPTORS[kind]();
  return {
    code: 1,
    close,
    take(name, { request }, channel) {
      if (name !== 'GET_INFLIGHT_FD') return false;
      const area = { sizeBytes: 65536n, offsetBytes: 0n, queues: 1, queueSize: 256 };
      const handles: Handle[] = [{ kind: 'descriptor', descriptor }];
      void channel.send({ ...encodeReply({ request: 'GET_INFLIGHT_FD', ...area, handles }), request });
      return true;
    },
  };
}

const silentAt = (silent: string): Hostile => ({
  code: 3,
  take(name, { handles }, channel) {
    if (name !== silent) return false;
    channel.release(handles);
    return true;
  },
});

function acknowledge({ request, flags }: Message, channel: Channel): void {
  const payload = new Uint8Array(8);
  if ((flags & NEED_REPLY) !== 0) void channel.send({ request, flags: VERSION | REPLY, payload, handles: [] });
}

/** Keeps the kick for itself, and lets it block, with the counter as full as it can be. */
function fillsKick(): Hostile {
  let kick: Handle | undefined;
  return {
    code: 3,
    close: () => closeDescriptor(descriptorOf(kick)),
    take(name, message, channel) {
      if (name !== 'SET_VRING_KICK') return false;
      kick = message.handles[0];
      const descriptor = descriptorOf(kick);
      takeEventfd(descriptor);
      fillAndBlock(descriptor);
      acknowledge(message, channel);
      return true;
    },
  };
}

/** Rings an eventfd of the frontend's without end, and lets it block. */
function ringsWithoutEnd(which: 'SET_VRING_CALL' | 'SET_VRING_ERR', code: number): Hostile {
  let timer: NodeJS.Timeout | undefined;
  let own = -1;
  return {
    code,
    close() {
      clearInterval(timer);
      closeDescriptor(own);
    },
    take(name, { handles }) {
      if (name !== which) return false;
      own = duplicateDescriptor(descriptorOf(handles[0]));
      makeBlocking(own);
      timer = setInterval(() => addEventfd(own), 1);
      return false;
    },
  };
}

/** Says that the configuration has changed as often as it is let. */
function floods(): Hostile {
  let flood: SocketChannel | null = null;
  return {
    code: 3,
    close: () => flood?.close(),
    take(name, message, channel) {
      if (name === 'SET_BACKEND_REQ_FD') {
        const ours = new SocketChannel(descriptorOf(message.handles[0]));
        flood = ours;
        const on = async (): Promise<void> => {
          for (;;) await ours.send(encode({ request: 'BACKEND_CONFIG_CHANGE_MSG' }));
        };
        on().catch(() => {});
        acknowledge(message, channel);
        return true;
      }
      return flood !== null && name === 'GET_CONFIG';
    },
  };
}

const HOSTILE: Record<string, () => Hostile> = {
  'makes the kick eventfd block, and full': fillsKick,
  'rings the call eventfd without end, which blocks': () => ringsWithoutEnd('SET_VRING_CALL', 3),
  'rings the err eventfd without end, which blocks': () => ringsWithoutEnd('SET_VRING_ERR', 1),
  'floods its own channel, and does not tell its configuration': floods,
  'gives a socket as memory of what is in flight': () => inflightAs('a socket'),
  'gives a pipe as memory of what is in flight': () => inflightAs('a pipe to be read'),
  'gives a short file as memory of what is in flight': () => inflightAs('a memfd'),
  ...Object.fromEntries(
    ['GET_FEATURES', 'GET_QUEUE_NUM', 'GET_CONFIG', 'GET_INFLIGHT_FD', 'SET_VRING_ENABLE'].map((name) => [
      `is silent at ${name}`,
      () => silentAt(name),
    ]),
  ),
};

/** With a server of a disk that answers no request, whose messages the hostile one sees first. */
async function withHostile(
  what: string,
  body: (running: { args: string[]; seen: Set<string>; code: number }) => Promise<void>,
): Promise<void> {
  const { take, close, code } = HOSTILE[what]!();
  const path = join(folder, 's');
  const seen = new Set<string>();
  const processMessage = (message: Message, channel: Channel): boolean => {
    const name = String(nameOf(message.request, 'frontend'));
    seen.add(name);
    return take(name, message, channel);
  };
  const disk = new ArrayDisk({ sectors: 128, later: true });
  const device = new LocalDevice(new BlockDevice({ disk }));
  const server = new VhostUserServer({ path, device, hooks: { processMessage } });
  server.open();
  try {
    await body({ args: ['drive', 'blk', '--socket', path, '--out', 'none', '--seconds', '60'], seen, code });
  } finally {
    // What it never answered it answers now, so that its queue can stop.
    for (const work of disk.waiting.splice(0)) work();
    await server.close();
    close?.();
  }
}

async function run(args: readonly string[], whenRunning: (kill: () => void) => Promise<void>) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  try {
    const closed = once(child, 'close');
    await whenRunning(() => child.kill('SIGINT'));
    const [code, signal] = await closed;
    return { code, signal, said };
  } finally {
    child.kill('SIGKILL');
  }
}

for (const what of Object.keys(HOSTILE))
  test(`hostile drive: a backend that ${what} does not hold it up`, { skip, timeout }, () =>
    withHostile(what, async ({ args, code }) => {
      const ended = await run([...args, '--timeout', '1'], async () => {});
      assert.equal(ended.code, code, ended.said);
    }),
  );

test('hostile drive: Ctrl-C, pressed until it ends, ends it while its kick blocks', { skip, timeout }, () =>
  withHostile('makes the kick eventfd block, and full', async ({ args, seen }) => {
    let timer: NodeJS.Timeout | undefined;
    const { signal } = await run([...args, '--timeout', '60'], async (interrupt) => {
      await until(() => seen.has('SET_VRING_ENABLE'), 'the queue');
      timer = setInterval(interrupt, 300);
    });
    clearInterval(timer);
    // The first one waits for what is in flight.
    assert.equal(signal, 'SIGINT');
  }),
);
