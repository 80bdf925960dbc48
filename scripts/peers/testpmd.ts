/** DPDK's testpmd in both roles. It takes commands by its standard input and keeps a CPU busy while it runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import type { Peer, Scope } from './scope.ts';

const READY_MS = 20_000;
const ASK_EVERY_MS = 200;
const STALL_MS = 10_000;

export interface TestpmdOptions {
  name: string;
  /** Virtual devices, each a port: port 0 first. */
  devices: readonly string[];
  /** The CPU of its command line; the other of 0 and 1 forwards packets. */
  mainCpu: 0 | 1;
  /** Of testpmd itself: port topology and the like. */
  args?: readonly string[];
}

/** What a port counted. */
export interface PortCounters {
  received: number;
  sent: number;
  /** Dropped or failed, of either direction. */
  bad: number;
}

/** The last statistics of a port in what testpmd printed; null: none yet. Pure. */
export function lastCounters(output: string, port: number): PortCounters | null {
  // Whole ones only: from the headline to the line of # that ends it.
  const blocks = [...output.matchAll(new RegExp(`NIC statistics for port ${port} [ #]*\\n([^#]*)####`, 'g'))];
  const block = blocks.at(-1)?.[1] ?? '';
  const counter = (name: string) => {
    const match = new RegExp(`${name}: *(\\d+)`).exec(block);
    return match === null ? Number.NaN : Number(match[1]);
  };
  const received = counter('RX-packets');
  const sent = counter('TX-packets');
  const bad = counter('RX-missed') + counter('RX-errors') + counter('TX-errors');
  return Number.isNaN(received + sent + bad) ? null : { received, sent, bad };
}

export class Testpmd {
  private readonly peer: Peer;

  constructor(scope: Scope, { name, devices, mainCpu, args = [] }: TestpmdOptions) {
    this.peer = scope.startProgram(
      name,
      'dpdk-testpmd',
      [
        ...['-l', '0,1', '--main-lcore', String(mainCpu), '--no-huge', '-m', '512', '--no-pci', '--no-telemetry'],
        ...['--file-prefix', name, ...devices.flatMap((device) => ['--vdev', device])],
        // Without --no-flush-rx, start throws away what the ports hold.
        ...['--', '-i', '--no-flush-rx', '--total-num-mbufs=16384', ...args],
      ],
      // Its own files go to the scope's folder.
      { env: { RUNTIME_DIRECTORY: scope.folder } },
    );
  }

  /** Waits for its prompt. */
  async ready(): Promise<void> {
    await this.peer.until('prompt', ({ output }) => output.includes('testpmd> '), READY_MS);
  }

  async untilListening(socket: string): Promise<void> {
    await this.peer.untilListening(socket);
  }

  /** Types commands, one a line. */
  type(...commands: string[]): void {
    this.peer.type(`${commands.join('\n')}\n`);
  }

  /** Asks for a port's counters until `done`. @throws Failure when they do not change any more before. */
  async count(port: number, done: (counters: PortCounters) => boolean): Promise<PortCounters> {
    let changed = Date.now();
    let shown = '';
    for (;;) {
      this.type(`show port stats ${port}`);
      await sleep(ASK_EVERY_MS);
      const counters = lastCounters(this.peer.output, port);
      if (counters !== null && done(counters)) return counters;
      const now = JSON.stringify(counters);
      if (now !== shown) changed = Date.now();
      shown = now;
      if (!this.peer.running) throw new Failure(`${this.peer.name} ended: ${this.peer.lastLines()}`);
      if (Date.now() - changed > STALL_MS) throw new Failure(`${this.peer.name} stalled at ${shown}`);
    }
  }

  /** Stops forwarding and ends it, so that its files are whole. */
  async quit(): Promise<void> {
    this.type('stop', 'quit');
    await this.peer.end(READY_MS);
  }
}
