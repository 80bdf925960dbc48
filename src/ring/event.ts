/** Event arithmetic of EVENT_IDX: all indices are 16 bits wide and wrap. */

/**
 * True if moving an index from `previous` to `next` passed the entry that `event` names,
 * so that its owner must be notified [virtio-v1.2 §2.7.7.2, §2.7.10].
 */
export function needEvent(event: number, next: number, previous: number): boolean {
  return ((next - event - 1) & 0xffff) < ((next - previous) & 0xffff);
}
