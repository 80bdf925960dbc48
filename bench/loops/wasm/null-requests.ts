/** The requests of layout null where the host's loop in Wasm reads them: in its private area. Host thread. */
import type { ElementList } from '../../../src/host/element-list.ts';
import type { SharedMemory } from '../../../src/memory/region.ts';
import type { RunConfig } from '../../config.ts';
import { requestsOf } from '../js/shapes.ts';
import { NULL_LIST_BYTES, NULL_LIST_ELEMENTS, NULL_REQUEST_BYTES } from './area.ts';

/** Writes them: each as where its two lists lie and how many elements these have. Returns how many there are. */
export function writeNullRequests(
  memory: SharedMemory,
  requestsAt: number,
  listsAt: number,
  config: RunConfig,
): number {
  const requests = requestsOf(config);
  let listAt = listsAt;
  const written = ({ count, offsets, lengths }: ElementList): [number, number] => {
    const at = listAt;
    const words = new Uint32Array(memory.buffer, at, 2 * NULL_LIST_ELEMENTS);
    for (let i = 0; i < count; i++) {
      words[i] = offsets[i]!;
      words[NULL_LIST_ELEMENTS + i] = lengths[i]!;
    }
    listAt += NULL_LIST_BYTES;
    return [at, count];
  };
  for (const [i, { readable, writable }] of requests.entries()) {
    const entry = new Uint32Array(memory.buffer, requestsAt + i * NULL_REQUEST_BYTES, 4);
    entry.set([...written(readable), ...written(writable)]);
  }
  return requests.length;
}
