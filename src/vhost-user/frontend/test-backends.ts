/** For tests: block backends in processes of their own that can be killed and started again at the same path. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { whyUnavailable } from '../../native/libc.ts';

const START_TIMEOUT_MS = 60_000;
const DAEMON = 'qemu-storage-daemon';
/** A server of ours, started by its built file. */
const OWN_SERVER = fileURLToPath(new URL('../backend/test-block-server.js', import.meta.url));

/** Why the daemon cannot be used here, or false. */
const daemonMissing = (): string | false => (spawnSync(DAEMON, ['--version']).status === 0 ? false : `needs ${DAEMON}`);

export type BackendKind = 'daemon' | 'own';

/** Why each cannot be had here, or false. */
export const skips: Record<BackendKind, string | false> = {
  daemon: whyUnavailable() ?? daemonMissing(),
  own: whyUnavailable() ?? false,
};
export const kinds = Object.keys(skips) as BackendKind[];

export interface TestBackendOptions {
  readonly kind: BackendKind;
  /** Of the disk, random bytes. */
  readonly sizeBytes: number;
  readonly queues?: number;
  readonly writable?: boolean;
}

/** A disk image in a folder of its own, and a backend that serves it. */
export class TestBackend {
  readonly socket: string;
  readonly image: string;
  private readonly folder: string;
  private readonly pidFile: string;
  private readonly options: TestBackendOptions;
  private child: ChildProcess | null = null;

  constructor(options: TestBackendOptions) {
    this.options = options;
    this.folder = mkdtempSync(join(tmpdir(), 'vringbench-test-'));
    this.socket = join(this.folder, 's');
    this.image = join(this.folder, 'image');
    this.pidFile = join(this.folder, 'pid');
    writeFileSync(this.image, randomBytes(options.sizeBytes));
  }

  imageBytes(): Buffer {
    return readFileSync(this.image);
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    rmSync(this.pidFile, { force: true });
    const { kind, queues = 1, writable = true } = this.options;
    // What a killed daemon left would be in its way; a server of ours replaces it by itself.
    if (kind === 'daemon') rmSync(this.socket, { force: true });
    const daemonArgs = [
      ...['--blockdev', `driver=file,node-name=f0,filename=${this.image},read-only=${writable ? 'off' : 'on'}`],
      '--export',
      `type=vhost-user-blk,id=e0,node-name=f0,addr.type=unix,addr.path=${this.socket},writable=${writable ? 'on' : 'off'},num-queues=${queues}`,
      ...['--pidfile', this.pidFile],
    ];
    const ownArgs = [
      OWN_SERVER,
      this.socket,
      this.image,
      this.pidFile,
      `${queues}`,
      writable ? 'writable' : 'read-only',
    ];
    const child =
      kind === 'daemon'
        ? spawn(DAEMON, daemonArgs, { stdio: 'inherit' })
        : spawn(process.execPath, ownArgs, { stdio: 'inherit' });
    this.child = child;
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!existsSync(this.pidFile)) {
      if (child.exitCode !== null || performance.now() > deadline) throw new Error(`the ${kind} backend did not start`);
      await delay(5);
    }
  }

  /** Stops it wherever it is: from when this resolves it does nothing more, until it is killed. */
  async freeze(): Promise<void> {
    const { child } = this;
    child?.kill('SIGSTOP');
    const threads = `/proc/${child?.pid}/task`;
    const isStopped = (thread: string) => {
      const stat = join(threads, thread, 'stat');
      // One that went meanwhile is looked for no more.
      return !existsSync(stat) || / T /.test(readFileSync(stat, 'utf8'));
    };
    while (!readdirSync(threads).every(isStopped)) await delay(1);
  }

  /** Ends it without a chance to tidy up. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  /** Ends it and takes its folder away. */
  async close(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}

/** Starts a backend, runs `body`, and leaves nothing behind. */
export async function withBackend(
  options: TestBackendOptions,
  body: (backend: TestBackend) => Promise<void>,
): Promise<void> {
  const backend = new TestBackend(options);
  try {
    await backend.start();
    await body(backend);
  } finally {
    await backend.close();
  }
}
