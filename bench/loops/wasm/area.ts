/** What the Wasm loops keep for themselves besides their queues, bytes. Any thread. */
import { WasmVirtqueue } from '../../../src/guest/wasm-virtqueue.ts';
import { WasmVringh } from '../../../src/host/wasm-vringh.ts';
import { PrivateArea } from '../../../src/memory/private-area.ts';
import { WORKLOADS, type WorkloadName } from '../../axes/workloads.ts';
import { SHAPES } from '../js/shapes.ts';
import { LOOP_WORDS_BYTES } from './loop-words.ts';

/** A token and a length for each transfer in flight of layout null. */
const NULL_ENTRY_BYTES = 8;
/** One request of layout null; a list of at most so many elements; an entry of the table of regions. */
export const NULL_REQUEST_BYTES = 16;
export const NULL_LIST_ELEMENTS = 8;
const ELEMENT_BYTES = 10;
const REGION_BYTES = 24;
/** Room for one byte more than a request may carry, whatever its workload. */
const KEPT_MORE_BYTES = 16;

type Sized = Readonly<{ ringSize: number; workload: WorkloadName; size: number }>;

export const guestPieces = ({ ringSize }: Sized) => ({ words: LOOP_WORDS_BYTES, entries: NULL_ENTRY_BYTES * ringSize });

export const hostPieces = ({ workload, size }: Sized) => ({
  words: LOOP_WORDS_BYTES,
  kept: size + KEPT_MORE_BYTES,
  region: REGION_BYTES,
  requests: NULL_REQUEST_BYTES * SHAPES,
  lists: 2 * SHAPES * ELEMENT_BYTES * NULL_LIST_ELEMENTS,
  payloads: SHAPES * WORKLOADS[workload].slotBytes(size),
});

/** What each side of a pair needs in its private area, with its queue. */
export const guestAreaBytes = (config: Sized): number =>
  WasmVirtqueue.privateBytes(config.ringSize, config.ringSize) + PrivateArea.sizeOf(Object.values(guestPieces(config)));

export const hostAreaBytes = (config: Sized): number =>
  WasmVringh.privateBytes(config.ringSize) + PrivateArea.sizeOf(Object.values(hostPieces(config)));

/** Bytes of a list of a request of layout null. */
export const NULL_LIST_BYTES = ELEMENT_BYTES * NULL_LIST_ELEMENTS;
