/**
 * Which files of the built output are tests. Node's own search differs between its versions: 22 takes a folder's name
 * for a module, 20 runs helpers that begin with `test-`, 26 their declarations. So `node --test` gets files by name.
 */
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const TEST = /\.test\.js$/;

/** The test files below a folder, in a stable order. @throws Error of the file system, ENOENT for one */
export function testFilesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && TEST.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

export interface TestArguments {
  /** Test files by name. */
  readonly files: readonly string[];
  /** What `node --test` gets besides, as it was given. */
  readonly options: readonly string[];
}

/**
 * Takes the files and folders out of a command line; with none of them, all test files below `root` are meant. A word
 * that is no path is an option, or the value of one. @throws Error if a folder that was named holds no test
 */
export function testArguments(words: readonly string[], root: string): TestArguments {
  const files: string[] = [];
  const options: string[] = [];
  let named = false;
  for (const word of words) {
    const stats = word.startsWith('-') ? undefined : statSync(word, { throwIfNoEntry: false });
    if (stats === undefined) {
      options.push(word);
      continue;
    }
    named = true;
    const found = stats.isDirectory() ? testFilesBelow(resolve(word)) : [resolve(word)];
    if (found.length === 0) throw new Error(`no tests below ${word}`);
    for (const file of found) files.push(file);
  }
  return { files: named ? files : testFilesBelow(root), options };
}
