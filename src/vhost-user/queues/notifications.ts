/**
 * Kicks and calls of one queue, whatever carries them: descriptors, doorbells between threads, messages, or nothing.
 * In the thread that runs the queue. What comes from a peer may be any descriptor: one that cannot be what it should be
 * is an error, not a loop. The peer can make it block at any moment: the call is then cut short, and is an error too.
 */
import type { Doorbell } from '../../doorbell/doorbell.ts';
import { DOORBELLS, type DoorbellName } from '../../doorbell/index.ts';
import { addEventfd, takeEventfd } from '../../native/eventfd.ts';
import { adoptNotifier } from '../../native/notifier.ts';
import { threadWatcher } from '../../native/watcher.ts';
import type { Handle } from '../messages/handle.ts';

/** A queue without kicks is looked at so often. */
const LOOK_EVERY_MS = 1;
/** A doorbell may block its waiter so long; then the thread has its turn. */
const DOORBELL_WAIT_MS = 1;
/** So many wakes in a row without a kick: the descriptor will never be quiet. */
const EMPTY_WAKES_MAX = 1000;

/** The far end of a call. A failing one is told once and silent afterwards. */
export class CallBell implements Doorbell {
  rings = 0;
  private descriptor = -1;
  private doorbell: Doorbell | null = null;
  private readonly withoutHandle: (() => void) | null;
  private readonly failed: (error: Error) => void;

  /** `withoutHandle` is called for a ring while there is no handle; null: then nobody wants to know. */
  constructor(handle: Handle | null, withoutHandle: (() => void) | null, failed: (error: Error) => void) {
    this.withoutHandle = withoutHandle;
    this.failed = failed;
    this.connect(handle);
  }

  /** From now on to `handle`. @throws SystemError for a descriptor that cannot be rung: then to nothing. */
  connect(handle: Handle | null): void {
    this.descriptor = -1;
    this.doorbell = null;
    if (handle?.kind === 'descriptor') {
      adoptNotifier(handle.descriptor);
      this.descriptor = handle.descriptor;
    } else if (handle?.kind === 'doorbell') {
      const strategy = DOORBELLS[handle.doorbell.strategy as DoorbellName];
      this.doorbell = strategy.doorbell(handle.doorbell);
    }
  }

  get wakeSyscalls(): number {
    return this.rings;
  }

  ring(): void {
    this.rings++;
    if (this.descriptor >= 0) this.ringDescriptor();
    else if (this.doorbell !== null) this.doorbell.ring();
    else if (this.withoutHandle !== null) this.withoutHandle();
  }

  resetCounters(): void {
    this.rings = 0;
  }

  private ringDescriptor(): void {
    try {
      addEventfd(this.descriptor);
    } catch (error) {
      this.descriptor = -1;
      this.failed(error as Error);
    }
  }
}

/** Where kicks come from, until `close`. */
export interface KickSource {
  close(): void;
}

const NO_KICKS: KickSource = { close: () => {} };

/**
 * Calls `onKick` for kicks, several of which may be one; never from within this call.
 * @throws SystemError for a descriptor that cannot be waited for.
 */
export function watchKicks(
  kick: Handle | null,
  byMessage: boolean,
  onKick: () => void,
  failed: (error: Error) => void,
): KickSource {
  if (kick?.kind === 'descriptor') return watchDescriptor(kick.descriptor, onKick, failed);
  if (kick?.kind === 'doorbell') return waitForDoorbell(kick, onKick, failed);
  return byMessage ? NO_KICKS : lookAgainAndAgain(onKick);
}

function watchDescriptor(descriptor: number, onKick: () => void, failed: (error: Error) => void): KickSource {
  let emptyWakes = 0;
  const close = () => threadWatcher().unwatch(descriptor);
  const onReadable = () => {
    try {
      if (takeEventfd(descriptor)) {
        emptyWakes = 0;
        onKick();
        return;
      }
      if (++emptyWakes < EMPTY_WAKES_MAX) return;
      throw new Error(`descriptor ${descriptor} is always readable and holds no kick`);
    } catch (error) {
      close();
      failed(error as Error);
    }
  };
  adoptNotifier(descriptor);
  threadWatcher().watch(descriptor, onReadable);
  return { close };
}

function waitForDoorbell(
  { doorbell }: Extract<Handle, { kind: 'doorbell' }>,
  onKick: () => void,
  failed: (error: Error) => void,
): KickSource {
  const waits = DOORBELLS[doorbell.strategy as DoorbellName].waitSet(doorbell);
  let open = true;
  const turn = async () => {
    try {
      const wake = await waits.wait(DOORBELL_WAIT_MS);
      if (open && wake === 'rung') onKick();
      if (open && wake !== 'stopped') setImmediate(turn);
      else waits.close();
    } catch (error) {
      failed(error as Error);
    }
  };
  setImmediate(turn);
  return {
    close: () => {
      open = false;
    },
  };
}

function lookAgainAndAgain(onKick: () => void): KickSource {
  const timer = setInterval(onKick, LOOK_EVERY_MS);
  return { close: () => clearInterval(timer) };
}
