/** The hostile peers: a case's acts, done to the ring by the mock driver and the mock device. */
import type { MockDriver } from '../guest/mock-driver.ts';
import type { MockDevice } from '../host/mock-device.ts';
import type { MemoryRegion } from '../memory/region.ts';
import type { RingPlace } from '../ring/split-layout.ts';
import type { CaseDescriptor, DeviceAct, GuestAct } from './ring-case.ts';

const rawOf = ({ address, ...rest }: CaseDescriptor) => ({ ...rest, address: BigInt(address) });

/** Without events those are bytes that the peer has for itself, unless its memory ends before them. */
const holdsEvent = ({ region }: RingPlace, offset: number) => offset < region.sizeBytes;

/** 32-bit words, from a word of a region on as far as it reaches. */
function scribble({ u32 }: MemoryRegion, at: number, words: readonly number[]): void {
  for (const [i, word] of words.entries()) if (at + i < u32.length) u32[at + i] = word;
}

export function actAsGuest(driver: MockDriver, act: GuestAct): void {
  switch (act.act) {
    case 'descriptor':
      driver.writeDescriptor(act.index % driver.ring.size, rawOf(act));
      break;
    case 'table':
      driver.writeTable(act.offset, act.entries.map(rawOf));
      break;
    case 'head':
      driver.putHead(act.head);
      break;
    case 'show':
      driver.publish();
      break;
    case 'index':
      driver.moveAvailIdx(act.by);
      break;
    case 'flags':
      driver.setAvailFlags(act.value);
      break;
    case 'event':
      if (holdsEvent(driver.ring.places.avail, driver.ring.usedEvent)) driver.setUsedEvent(act.value);
      break;
    case 'scribble':
      scribble(driver.region, act.at, act.words);
      break;
  }
}

/** A host that takes everything at once and remembers what it has. */
export class HostileDevice {
  private readonly device: MockDevice;
  private readonly has: number[] = [];

  constructor(device: MockDevice) {
    this.device = device;
  }

  act(act: DeviceAct): void {
    const { device, has } = this;
    switch (act.act) {
      case 'finish': {
        // The guest's index may be anything after a scribble: as many as a ring holds.
        for (let i = 0; i < device.ring.size; i++) {
          const head = device.takeHead();
          if (head === null) break;
          has.push(head);
        }
        const [head] = has.length === 0 ? [] : has.splice(act.pick % has.length, 1);
        if (head !== undefined) device.finish(head, act.length);
        break;
      }
      case 'used':
        device.putUsed(act.id, act.length);
        break;
      case 'show':
        device.publish();
        break;
      case 'index':
        device.moveUsedIdx(act.by);
        break;
      case 'flags':
        device.setUsedFlags(act.value);
        break;
      case 'event':
        if (holdsEvent(device.ring.places.used, device.ring.availEvent)) device.setAvailEvent(act.value);
        break;
      case 'scribble':
        scribble(device.ring.places.desc.region, act.at, act.words);
        break;
    }
  }
}
