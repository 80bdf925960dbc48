/** Leaves what went wrong in the engine's own words, for the class around it to throw. AssemblyScript. */
import { WORD_ERROR, WORD_INDEX, WORD_VALUE } from './engine-words';

/** Where the words lie. */
let words: usize = 0;

export function setWords(at: usize): void {
  words = at;
}

/** The word of that number. */
export function wordAt(word: i32): usize {
  return words + ((<usize>word) << 2);
}

/** Notes an error, and returns `result`. */
export function fail(error: u32, index: u32, value: f64, result: i32): i32 {
  store<u32>(wordAt(WORD_ERROR), error);
  store<u32>(wordAt(WORD_INDEX), index);
  store<f64>(wordAt(WORD_VALUE), value);
  return result;
}
