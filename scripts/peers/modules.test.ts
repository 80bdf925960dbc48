import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependenciesOf, insertionOrder, moduleName } from './modules.ts';

const sections = [
  // what, .modinfo among other bytes, expected
  ['two', 'license=GPL\0depends=virtio,virtio_ring\0name=virtio_rng\0', ['virtio', 'virtio_ring']],
  ['none', 'x\0depends=\0name=virtio\0', []],
  ['at the start', 'depends=a\0', ['a']],
  ['only a word that ends so', 'softdepends=a\0', []],
  ['no such section', 'name=virtio\0', []],
] as const;
for (const [what, bytes, expected] of sections)
  test(`dependencies of a module: ${what}`, () =>
    assert.deepEqual(dependenciesOf(Buffer.from(bytes, 'latin1')), expected));

test('a file name becomes a module name', () => assert.equal(moduleName('virtio-rng.ko'), 'virtio_rng'));

const NEEDS: Record<string, string[]> = {
  ring: [],
  virtio: ['ring'],
  pci: ['virtio', 'modern', 'ring'],
  modern: [],
  net: ['virtio', 'failover'],
  failover: [],
  a: ['b'],
  b: ['a'],
};
/** rng_core is built in: no module. */
const needs = (name: string) => NEEDS[name] ?? null;

const orders = [
  ['each after what it needs, once', ['pci', 'net'], ['ring', 'virtio', 'modern', 'pci', 'failover', 'net']],
  ['what is built in is left out', ['rng_core', 'ring'], ['ring']],
  ['what is built in twice', ['rng_core', 'rng_core'], []],
] as const;
for (const [what, wanted, expected] of orders)
  test(`order of insertion: ${what}`, () => assert.deepEqual(insertionOrder(wanted, needs), expected));

test('modules that need each other are refused', () =>
  assert.throws(() => insertionOrder(['a'], needs), /module a depends on itself/));
