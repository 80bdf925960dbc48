/**
 * The places of shared memory by number and by name. An address is a byte of the region, or of a doorbell's words,
 * which lie behind it; each place is always accessed in the same width.
 */
import { VRING_DESC_SIZE } from '../../src/ring/constants.ts';
import type { SplitRing } from '../../src/ring/split-layout.ts';

/** Where the words of the two doorbells lie, above every address of a region. */
export const GUEST_BELL = 2 ** 20;
export const HOST_BELL = 2 ** 21;

const DESC_WORDS = ['addr', 'addr.high', 'len', 'flags+next'];
const USED_WORDS = ['id', 'len'];

/** Where parts lie that are no part of the ring, bytes. */
export interface Places {
  readonly tables: number;
  readonly tableLength: number;
  readonly slots: number;
  readonly slotBytes: number;
}

export class Locations {
  readonly names: string[] = [];
  private readonly byAddress = new Map<number, number>();
  private readonly widths: number[] = [];
  /** Which place holds a byte. */
  private readonly owners = new Map<number, number>();
  private readonly nameOf: (address: number) => string;

  constructor(nameOf: (address: number) => string) {
    this.nameOf = nameOf;
  }

  /** The number of the place of `width` bytes at `address`. @throws RangeError if it cuts another one. */
  at(address: number, width: number): number {
    const known = this.byAddress.get(address);
    if (known !== undefined && this.widths[known] === width) return known;
    const location = this.names.length;
    const name = this.nameOf(address);
    for (let byte = address; byte < address + width; byte++) {
      if (this.owners.has(byte)) throw new RangeError(`${name} is accessed in two widths`);
      this.owners.set(byte, location);
    }
    this.byAddress.set(address, location);
    this.widths.push(width);
    this.names.push(name);
    return location;
  }
}

/** Names as the specification has them, of whatever a run of the checker can touch. */
export function namesOf(ring: SplitRing, places: Places): (address: number) => string {
  const { size } = ring;
  const fields = new Map([
    [ring.availFlags, 'avail.flags'],
    [ring.availIdx, 'avail.idx'],
    [ring.usedEvent, 'used_event'],
    [ring.usedFlags, 'used.flags'],
    [ring.usedIdx, 'used.idx'],
    [ring.availEvent, 'avail_event'],
    [GUEST_BELL, "guest's bell"],
    [HOST_BELL, "host's bell"],
  ]);
  const parts: [number, number, (at: number) => string][] = [
    [ring.desc.byteOffset, VRING_DESC_SIZE * size, (at) => `desc[${at >> 4}].${DESC_WORDS[(at & 15) >> 2]}`],
    [ring.availRing.byteOffset, 2 * size, (at) => `avail.ring[${at >> 1}]`],
    [ring.usedRing.byteOffset, 8 * size, (at) => `used.ring[${at >> 3}].${USED_WORDS[(at & 7) >> 2]}`],
    [
      places.tables,
      places.slots - places.tables,
      (at) =>
        `table[${Math.floor((at >> 4) / places.tableLength)}][${(at >> 4) % places.tableLength}].${DESC_WORDS[(at & 15) >> 2]}`,
    ],
    [
      places.slots,
      GUEST_BELL - places.slots,
      (at) => `slot[${Math.floor(at / places.slotBytes)}]+${at % places.slotBytes}`,
    ],
  ];
  return (address) => {
    const field = fields.get(address);
    if (field !== undefined) return field;
    for (const [start, length, name] of parts)
      if (address >= start && address < start + length) return name(address - start);
    throw new RangeError(`nothing of a ring lies at ${address}`);
  };
}
