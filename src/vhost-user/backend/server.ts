/**
 * Serves one device to one frontend after the other: listens at a path, or connects to one (QEMU's `server=on`) and
 * tries again for ever. Each connection is a session of its own; the device outlives them. On the thread's event loop.
 *
 * One connection at a time: others wait in the kernel's backlog, which is told once a session, and are served when it is
 * over. A connection that has not begun its session (SET_OWNER, or a ring that is started) within `handshakeTimeoutMs`
 * gives way to one that waits; after that a frontend may be silent for as long as it likes. No message ends the server.
 * What a frontend does with memory that it shares can: a file that is cut short under its mapping ends the process
 * (SIGBUS), unless it is sealed. SECURITY.md says what else is not prevented.
 */
import { lstatSync, unlinkSync } from 'node:fs';
import { closeDescriptor } from '../../native/descriptors.ts';
import { acceptUnix, connectUnix, listenUnix } from '../../native/unix-socket.ts';
import { threadWatcher } from '../../native/watcher.ts';
import { SocketChannel } from '../messages/socket-channel.ts';
import type { QueueStats, ServedDevice } from '../queues/queue-runner.ts';
import type { SessionEvent, SessionHooks, SessionSystem } from './backend-options.ts';
import { BackendSession } from './backend-session.ts';
import { nativeSystem } from './native-system.ts';
import { WaitingPeer } from './waiting-peer.ts';

export type ServerEvent =
  | SessionEvent
  /** A frontend is there. */
  | { readonly kind: 'connected' }
  /** Another frontend waits until this one is gone. */
  | { readonly kind: 'waiting' }
  /** It is gone, or was sent away: then `error` says why. */
  | { readonly kind: 'disconnected'; readonly error: Error | null };

export interface VhostUserServerOptions {
  /** Of the socket. */
  readonly path: string;
  /** Closed with the server. */
  readonly device: ServedDevice;
  /** Connects to `path`, where a frontend listens, and again when that ends. Default: listens there itself. */
  readonly connects?: boolean;
  /** Between two tries to connect. Default 1000. */
  readonly retryMs?: number;
  /** The longest time that a message may take, once begun. Default 10,000. */
  readonly messageTimeoutMs?: number;
  /** How long a connection may keep others waiting before it has begun its session. Default 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** Offers postcopy, where `postcopyOpener` has one: frontends are trusted with this process's memory. Default false. */
  readonly postcopy?: boolean;
  readonly hooks?: SessionHooks;
  /** Default: libc. */
  readonly system?: SessionSystem;
  /** Told what happens, at once. */
  readonly report?: (event: ServerEvent) => void;
}

const RETRY_MS = 1000;
const MESSAGE_TIMEOUT_MS = 10_000;
export const HANDSHAKE_TIMEOUT_MS = 10_000;

export class VhostUserServer {
  private readonly options: VhostUserServerOptions;
  private readonly report: (event: ServerEvent) => void;
  private readonly system: SessionSystem;
  private listener = -1;
  /** Of the socket's file, to remove no other. */
  private inode = 0;
  private session: BackendSession | null = null;
  /** Ends when nothing is served any more. */
  private serving: Promise<void> | null = null;
  private closing: Promise<void> | null = null;
  /** Ends a wait for a connection. */
  private wake: (() => void) | null = null;
  private tries = 0;
  /** Frontends served so far, with the present one. */
  sessions = 0;

  constructor(options: VhostUserServerOptions) {
    this.options = options;
    this.report = options.report ?? (() => {});
    this.system = options.system ?? nativeSystem({ postcopy: options.postcopy ?? false });
  }

  /**
   * Starts to serve. A socket whose owner died is replaced.
   * @throws SystemError EADDRINUSE if another server listens at the path, or it is no socket
   */
  open(): void {
    if (this.serving !== null || this.closing !== null) throw new TypeError('a server opens once');
    const { path, connects = false } = this.options;
    if (!connects) {
      this.listener = listenUnix(path);
      this.inode = lstatSync(path).ino;
    }
    this.serving = this.serveAll(connects ? this.connect : this.accept);
  }

  /** Ends the session, stops listening, closes the device. */
  async close(): Promise<void> {
    this.closing ??= this.end();
    await this.closing;
  }

  private async end(): Promise<void> {
    this.session?.close();
    this.wake?.();
    await this.serving;
    if (this.listener >= 0) {
      this.removePath();
      closeDescriptor(this.listener);
    }
    await this.options.device.close();
  }

  /** The configuration space is not what it was. */
  notifyConfigChange(): void {
    this.session?.notifyConfigChange();
  }

  /** By queue. */
  get stats(): QueueStats[] {
    const { device } = this.options;
    return Array.from({ length: device.queueCount }, (_, index) => device.runner(index).stats);
  }

  private async serveAll(next: () => Promise<number>): Promise<void> {
    while (this.closing === null) {
      const socket = await next();
      if (socket < 0) continue;
      if (this.closing !== null) closeDescriptor(socket);
      else await this.serve(socket);
    }
  }

  private async serve(socket: number): Promise<void> {
    const { device, hooks = {}, messageTimeoutMs = MESSAGE_TIMEOUT_MS } = this.options;
    const channel = new SocketChannel(socket, { timeoutMs: messageTimeoutMs });
    const session = new BackendSession({ channel, device, hooks, system: this.system, report: this.report });
    this.session = session;
    this.sessions++;
    this.report({ kind: 'connected' });
    let waiting: WaitingPeer | null = null;
    let error: Error | null = null;
    try {
      waiting = this.watchWaiting(session);
      await session.run();
    } catch (thrown) {
      error = thrown as Error;
    }
    waiting?.close();
    this.session = null;
    this.report({ kind: 'disconnected', error });
  }

  /** Null if none can wait: the server itself connects. */
  private watchWaiting(session: BackendSession): WaitingPeer | null {
    if (this.listener < 0) return null;
    return new WaitingPeer({
      listener: this.listener,
      handshakeTimeoutMs: this.options.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS,
      hasBegun: () => session.hasBegun,
      onWaiting: () => this.report({ kind: 'waiting' }),
      onLate: (error) => session.end(error),
    });
  }

  /** The next connection, or -1. */
  private readonly accept = async (): Promise<number> => {
    try {
      const socket = acceptUnix(this.listener);
      if (socket >= 0) return socket;
    } catch (error) {
      // No descriptor is left for it, for one: it waits.
      this.report({ kind: 'failed', what: 'accepting a connection', error: error as Error });
      await this.pause();
      return -1;
    }
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      threadWatcher().watch(this.listener, resolve);
    });
    this.wake = null;
    threadWatcher().unwatch(this.listener);
    return -1;
  };

  /** A connection, or -1 when it is time to try again. */
  private readonly connect = async (): Promise<number> => {
    // A frontend that ends each session at once is not asked in a loop either.
    if (this.tries++ > 0) await this.pause();
    if (this.closing !== null) return -1;
    try {
      return connectUnix(this.options.path);
    } catch {
      // Nobody listens yet, or not any more.
      return -1;
    }
  };

  private async pause(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, this.options.retryMs ?? RETRY_MS);
    });
    this.wake = null;
    clearTimeout(timer);
  }

  /** Unless somebody else has put a file there since. */
  private removePath(): void {
    try {
      if (lstatSync(this.options.path).ino === this.inode) unlinkSync(this.options.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
