/** Which block comes next: one after the other, round and round, or any, by a seed. */

export class BlockOrder {
  private readonly blocks: number;
  private random = false;
  private nextInOrder = 0;
  private state: number;

  constructor(blocks: number, seed: number) {
    this.blocks = blocks;
    this.state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }

  /** From the first block on, or from where chance was left. */
  begin(random: boolean): void {
    this.random = random;
    this.nextInOrder = 0;
  }

  /** A number from 0, below that of the blocks. */
  next(): number {
    if (!this.random) {
      const block = this.nextInOrder;
      this.nextInOrder = block + 1 === this.blocks ? 0 : block + 1;
      return block;
    }
    // xorshift: the low bits become the high ones of a product that is below the number of blocks.
    let bits = this.state;
    bits ^= bits << 13;
    bits ^= bits >>> 17;
    bits ^= bits << 5;
    this.state = bits;
    return Math.floor(((bits >>> 0) / 2 ** 32) * this.blocks);
  }
}
