/** A network stack on a network device, and how a guest waits for it. Guest thread. */

import type { BusDevice } from '../../../drivers/bus.ts';
import { driveNet } from '../../../drivers/bus-drivers.ts';
import type { NetDriver } from '../../../drivers/net.ts';
import type { GuestRam } from '../../../drivers/ram.ts';
import { FRAME_MAX, MAC_SIZE } from '../../../formats/net.ts';
import { EMPTY } from '../../../guest/queue.ts';
import type { Guest } from '../../guest.ts';
import { NetStack } from '../net/stack.ts';
import { type CallSource, waitForAny } from './wait.ts';

/** Frames that are handled before anything else gets its turn. */
const BATCH = 64;
/** A device that takes nothing for so long loses what is sent. */
const ROOM_TIMEOUT_MS = 1000;

/** What a guest without an address of its own choice has: its MAC address tells guests apart. */
export const addressOf = (mac: Uint8Array): number =>
  mac.slice(MAC_SIZE - 3).reduce((all, byte) => all * 256 + byte, 10);

export class NetPort {
  readonly stack: NetStack;
  private readonly guest: Guest;
  private readonly driver: NetDriver;
  private readonly frame = new Uint8Array(FRAME_MAX);
  private readonly sources: readonly CallSource[];
  private readonly room: readonly CallSource[];

  /** `address`: null for one made of the MAC address. @throws BusError, RangeError */
  constructor(guest: Guest, device: BusDevice, ram: GuestRam, address: number | null) {
    const driver = driveNet(device, ram);
    const { mac } = driver.net;
    if (mac === null) throw new RangeError(`network device ${device.index} has no MAC address`);
    this.guest = guest;
    this.driver = driver;
    this.sources = [driver];
    this.room = [{ disableCalls: () => driver.disableRoomCalls(), enableCalls: () => driver.enableRoomCalls() }];
    const send = (frame: Uint8Array, length: number) => this.send(frame, length);
    this.stack = new NetStack({ mac, address: address ?? addressOf(mac), send });
    driver.disableCalls();
  }

  /** What calls the guest when a frame comes. */
  get input(): CallSource {
    return this.driver;
  }

  /** Handles frames that came, some at most, and shows the device what is to go out. Returns how many came. */
  poll(): number {
    const { driver, frame } = this;
    let count = 0;
    for (; count < BATCH; count++) {
      const length = driver.receive(frame);
      if (length === EMPTY) break;
      this.stack.handle(frame, length);
    }
    driver.submit();
    return count;
  }

  /** Waits for a frame. False: none came in `timeoutMs`. */
  wait(timeoutMs: number): boolean {
    return waitForAny(this.guest, this.sources, timeoutMs);
  }

  private send(frame: Uint8Array, length: number): boolean {
    const { driver } = this;
    while (!driver.send(frame, length)) {
      driver.submit();
      if (!waitForAny(this.guest, this.room, ROOM_TIMEOUT_MS)) return false;
    }
    return true;
  }
}
