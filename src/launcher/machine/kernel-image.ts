/**
 * What an x86 kernel image says of itself: where to enter it, and which of its bytes belong where. Whether that fits a
 * memory is the placement's to say.
 */

/** Bytes of the image that go to one place in memory. */
export interface Segment {
  /** In messages: 'Section 0'. */
  readonly name: string;
  /** Where its bytes are in the image, and how many. */
  readonly fileOffset: number;
  readonly fileBytes: number;
  /** Where they go, and how much memory is the segment's: what the image does not fill stays zero. */
  readonly address: number;
  readonly memoryBytes: number;
}

export interface KernelImage {
  readonly kind: 'elf' | 'bzImage';
  readonly entry: number;
  /** What the kernel calls itself; null: it does not say. */
  readonly version: string | null;
  readonly segments: readonly Segment[];
}
