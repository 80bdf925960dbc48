/** For tests: an in-flight area written by hand, for a ring of 8 descriptors. */
import { InflightArea, inflightBytes } from './inflight.ts';

export const SIZE = 8;

/** An area by hand: fields by their offsets. */
export function byHand(write: (view: DataView) => void): { bytes: Uint8Array; area: InflightArea } {
  const bytes = new Uint8Array(new ArrayBuffer(64 + inflightBytes(SIZE)), 64);
  const view = new DataView(bytes.buffer, 64);
  view.setUint16(8, 1, true);
  view.setUint16(10, SIZE, true);
  write(view);
  return { bytes, area: new InflightArea(bytes, SIZE, 'q') };
}
/** The entry of a head. */
export const entry = (view: DataView, head: number, inflight: number, counter: bigint, next = 0) => {
  view.setUint8(16 + 16 * head, inflight);
  view.setUint16(16 + 16 * head + 6, next, true);
  view.setBigUint64(16 + 16 * head + 8, counter, true);
};
