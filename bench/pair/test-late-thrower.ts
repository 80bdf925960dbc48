/** For tests: a task of a pool that reports, and whose thread throws once the word that it was given is not 0. */
export default function (shared: SharedArrayBuffer): string {
  const word = new Int32Array(shared);
  setInterval(() => {
    if (Atomics.load(word, 0) !== 0) throw new Error('too late');
  }, 1);
  return 'a report';
}
