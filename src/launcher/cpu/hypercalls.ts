/**
 * The hypercalls of a guest over what its machine was started with: every number that the guest passes is checked
 * here. The guest's thread. Nothing of `GuestBoot` can be reached through what the guest gets.
 */
import type { Doorbell } from '../../doorbell/doorbell.ts';
import { DOORBELLS, type DoorbellName } from '../../doorbell/index.ts';
import { VIRTIO_CONFIG_S_DRIVER_OK } from '../../formats/lguest-bus.ts';
import type { Guest } from '../guest.ts';
import type { GuestBoot } from '../guest-boot.ts';
import { InterruptTaker } from '../interrupts.ts';

/** Early text goes out in pieces of so many bytes. */
const TEXT_PIECE_BYTES = 4096;
/** Of a reason no more than this is told. */
const REASON_LENGTH_MAX = 1024;
const STATUS_MAX = 0xff;

/** Where the guest's thread tells what happens. */
export interface Monitor {
  print(text: Uint8Array): void;
  notified(address: number): void;
  halted(): never;
  died(reason: string): never;
}

interface RingRange {
  readonly start: number;
  readonly end: number;
  readonly kick: Doorbell | null;
}

/** What a guest passed, for people: it may be anything. */
const shown = (value: unknown): string =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? `0x${value.toString(16)}` : String(value);

/** The machine as its guest gets it. */
export function makeGuest(boot: GuestBoot, monitor: Monitor): Guest {
  const { memory, limitBytes, statusAddresses } = boot;
  const bytes = new Uint8Array(memory.buffer);
  const interrupts = new InterruptTaker(boot.interrupts);
  const driven = boot.driven.map((handle) => DOORBELLS[handle.strategy as DoorbellName].doorbell(handle));
  const rings: RingRange[] = boot.rings.map(({ address, sizeBytes, kick }) => ({
    start: address,
    end: address + sizeBytes,
    kick: kick === null ? null : DOORBELLS[kick.strategy as DoorbellName].doorbell(kick),
  }));

  const notify = (address: number): void => {
    if (Number.isSafeInteger(address)) monitor.notified(address);
    if (!(Number.isInteger(address) && address >= 0 && address < limitBytes))
      monitor.died(`Bad NOTIFY ${shown(address)}`);
    for (let i = 0; i < rings.length; i++) {
      const ring = rings[i]!;
      if (address < ring.start || address >= ring.end) continue;
      ring.kick?.ring();
      return;
    }
    printText(address);
  };

  /** To a NUL, or the end of memory. Each byte is read once. */
  const printText = (address: number): void => {
    for (let at = address; at < limitBytes; at += TEXT_PIECE_BYTES) {
      const piece = bytes.slice(at, Math.min(at + TEXT_PIECE_BYTES, limitBytes));
      const end = piece.indexOf(0);
      if (end !== 0) monitor.print(end < 0 ? piece : piece.slice(0, end));
      if (end >= 0) return;
    }
  };

  const setStatus = (device: number, status: number): void => {
    const address = Number.isInteger(device) ? statusAddresses[device] : undefined;
    if (address === undefined) monitor.died(`Bad SET_STATUS of device ${shown(device)}`);
    if (!(Number.isInteger(status) && status >= 0 && status <= STATUS_MAX))
      monitor.died(`Bad SET_STATUS ${shown(status)} of device ${shown(device)}`);
    Atomics.store(bytes, address, status);
    if ((status & VIRTIO_CONFIG_S_DRIVER_OK) !== 0) driven[device]!.ring();
  };

  const halt = (reason?: string): never =>
    reason === undefined ? monitor.halted() : monitor.died(String(reason).slice(0, REASON_LENGTH_MAX));

  return Object.freeze<Guest>({
    memory,
    ramBytes: boot.ramBytes,
    devicePage: boot.devicePage,
    commandLine: boot.commandLine,
    notify,
    waitForInterrupt: (timeoutMs) => interrupts.wait(Number(timeoutMs)),
    setStatus,
    halt,
  });
}
