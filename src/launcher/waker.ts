/**
 * Who listens to input descriptors, and when. There is no thread that waits for all of them, and no loop that asks:
 * each link and each port is watched by the event loop of the thread that serves its device, and that only while its
 * guest has buffers. These wrappers say so, for people who want to know. A device's own thread.
 */
import type { ConsolePort } from '../devices/console-port.ts';
import type { PacketLink } from '../devices/packet-link.ts';

/** What both have in common. */
interface Input {
  onReadable: (() => void) | null;
  onWritable: (() => void) | null;
  pause(): void;
  resume(): void;
  close(): void;
}

class ToldInput<I extends Input> implements Input {
  protected readonly input: I;
  private readonly name: string;
  private readonly tell: (line: string) => void;
  private listens = true;

  constructor(input: I, name: string, tell: (line: string) => void) {
    this.input = input;
    this.name = name;
    this.tell = tell;
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
    if (this.listens) this.tell(`${this.name}: the guest has no buffers, stopped listening`);
    this.listens = false;
    this.input.pause();
  }

  resume(): void {
    if (!this.listens) this.tell(`${this.name}: the guest has buffers, listening again`);
    this.listens = true;
    this.input.resume();
  }

  close(): void {
    this.input.close();
  }
}

class ToldLink extends ToldInput<PacketLink> implements PacketLink {
  receive(into: Uint8Array): number {
    return this.input.receive(into);
  }

  send(bytes: Uint8Array, length: number): boolean {
    return this.input.send(bytes, length);
  }
}

class ToldPort extends ToldInput<ConsolePort> implements ConsolePort {
  read(into: Uint8Array, length: number): number {
    return this.input.read(into, length);
  }

  write(bytes: Uint8Array, length: number): boolean {
    return this.input.write(bytes, length);
  }
}

/** The link, telling when nobody listens to it and when somebody does again. */
export const toldLink = (link: PacketLink, tell: (line: string) => void): PacketLink => new ToldLink(link, 'net', tell);

export const toldPort = (port: ConsolePort, tell: (line: string) => void): ConsolePort =>
  new ToldPort(port, 'console', tell);
