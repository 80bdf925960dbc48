/** Fields that schemas of records are made of. */
import { z } from 'zod';

export const count = z.int().nonnegative();
export const ns = z.number().nonnegative();

/** What bounced the word of a calibration: the engine's Atomics, as once, or instructions of Wasm. */
export const crossedBy = z.enum(['js', 'wasm']).default('js');

/** A key of a table. */
export function names<Name extends string>(table: Record<Name, unknown>) {
  return z.enum(Object.keys(table) as [Name, ...Name[]]);
}
