import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundMemories, WASM_OWN_PAGES_MAX } from './wasm-bound.ts';

declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: { m: { grow(pages: number): number } } };
};

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** Exports memory 0 as `m`. */
const EXPORT = [7, 5, 1, 1, 0x6d, 2, 0];
/** A section that the engine skips, longer than a number of one byte tells. */
const CUSTOM = [0, 0x82, 1, 1, 0x78, ...new Array<number>(128).fill(5)];
const module = (...limits: number[]) =>
  Uint8Array.from([...HEADER, ...CUSTOM, 5, limits.length + 1, 1, ...limits, ...EXPORT]);

const memories: [string, number[], number, number][] = [
  // what, limits, pages at the start, pages at most
  ['no maximum', [0, 1], 1, WASM_OWN_PAGES_MAX],
  ['a maximum of all', [1, 1, 0x80, 0x80, 4], 1, WASM_OWN_PAGES_MAX],
  ['a smaller maximum', [1, 0, 9], 0, 9],
  ['one that is shared', [3, 2, 0x80, 0x80, 4], 2, WASM_OWN_PAGES_MAX],
  ['the bound from the start', [0, 0x80, 0x20], WASM_OWN_PAGES_MAX, WASM_OWN_PAGES_MAX],
];
for (const [what, limits, start, most] of memories)
  test(`wasm bound: ${what}`, () => {
    const { m } = new WebAssembly.Instance(new WebAssembly.Module(boundMemories(module(...limits)))).exports;
    assert.throws(() => m.grow(most - start + 1), RangeError);
    assert.equal(m.grow(most - start), start);
  });

test('wasm bound: what is more from the start, or of 64 bits, is refused', () => {
  assert.throws(() => boundMemories(module(0, 0x81, 0x20)), /its own memory has 4097 pages, at most 4096/);
  assert.throws(() => boundMemories(module(4, 1)), /of a kind that is not bounded \(flags 4\)/);
});

test('wasm bound: several memories share it', () => {
  const two = Uint8Array.from([...HEADER, 5, 6, 2, 0, 1, 1, 2, 9]);
  const bounded = boundMemories(two);
  // The first takes what the second's start leaves.
  assert.deepEqual([...bounded], [...HEADER, 5, 8, 2, 1, 1, 0xfe, 0x1f, 1, 2, 2]);
});

const others: [string, number[]][] = [
  ['a module without a memory of its own', [...HEADER, ...CUSTOM]],
  ['nothing', []],
  ['no module', [1, 2, 3]],
  ['a section that is cut', [...HEADER, 5, 9, 1]],
  ['a size without end', [...HEADER, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 1]],
  ['more memories than it has bytes', [...HEADER, 5, 3, 9, 0, 1]],
  ['a maximum below the minimum', [...HEADER, 5, 4, 1, 1, 3, 2]],
  ['bytes left over', [...HEADER, 5, 4, 1, 0, 1, 7]],
];
for (const [what, bytes] of others)
  test(`wasm bound: ${what} is left as it is`, () =>
    assert.deepEqual([...boundMemories(Uint8Array.from(bytes))], bytes));
