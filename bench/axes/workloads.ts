/** Workloads: what a transfer carries. Names and shapes; the loops beside this folder fill, serve and verify. Any thread. */

export interface WorkloadFacts {
  /** One line for the help text. */
  readonly summary: string;
  /** It carries as many bytes as it is told to (--size); the others carry what they do. */
  readonly sized: boolean;
  /** Payload of one slot, bytes; a multiple of 4. `sizeBytes` is what a transfer carries. */
  slotBytes(sizeBytes: number): number;
  /** Elements of the longest request: the smallest ring that can carry it without indirect tables. */
  readonly elementsMax: number;
}

export const WORKLOADS = {
  alternate: {
    summary: 'out and in requests of 4 bytes in turn (the Linux 4.4 program)',
    sized: false,
    slotBytes: () => 4,
    elementsMax: 4,
  },
  echo: {
    summary: 'requests of 4 bytes out and 4 bytes in, copied (the 2013 program)',
    sized: false,
    slotBytes: () => 8,
    elementsMax: 6,
  },
  single: { summary: 'one element, no payload (ringtest)', sized: false, slotBytes: () => 4, elementsMax: 1 },
  bulk: {
    summary: 'out and in requests of --size bytes in turn, one element each',
    sized: true,
    slotBytes: (sizeBytes) => sizeBytes,
    elementsMax: 1,
  },
} as const satisfies Record<string, WorkloadFacts>;

export type WorkloadName = keyof typeof WORKLOADS;
