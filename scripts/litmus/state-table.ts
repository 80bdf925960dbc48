/** The states seen, each once, by number in the order of their coming: an open hash table over typed arrays. */
import { STATE_WORDS } from './machine.ts';

const CAPACITY_START = 1 << 12;

export class StateTable {
  size = 0;
  private words = new Int32Array(CAPACITY_START * STATE_WORDS);
  /** Number of the state plus 1, or 0; twice as many slots as states at least. */
  private slots = new Int32Array(CAPACITY_START * 2);

  /** The state's number; `size` has grown if it is new. */
  add(state: Int32Array): number {
    const { words, slots } = this;
    const mask = slots.length - 1;
    let slot = hashOf(state, 0) & mask;
    for (let entry = slots[slot]!; entry !== 0; entry = slots[slot]!) {
      if (same(words, (entry - 1) * STATE_WORDS, state)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const number = this.size++;
    slots[slot] = number + 1;
    words.set(state, number * STATE_WORDS);
    if (this.size * STATE_WORDS === words.length) this.grow();
    return number;
  }

  /** Copies state number `number` to `state`. */
  read(number: number, state: Int32Array): void {
    const at = number * STATE_WORDS;
    for (let i = 0; i < STATE_WORDS; i++) state[i] = this.words[at + i]!;
  }

  private grow(): void {
    const words = new Int32Array(this.words.length * 2);
    words.set(this.words);
    const slots = new Int32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.size; number++) {
      let slot = hashOf(words, number * STATE_WORDS) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = number + 1;
    }
    this.words = words;
    this.slots = slots;
  }
}

function hashOf(words: Int32Array, at: number): number {
  let hash = 0;
  for (let i = 0; i < STATE_WORDS; i++) {
    hash = Math.imul(hash ^ words[at + i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}

function same(words: Int32Array, at: number, state: Int32Array): boolean {
  for (let i = 0; i < STATE_WORDS; i++) if (words[at + i] !== state[i]) return false;
  return true;
}
