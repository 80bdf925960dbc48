/**
 * Makes every access to shared memory an operation of whoever performs just now: the typed views of a region and of a
 * ring are stood in for by proxies, and `Atomics`, while a side runs, by an object of the same calls. So the classes
 * under test run as they are, the doorbells' and orderings' code included.
 */

import { STOP } from '../../src/doorbell/words.ts';
import type { MemoryRegion } from '../../src/memory/region.ts';
import type { SplitRing } from '../../src/ring/split-layout.ts';
import { GUEST_BELL, HOST_BELL, type Locations } from './locations.ts';
import { type Kind, NO_ANSWER, type Operation, type Performer, WOKEN } from './operation.ts';
import { CheckerError } from './side-graph.ts';

type View = Uint8Array | Uint16Array | Uint32Array | Int32Array;

/** A copy with other values in some fields, for classes whose fields are all public. */
function withFields<T extends object>(object: T, changes: Partial<T>): T {
  return Object.assign(Object.create(Object.getPrototypeOf(object)), object, changes);
}

const real = globalThis.Atomics;

/** The buffers that are watched, and who is asked. */
export class Interceptor {
  performer: Performer | null = null;
  /** The method under way, for operations. */
  site = '';
  private readonly locations: Locations;
  /** Where in the checker's addresses a buffer begins. */
  private readonly bases = new Map<ArrayBufferLike, number>();
  private readonly facade: typeof Atomics;

  constructor(locations: Locations) {
    this.locations = locations;
    this.facade = this.makeFacade();
  }

  watch(buffer: ArrayBufferLike, base: number): void {
    this.bases.set(buffer, base);
  }

  region(region: MemoryRegion): MemoryRegion {
    const { u8, u16, u32, i32 } = region;
    return withFields(region, {
      u8: this.view(u8),
      u16: this.view(u16),
      u32: this.view(u32),
      i32: this.view(i32),
    });
  }

  /** The ring's parts lie in `region`, which is watched. */
  ring(ring: SplitRing, region: MemoryRegion): SplitRing {
    const { desc, avail, used } = ring.places;
    return withFields(ring, {
      desc: this.view(ring.desc),
      availRing: this.view(ring.availRing),
      usedRing: this.view(ring.usedRing),
      places: { desc: { ...desc, region }, avail: { ...avail, region }, used: { ...used, region } },
    });
  }

  /** Runs `body` with `Atomics` watched. It must end before anything else runs on this thread. */
  during<T>(performer: Performer, body: () => T): T {
    const scope = globalThis as { Atomics: typeof Atomics };
    this.performer = performer;
    scope.Atomics = this.facade;
    try {
      return body();
    } finally {
      scope.Atomics = real;
      this.performer = null;
    }
  }

  private perform(kind: Kind, location: number, value = 0, expected = 0): number {
    const operation: Operation = { kind, location, value, expected, site: this.site };
    return this.performer!.perform(operation);
  }

  private view<V extends View>(view: V): V {
    const { BYTES_PER_ELEMENT: width, byteOffset, buffer } = view;
    const locate = (property: string) =>
      this.locations.at(this.bases.get(buffer)! + byteOffset + Number(property) * width, width);
    const cut = new (view.constructor as new (length: number) => View)(1);
    return new Proxy(view, {
      get: (target, property) =>
        typeof property === 'string' && /^\d/.test(property)
          ? this.perform('load', locate(property))
          : Reflect.get(target, property, target),
      set: (_, property, value) => {
        cut[0] = value;
        this.perform('store', locate(property as string), cut[0]!);
        return true;
      },
    });
  }

  private locate(view: ArrayBufferView, index: number): number | null {
    const base = this.bases.get(view.buffer);
    if (base === undefined) return null;
    const width = (view as View).BYTES_PER_ELEMENT;
    return this.locations.at(base + view.byteOffset + index * width, width);
  }

  private locateWatched(view: ArrayBufferView, index: number): number {
    const location = this.locate(view, index);
    if (location === null) throw new CheckerError('an access to what is not watched');
    return location;
  }

  /** The stop word is never set here: it has no place, and a look at it is no step. */
  private stops(view: ArrayBufferView, index: number): boolean {
    return index === STOP && (this.bases.get(view.buffer) ?? 0) >= Math.min(GUEST_BELL, HOST_BELL);
  }

  private makeFacade(): typeof Atomics {
    const onPlace =
      (kind: Kind) =>
      (view: Int32Array, index: number, value = 0, replacement = 0): number => {
        const location = this.locate(view, index);
        // A word that nobody else has: what is left of an atomic operation on it is that it drains the store buffer.
        if (location === null) return this.perform('fence', -1);
        return kind === 'compare-exchange'
          ? this.perform(kind, location, replacement, value)
          : this.perform(kind, location, value);
      };
    // Nothing else of `Atomics`: what is not seen must not work.
    return Object.assign(Object.create(null), {
      load: (view: Int32Array, index: number) =>
        this.stops(view, index) ? NO_ANSWER : this.perform('load', this.locateWatched(view, index)),
      store: onPlace('store-ordered'),
      exchange: onPlace('exchange'),
      compareExchange: onPlace('compare-exchange'),
      wait: (view: Int32Array, index: number, value: number) =>
        this.perform('wait', this.locateWatched(view, index), 0, value) === WOKEN ? 'ok' : 'not-equal',
      notify: (view: Int32Array, index: number) => this.perform('notify', this.locateWatched(view, index)),
    });
  }
}
