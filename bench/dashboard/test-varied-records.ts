/** Records that differ in every field, with texts that are easily taken for each other or for nothing. For tests. */
import { DOORBELLS } from '../../src/doorbell/index.ts';
import { Random } from '../../src/fuzz/random.ts';
import { ORDERINGS } from '../../src/ordering/index.ts';
import { ENGINES } from '../axes/engines.ts';
import { HOSTS } from '../axes/hosts.ts';
import { LAYOUTS } from '../axes/layouts.ts';
import { LOOPS } from '../axes/loops.ts';
import { PAIRS_IN } from '../axes/pairs-in.ts';
import { RING_PLACES } from '../axes/ring-places.ts';
import { WORKLOADS } from '../axes/workloads.ts';
import { configSchema, environmentSchema, OUTCOMES, type RunRecord } from '../records/record.ts';
import { testRecords } from './test-records.ts';

/** Alike where they are cut. */
const LONG = 'the same beginning of a label '.repeat(5);

/** Texts that must not be merged with each other, nor with what has none. */
export const ALIKE = [
  'none',
  '"none"',
  'unknown',
  ' ',
  'a b',
  'a\nb',
  'a\u202eb',
  'a·b',
  '\ud800',
  '\ufffd',
  `${LONG}1`,
  `${LONG}2`,
  `${LONG.slice(0, 120)}…`,
];

const NAMES = [WORKLOADS, LAYOUTS, HOSTS, ENGINES, ORDERINGS, DOORBELLS, PAIRS_IN, LOOPS, RING_PLACES].flatMap(
  Object.keys,
);
const CANDIDATES: unknown[] = [null, false, true, 1, 2, 3, 'auto', '', ...ALIKE, ...NAMES];

interface Schema {
  safeParse: (value: unknown) => { success: boolean };
}

/** An object that has some value in each field of a schema. */
function anyOf<Shape extends Record<string, Schema>>(shape: Shape, random: Random): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => {
      const accepted = CANDIDATES.filter((candidate) => schema.safeParse(candidate).success);
      return [key, random.pick(accepted)];
    }),
  );
}

/** `count` records, a second apart; the same for the same seed. */
export function variedRecords(count: number, seed: number): RunRecord[] {
  const random = new Random(seed);
  const [one] = testRecords({ commits: 1, repetitions: 1, orderings: ['seqcst'], doorbells: ['spin'], cpus: ['same'] });
  return Array.from({ length: count }, (_, i) => ({
    ...one!,
    id: `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`,
    at: new Date(Date.parse(one!.at) + 1000 * i).toISOString(),
    label: random.pick(['', ...ALIKE]),
    outcome: random.pick(OUTCOMES),
    config: configSchema.parse(anyOf(configSchema.shape, random)),
    environment: environmentSchema.parse(anyOf(environmentSchema.shape, random)),
    sweep: random.pick([null, { id: 'none', seed: 1, repetition: 1 }, { id: 'a 1', seed: 2, repetition: 1 }]),
    warnings: random.pick([[], ['not steady'], ['not steady', 'moved']]),
  }));
}
