/** Which block comes next: one after the other, round and round, or any, by a seed. */
import { Random } from '../../src/fuzz/random.ts';

export class BlockOrder {
  private readonly blocks: number;
  private readonly random: Random;
  private inOrder = true;
  private nextInOrder = 0;

  constructor(blocks: number, seed: number) {
    this.blocks = blocks;
    this.random = new Random(seed);
  }

  /** From the first block on, or from where chance was left. */
  begin(random: boolean): void {
    this.inOrder = !random;
    this.nextInOrder = 0;
  }

  /** A number from 0, below that of the blocks. */
  next(): number {
    if (!this.inOrder) return this.random.below(this.blocks);
    const block = this.nextInOrder;
    this.nextInOrder = block + 1 === this.blocks ? 0 : block + 1;
    return block;
  }
}
