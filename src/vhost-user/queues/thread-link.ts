/**
 * One thread that serves queues, and the calls to it that are not answered yet. In the session's thread. A call that is
 * not answered in time is the thread's end: it is terminated, and its queues are told.
 */
import { Worker } from 'node:worker_threads';
import { portsOf } from '../../doorbell/doorbell.ts';
import { needThreads } from '../../native/address-space.ts';
import { errorOf, terminateThread, watchEnd, within } from '../../native/threads.ts';
import { WATCHER_WORD_SIZE } from '../../native/watcher.ts';
import {
  type ThreadCall,
  type ThreadReply,
  type ThreadResults,
  type ThreadTask,
  thrownThere,
} from './thread-messages.ts';

const ENTRY = new URL('../../../workers/vhost-queue.js', import.meta.url);

interface Pending {
  readonly call: ThreadCall['call'];
  /** When it was sent, on `performance`'s clock, milliseconds. */
  readonly since: number;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export interface ThreadLinkOptions {
  readonly task: Omit<ThreadTask, 'watcher'>;
  /** The longest time that the thread may take to answer a call: more than its device may take. */
  readonly timeoutMs: number;
  readonly onEvent: (event: Extract<ThreadReply, { event: string }>) => void;
  readonly onDeath: () => void;
}

export class ThreadLink {
  /** Why it answers nothing any more. */
  dead: Error | null = null;
  private readonly worker: Worker;
  private readonly watcher = new SharedArrayBuffer(WATCHER_WORD_SIZE);
  private readonly pending = new Map<number, Pending>();
  private readonly timeoutMs: number;
  private readonly onDeath: () => void;
  /** For the oldest call; it may come when that is answered already. */
  private timer: NodeJS.Timeout | null = null;
  /** The thread's end, or that it is left behind. */
  private readonly ended: Promise<unknown>;
  private terminating: Promise<unknown> | null = null;
  private lastId = 0;

  constructor({ task, timeoutMs, onEvent, onDeath }: ThreadLinkOptions) {
    this.timeoutMs = timeoutMs;
    this.onDeath = onDeath;
    const workerData: ThreadTask = { ...task, watcher: this.watcher };
    needThreads(1);
    this.worker = new Worker(ENTRY, { workerData });
    this.worker.on('message', (reply: ThreadReply) => {
      if ('event' in reply) return onEvent(reply);
      const pending = this.pending.get(reply.id);
      this.pending.delete(reply.id);
      if ('error' in reply) pending?.reject(thrownThere(reply.error));
      else pending?.resolve(reply.result);
    });
    this.ended = watchEnd(this.worker, (death) => this.die(errorOf(death, 'the thread that served the queue')));
  }

  /** @throws Error what the thread throws, or why it is dead: within the bound. */
  call<C extends ThreadCall['call']>(call: Extract<ThreadCall, { call: C }>): Promise<ThreadResults[C]> {
    if (this.dead !== null) return Promise.reject(this.dead);
    const id = ++this.lastId;
    const handles = 'setup' in call ? [call.setup.kick, call.setup.call] : 'handle' in call ? [call.handle] : [];
    const ports = handles.flatMap((handle) => (handle?.kind === 'doorbell' ? portsOf(handle.doorbell) : []));
    return new Promise((resolve, reject) => {
      const since = performance.now();
      this.pending.set(id, { call: call.call, since, resolve: resolve as Pending['resolve'], reject });
      this.worker.postMessage({ ...call, id }, ports);
      this.timer ??= setTimeout(this.onTime, this.timeoutMs);
    });
  }

  /** Ends the thread, within twice the bound. */
  async close(): Promise<void> {
    // A thread that died meanwhile has nothing to close.
    await this.call({ call: 'close' }).catch(() => {});
    if (!(await within(this.terminating === null ? this.timeoutMs : 0, this.ended))) await this.terminate();
  }

  private readonly onTime = (): void => {
    this.timer = null;
    const [oldest] = this.pending.values();
    if (oldest === undefined) return;
    const leftMs = oldest.since + this.timeoutMs - performance.now();
    if (leftMs > 0) {
      this.timer = setTimeout(this.onTime, Math.ceil(leftMs));
      return;
    }
    this.die(new Error(`the thread that served the queue did not answer ${oldest.call} within ${this.timeoutMs} ms`));
    void this.terminate();
  };

  private die(error: Error): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.dead !== null) return;
    this.dead = error;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
    this.onDeath();
  }

  private terminate(): Promise<unknown> {
    this.terminating ??= terminateThread(this.worker, this.watcher);
    return this.terminating;
  }
}
