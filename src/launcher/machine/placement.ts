/**
 * Who has which part of the guest's memory at the start. Every part is claimed before the first byte is written, so
 * that images which do not fit touch nothing. Launcher's main thread.
 */
import { hex, LauncherError } from '../errors.ts';

interface Part {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

export class Placement {
  private readonly sizeBytes: number;
  private readonly parts: Part[] = [];

  /** Memory that can be claimed: bytes from address 0. Device pages are no part of it. */
  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  /** @throws LauncherError `outside-memory`, `overlap` */
  claim(name: string, address: number, sizeBytes: number): void {
    // Each alone: nothing wraps.
    if (!(address >= 0 && address <= this.sizeBytes && sizeBytes <= this.sizeBytes - address))
      throw new LauncherError(
        'outside-memory',
        address,
        ` ${name}: ${sizeBytes} bytes at ${hex(address)}, memory ends at ${hex(this.sizeBytes)}`,
      );
    const part = { name, start: address, end: address + sizeBytes };
    const other = this.parts.find(({ start, end }) => start < part.end && part.start < end);
    if (other !== undefined) throw new LauncherError('overlap', address, ` ${describe(part)} and ${describe(other)}`);
    this.parts.push(part);
  }
}

const describe = ({ name, start, end }: Part) => `${name} at ${hex(start)} to ${hex(end)}`;
