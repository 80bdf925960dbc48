/**
 * How each backend is started: real ones and ours. A backend listens at `socket` when its starter returns. Frontends
 * that are no guest stand here, too.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { $ } from 'zx/core';
import { Missing } from './failure.ts';
import type { Settings } from './scenario.ts';
import type { Peer, Scope } from './scope.ts';

/** The built command of this checkout; `--program` names another one's. */
export const OUR_PROGRAM = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

/** @throws Missing unless the program has the command: `serve`, `drive`. */
export async function needOurs(program: string, command: string): Promise<void> {
  if (!existsSync(program)) throw new Missing(`${program} is not built`);
  const help = await $`node ${program} ${command} --help`.quiet().nothrow();
  if (help.exitCode !== 0) throw new Missing(`${program} has no command '${command}'`);
}

/** A block backend. */
export interface BlockBackend {
  start(scope: Scope, at: { socket: string; image: string; queues?: number }): Promise<Peer>;
}

/** qemu-storage-daemon's export; `file` and `more` tune it. */
const daemonWith = (file: string, exported: string, more: readonly string[]): BlockBackend => ({
  async start(scope, { socket, image, queues = 1 }) {
    const peer = scope.startProgram('qemu-storage-daemon', 'qemu-storage-daemon', [
      ...more,
      ...['--blockdev', `driver=file,node-name=file,filename=${image}${file}`],
      '--export',
      `type=vhost-user-blk,id=export,node-name=file,addr.type=unix,addr.path=${socket},writable=on,num-queues=${queues}${exported}`,
    ]);
    await peer.untilListening(socket);
    return peer;
  },
});

/** As it comes: its main loop, and threads for the file. */
export const storageDaemon = daemonWith('', '', []);

/** Tuned: a thread of its own that polls, and io_uring for the file. */
export const storageDaemonTuned = daemonWith(',aio=io_uring', ',iothread=loop', ['--object', 'iothread,id=loop']);

/** `vringbench serve …`, which listens at `socket`. */
export async function serve(
  scope: Scope,
  { program, serveOptions }: Settings,
  socket: string,
  args: readonly string[],
): Promise<Peer> {
  await needOurs(program, 'serve');
  const peer = scope.start('serve', process.execPath, [program, 'serve', ...args, '--socket', socket, ...serveOptions]);
  await peer.untilListening(socket);
  return peer;
}

/** `vringbench serve blk`. */
export const ourBlock = (settings: Settings): BlockBackend => ({
  start: (scope, { socket, image, queues = 1 }) =>
    serve(scope, settings, socket, ['blk', '--image', image, '--queues', String(queues)]),
});
