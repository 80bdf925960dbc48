/** Every field that a schema of records has, by walking it: a new field is tried like the others. For tests. */
import assert from 'node:assert/strict';
import type { z } from 'zod';

export type Path = readonly (string | number)[];

export interface Field {
  path: Path;
  /** `choice`: a name out of a list, a flag, or one value; `histogram`: a text that the sample has one in. */
  kind: 'text' | 'number' | 'choice' | 'histogram';
}

/** As far as it is looked at here. */
interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  items?: z.ZodType[];
  options?: z.ZodType[];
  innerType?: z.ZodType;
  valueType?: z.ZodType;
}

/** How an encoded histogram begins. */
const HISTOGRAM = 'HISTF';

const KINDS: Partial<Record<string, Field['kind']>> = {
  string: 'text',
  number: 'number',
  enum: 'choice',
  literal: 'choice',
  boolean: 'choice',
};

/** Of lists and tables the entry that `sample` has first. @throws AssertionError for a field that the sample lacks */
export function fieldsOf(schema: z.ZodType, sample: unknown, path: Path = []): Field[] {
  const { type, shape, element, items, options, innerType, valueType } = schema.def as unknown as Definition;
  const below = (key: string | number, of: z.ZodType) => fieldsOf(of, partOf(sample, key, path), [...path, key]);
  if (shape !== undefined) return Object.entries(shape).flatMap(([key, of]) => below(key, of));
  if (element !== undefined) return below(0, element);
  if (items !== undefined) return items.flatMap((of, i) => below(i, of));
  if (valueType !== undefined) return below(Object.keys(sample as object)[0]!, valueType);
  if (innerType !== undefined) return fieldsOf(innerType, sample, path);
  const several = options?.flatMap((of) => fieldsOf(of, sample, path)) ?? [];
  if (several.length > 0) return [several.find(({ kind }) => kind === 'number') ?? several[0]!];
  const kind = KINDS[type];
  assert.ok(kind !== undefined, `${path.join('.')}: fields of type ${type} are not tried yet`);
  return [{ path, kind: String(sample).startsWith(HISTOGRAM) ? 'histogram' : kind }];
}

function partOf(sample: unknown, key: string | number, path: Path): unknown {
  const part = (sample as Record<string | number, unknown> | null)?.[key];
  assert.ok(part !== undefined && part !== null, `the sample has nothing at ${[...path, key].join('.')}`);
  return part;
}

export const nameOf = (path: Path): string => path.join('.');

/** Null where there is nothing. */
export const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((of, key) => (of as Record<string | number, unknown> | null)?.[key] ?? null, value);

/** Where the fields of these kinds are. */
export const pathsOf = (fields: readonly Field[], ...kinds: Field['kind'][]): Path[] =>
  fields.filter(({ kind }) => kinds.includes(kind)).map(({ path }) => path);

/** A copy with another value in one place; undefined: without it. */
export function withField<Value>(value: Value, path: Path, other: unknown): Value {
  const copy = structuredClone(value);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  const key = path.at(-1)!;
  if (other === undefined && !Array.isArray(parent)) delete parent[key];
  else parent[key] = other;
  return copy;
}
