/** Fields that schemas of records are made of. */
import { z } from 'zod';

export const count = z.int().nonnegative();
export const ns = z.number().nonnegative();

/** A key of a table. */
export function names<Name extends string>(table: Record<Name, unknown>) {
  return z.enum(Object.keys(table) as [Name, ...Name[]]);
}
