/**
 * While a server serves one connection: sees that another one waits, and ends the one that is served if it has not
 * begun its session in time. While no other one waits, a connection may take any time. On the thread's event loop; it
 * accepts nothing.
 */
import { threadWatcher } from '../../native/watcher.ts';
import { ProtocolError } from '../messages/errors.ts';

/** A connection that waits for less than this is not told of: the one before it is about to go. Milliseconds. */
const TOLD_AFTER_MS = 1000;

export interface WaitingPeerOptions {
  /** The socket that connections wait at. */
  readonly listener: number;
  /** From now on, for the session to begin. */
  readonly handshakeTimeoutMs: number;
  /** The session that is served has begun: it has an owner. */
  hasBegun(): boolean;
  /** Another connection waits, and has waited for a while; told once. */
  onWaiting(): void;
  /** The session is to end for this reason; told once. */
  onLate(error: ProtocolError): void;
}

export class WaitingPeer {
  private readonly options: WaitingPeerOptions;
  private readonly deadline: number;
  private watching = true;
  private told = false;
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(options: WaitingPeerOptions) {
    this.options = options;
    this.deadline = performance.now() + options.handshakeTimeoutMs;
    threadWatcher().watch(options.listener, this.onReadable);
  }

  close(): void {
    this.unwatch();
    for (const timer of this.timers) clearTimeout(timer);
  }

  private unwatch(): void {
    if (this.watching) threadWatcher().unwatch(this.options.listener);
    this.watching = false;
  }

  private readonly onReadable = (): void => {
    // It waits as long as it is not accepted: once is enough.
    this.unwatch();
    const leftMs = Math.max(0, Math.ceil(this.deadline - performance.now()));
    this.timers.push(setTimeout(this.tell, TOLD_AFTER_MS), setTimeout(this.onDeadline, leftMs));
  };

  private readonly tell = (): void => {
    if (this.told) return;
    this.told = true;
    this.options.onWaiting();
  };

  private readonly onDeadline = (): void => {
    const { hasBegun, onLate, handshakeTimeoutMs } = this.options;
    if (hasBegun()) return;
    this.tell();
    onLate(new ProtocolError('timed-out', 'SET_OWNER', handshakeTimeoutMs));
  };
}
