/** Where a loop leaves what the class around it reads. AssemblyScript. */
let words: usize = 0;

export function setLoopWords(at: usize): void {
  words = at;
}

export function loopWord(word: i32): i32 {
  return load<i32>(words + ((<usize>word) << 2));
}

export function setLoopWord(word: i32, value: i32): void {
  store<i32>(words + ((<usize>word) << 2), value);
}

export function countWord(word: i32): void {
  setLoopWord(word, loopWord(word) + 1);
}
