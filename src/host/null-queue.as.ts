/** `null-queue.ts` of the host in AssemblyScript: always one more request, of a few made before. Host thread. */
import { showLists } from './chain-reader.as';

/** Each request, 16 bytes: where its lists lie, 32 bits each, and how many elements they have. */
const REQUEST_SHIFT: u32 = 4;
const OUT_COUNT: usize = 4;
const WRITABLE: usize = 8;
const IN_COUNT: usize = 12;

let requests: usize = 0;
let mask: u32 = 0;
let taken: u32 = 0;

/** @param count a power of two. */
export function setNullRequests(at: usize, count: u32): void {
  requests = at;
  mask = count - 1;
}

/** The next request, in the lists; its head. */
export function nullNext(): i32 {
  const request = requests + ((taken & mask) << REQUEST_SHIFT);
  taken++;
  showLists(
    load<u32>(request),
    load<u32>(request, OUT_COUNT),
    load<u32>(request, WRITABLE),
    load<u32>(request, IN_COUNT),
  );
  return 0;
}
