/** Benches of what a host reads a request's bytes with: small pieces are copied by a loop, large ones by the engine. */
import { ElementList } from '../../../src/host/element-list.ts';
import { GuestMemory } from '../../../src/memory/guest-memory.ts';
import { CheckFailed, expectEqual } from '../../check-failed.ts';
import type { MicroBench } from '../micro-bench.ts';

/** The one element that all pulls read on in, bytes. */
const ELEMENT_BYTES = 16_384;

/** Pulls of `pieceBytes` each through the whole element, `passes` times; each pass to the same bytes of ours. */
function pullBench(name: string, pieceBytes: number, passes: number, summary: string): MicroBench {
  const pieces = ELEMENT_BYTES / pieceBytes;
  return {
    summary,
    ordered: false,
    prepare({ region }) {
      for (let i = 0; i < ELEMENT_BYTES; i++) region.u8[i] = Math.imul(i + 1, 40_503) >>> 8;
      const expected = region.u8.slice(0, ELEMENT_BYTES);
      const list = new ElementList(new GuestMemory([region]));
      list.append(0, 0, ELEMENT_BYTES);
      const target = new Uint8Array(ELEMENT_BYTES);
      let moved = 0;
      return {
        operations: pieces * passes,
        before() {
          moved = 0;
          target.fill(0);
        },
        timed() {
          moved = pullAll(list, target, pieceBytes, passes);
          return undefined;
        },
        check() {
          expectEqual(`${name}: bytes moved`, moved, ELEMENT_BYTES * passes);
          const wrong = target.findIndex((byte, i) => byte !== expected[i]);
          if (wrong >= 0) throw new CheckFailed(`${name}: byte ${wrong}`, expected[wrong]!, target[wrong]!);
        },
      };
    },
  };
}

/** Returns the bytes moved. */
function pullAll(list: ElementList, target: Uint8Array, pieceBytes: number, passes: number): number {
  let moved = 0;
  for (let pass = 0; pass < passes; pass++) {
    list.rewind();
    for (let at = 0; at < ELEMENT_BYTES; at += pieceBytes) moved += list.pull(target, at, pieceBytes);
  }
  return moved;
}

export const pull4Bytes = pullBench('pull-4B', 4, 1, 'host: pull 4 bytes out of a long element');
export const pull4KiB = pullBench(
  'pull-4KiB',
  4096,
  64,
  'host: pull 4 KiB, with the two views that copying them takes',
);
