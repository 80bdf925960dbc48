/**
 * Who listens to input descriptors, and when. There is no thread that waits for all of them, and no loop that asks:
 * each link and each port is watched by the event loop of the thread that serves its device, and that only while its
 * guest has buffers. These wrappers say so, for people who want to know. While a packet waits for a buffer, the guest's
 * ring is looked at now and then: a buffer is found also if its guest has not kicked. A device's own thread.
 */
import type { ConsolePort } from '../devices/console-port.ts';
import type { PacketLink } from '../devices/packet-link.ts';

/** While input waits for a buffer, milliseconds between two looks for one. */
export const LOOK_EVERY_MS = 50;

/** What both have in common. */
interface Input {
  onReadable: (() => void) | null;
  onWritable: (() => void) | null;
  pause(): void;
  resume(): void;
  close(): void;
}

/** Called when the input is no longer listened to, and when it is again; only when that changes. */
interface InputHooks {
  paused(): void;
  resumed(): void;
}

class HookedInput<I extends Input> implements Input {
  protected readonly input: I;
  private readonly hooks: InputHooks;
  private listens = true;

  constructor(input: I, hooks: InputHooks) {
    this.input = input;
    this.hooks = hooks;
  }

  get onReadable(): (() => void) | null {
    return this.input.onReadable;
  }
  set onReadable(listener: (() => void) | null) {
    this.input.onReadable = listener;
  }

  get onWritable(): (() => void) | null {
    return this.input.onWritable;
  }
  set onWritable(listener: (() => void) | null) {
    this.input.onWritable = listener;
  }

  pause(): void {
    if (this.listens) this.hooks.paused();
    this.listens = false;
    this.input.pause();
  }

  resume(): void {
    if (!this.listens) this.hooks.resumed();
    this.listens = true;
    this.input.resume();
  }

  close(): void {
    if (!this.listens) this.hooks.resumed();
    this.listens = true;
    this.input.close();
  }
}

class HookedLink extends HookedInput<PacketLink> implements PacketLink {
  receive(into: Uint8Array): number {
    return this.input.receive(into);
  }

  send(bytes: Uint8Array, length: number): boolean {
    return this.input.send(bytes, length);
  }
}

class HookedPort extends HookedInput<ConsolePort> implements ConsolePort {
  read(into: Uint8Array, length: number): number {
    return this.input.read(into, length);
  }

  write(bytes: Uint8Array, length: number): boolean {
    return this.input.write(bytes, length);
  }
}

const told = (name: string, tell: (line: string) => void): InputHooks => ({
  paused: () => tell(`${name}: the guest has no buffers, stopped listening`),
  resumed: () => tell(`${name}: the guest has buffers, listening again`),
});

/** The link, telling when nobody listens to it and when somebody does again. */
export const toldLink = (link: PacketLink, tell: (line: string) => void): PacketLink =>
  new HookedLink(link, told('net', tell));

export const toldPort = (port: ConsolePort, tell: (line: string) => void): ConsolePort =>
  new HookedPort(port, told('console', tell));

/** The link of a device that pauses it for a packet that waits: `waits` is called then, and buffers are looked for. */
export function searchingLink(link: PacketLink, waits: () => void): PacketLink {
  let timer: NodeJS.Timeout | undefined;
  return new HookedLink(link, {
    paused: () => {
      waits();
      timer = setInterval(() => link.onReadable?.(), LOOK_EVERY_MS);
    },
    resumed: () => clearInterval(timer),
  });
}
