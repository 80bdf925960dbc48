/**
 * Doorbell by messages on a MessagePort, as most programs of several threads wake each other today. A message is sent
 * only when the waiter says that it sleeps: sent for every ring, they would pile up while it works.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { waitAsync } from './atomics-async.ts';
import type { DoorbellHandle, DoorbellStrategy, Wake } from './doorbell.ts';
import { ASLEEP, HANDLE_SIZE, IDLE, STATE, STOP, stopWords, WordDoorbell, WordWaitSet, wordsOf } from './words.ts';

class PortDoorbell extends WordDoorbell {
  private readonly port: MessagePort;

  constructor(words: Int32Array, port: MessagePort) {
    super(words);
    this.port = port;
  }

  protected override wake(): void {
    this.port.postMessage(0);
  }
}

class PortWaitSet extends WordWaitSet {
  private readonly port: MessagePort;
  /** Ends the wait under way, if any. */
  private wakeUp: (() => void) | null = null;

  constructor(words: Int32Array, port: MessagePort) {
    super(words);
    this.port = port;
    // A message for a ring that was taken before it arrived finds the waiter asleep again: it sleeps on.
    port.on('message', () => {
      if (Atomics.load(words, STATE) !== ASLEEP) this.wakeUp?.();
    });
    port.unref();
    const stopping = waitAsync(words, STOP, 0, Number.POSITIVE_INFINITY);
    if (stopping.async) stopping.value.then(() => this.wakeUp?.());
  }

  wait(timeoutMs: number): Wake | Promise<Wake> {
    if (this.stopped()) return 'stopped';
    if (Atomics.compareExchange(this.words, STATE, IDLE, ASLEEP) !== IDLE) return this.take();
    return this.sleepAsync(timeoutMs);
  }

  override close(): void {
    this.port.close();
  }

  private async sleepAsync(timeoutMs: number): Promise<Wake> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wakeUp = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    this.wakeUp = null;
    clearTimeout(timer);
    return this.take();
  }
}

function portOf(port: MessagePort | undefined): MessagePort {
  if (port === undefined) throw new TypeError('this is the other end of the doorbell');
  return port;
}

export const messagePort: DoorbellStrategy = {
  name: 'message-port',
  summary: 'a message on a MessagePort when the waiter sleeps',
  makeHandle(): DoorbellHandle {
    const { port1: waitPort, port2: ringPort } = new MessageChannel();
    for (const port of [waitPort, ringPort]) port.unref();
    return { strategy: 'message-port', words: new SharedArrayBuffer(HANDLE_SIZE), waitPort, ringPort };
  },
  waitSet: (handle) => new PortWaitSet(wordsOf(handle), portOf(handle.waitPort)),
  doorbell: (handle) => new PortDoorbell(wordsOf(handle), portOf(handle.ringPort)),
  stop: stopWords,
};
