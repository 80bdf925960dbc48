/** Values of Abramowitz & Stegun, Handbook of Mathematical Functions, §6.3 and §6.4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digamma, pentagamma, trigamma } from './gamma.ts';

const EULER = 0.5772156649015329;
const values: [x: number, psi: number, psi1: number, psi3: number][] = [
  [0.5, -EULER - 2 * Math.LN2, Math.PI ** 2 / 2, Math.PI ** 4],
  [1, -EULER, Math.PI ** 2 / 6, Math.PI ** 4 / 15],
  [2, 1 - EULER, Math.PI ** 2 / 6 - 1, Math.PI ** 4 / 15 - 6],
  [1.5, 2 - EULER - 2 * Math.LN2, Math.PI ** 2 / 2 - 4, Math.PI ** 4 - 96],
];
for (const [x, psi, psi1, psi3] of values)
  test(`gamma: derivatives at ${x}`, () => {
    assert.ok(Math.abs(digamma(x) - psi) < 1e-9, `${digamma(x)} for ${psi}`);
    assert.ok(Math.abs(trigamma(x) - psi1) < 1e-9, `${trigamma(x)} for ${psi1}`);
    assert.ok(Math.abs(pentagamma(x) - psi3) < 1e-8, `${pentagamma(x)} for ${psi3}`);
  });
