/**
 * For tests: a machine without threads. Its guest and its devices share the test's own: devices are served while the
 * guest waits for an interrupt, until none of them does anything more.
 */
import type { ConsolePort } from '../../devices/console-port.ts';
import type { Device, QueueService } from '../../devices/device.ts';
import type { Doorbell } from '../../doorbell/doorbell.ts';
import { bindRing } from '../../ordering/ring-fields.ts';
import { seqcst } from '../../ordering/seqcst.ts';
import { NO_FEATURES } from '../../ring/features.ts';
import { SplitRing } from '../../ring/split-layout.ts';
import type { Guest, GuestMain } from '../guest.ts';
import { DevicePage } from '../machine/device-page.ts';
import { PhysicalMemory } from '../machine/physical-memory.ts';
import { LguestQueue } from '../queue.ts';

/** A device and how it stands on the bus. */
export interface TestDevice {
  readonly device: Device;
  readonly fields: readonly { readonly type: number; readonly value: Uint8Array }[];
  readonly features?: bigint;
}

/** How a guest ended: null without a reason. */
export interface TestEnding {
  readonly reason: string | null;
}

/** What ends the guest wherever it is. It is no Error, so that no guest takes it for one of its own. */
class Halted {
  readonly reason: string | null;
  constructor(reason: string | null) {
    this.reason = reason;
  }
}

/** A console whose input is given at once, and whose output is kept. */
export class TestPort implements ConsolePort {
  output = '';
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  private input: Uint8Array;

  constructor(input = '') {
    this.input = new TextEncoder().encode(input);
  }

  read(into: Uint8Array, length: number): number {
    const part = this.input.subarray(0, length);
    into.set(part);
    this.input = this.input.subarray(part.length);
    return part.length;
  }

  write(bytes: Uint8Array, length: number): boolean {
    this.output += new TextDecoder().decode(bytes.slice(0, length));
    return true;
  }

  pause(): void {}
  resume(): void {}
  close(): void {}
}

interface Served {
  readonly service: QueueService;
  readonly start: number;
  readonly end: number;
  asked: boolean;
}

export interface TestMachineOptions {
  readonly devices: readonly TestDevice[];
  readonly memoryMb?: number;
  readonly commandLine?: string;
  /** Called at each wait of the guest, whose number from 0 it gets, when devices have been served, who are then again. */
  readonly onWait?: (turn: number) => void;
}

export class TestMachine {
  readonly guest: Guest;
  readonly memory: PhysicalMemory;
  /** What was said before there was a console, and notifies of a ring. */
  early = '';
  notifies = 0;
  waits = 0;
  readonly page: DevicePage;
  private readonly served: Served[] = [];
  private readonly pending = new Set<number>();
  private readonly onWait: (turn: number) => void;

  constructor({ devices, memoryMb = 4, commandLine = '', onWait = () => {} }: TestMachineOptions) {
    const memory = new PhysicalMemory(memoryMb);
    const page = new DevicePage(memory);
    const placed = devices.map(({ device, fields }) => {
      const at = page.addDevice(device.id);
      for (let i = 0; i < device.queueCount; i++) at.addVirtqueue();
      for (const { type, value } of fields) at.addField(type, value);
      return at;
    });
    this.memory = memory;
    this.page = page;
    this.onWait = onWait;
    for (const [i, { device, features = 0n }] of devices.entries()) {
      device.acknowledge(features);
      for (const [index, { address, sizeBytes, layout, line }] of placed[i]!.queues.entries()) {
        const all = memory.guestMemory();
        const ring = SplitRing.within(all.regions[0]!, address, layout);
        const queue = new LguestQueue({
          ring,
          shared: bindRing(seqcst, ring),
          features: NO_FEATURES,
          memory: all,
          name: `${device.name} ${index}`,
        });
        const call: Doorbell = {
          rings: 0,
          wakeSyscalls: 0,
          ring: () => void this.pending.add(line),
          resetCounters: () => {},
        };
        const served: Partial<Served> & { asked: boolean } = { asked: true, start: address, end: address + sizeBytes };
        const wake = () => {
          served.asked = true;
        };
        this.served.push(
          Object.assign(served, { service: device.start(index, { queue, memory: all, call, wake }) }) as Served,
        );
      }
    }
    const bytes = new Uint8Array(memory.shared.buffer);
    this.guest = {
      memory: memory.shared,
      ramBytes: memory.ramBytes,
      devicePage: page.address,
      commandLine,
      notify: (address) => {
        const hit = this.served.find(({ start, end }) => address >= start && address < end);
        if (hit !== undefined) {
          hit.asked = true;
          this.notifies++;
        } else {
          const end = bytes.indexOf(0, address);
          this.early += new TextDecoder().decode(bytes.slice(address, end));
        }
      },
      waitForInterrupt: () => this.wait(),
      setStatus: (device, status) => {
        bytes[placed[device]!.statusAddress] = status;
      },
      halt: (reason) => {
        throw new Halted(reason ?? null);
      },
    };
  }

  /** Runs a guest to its end, and what it left in the rings after it. */
  run(main: GuestMain): TestEnding {
    try {
      main(this.guest);
      return { reason: null };
    } catch (error) {
      if (error instanceof Halted) return { reason: error.reason };
      throw error;
    } finally {
      this.serve();
    }
  }

  status(device: number): number {
    return new Uint8Array(this.memory.shared.buffer)[this.page.devices[device]!.statusAddress]!;
  }

  private wait(): number {
    this.serve();
    this.onWait(this.waits++);
    this.serve();
    for (const line of this.pending) {
      this.pending.delete(line);
      return line;
    }
    return 0;
  }

  private serve(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const served of this.served) {
        if (!served.asked) continue;
        busy = true;
        served.asked = false;
        while (served.service.serve());
      }
    }
  }
}
