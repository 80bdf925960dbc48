/** What is compared: every row of the tables, and which of them the command line chose. Pure. */
import { nearest, UsageError } from '../../bench/command-line/option-values.ts';

export const GROUPS = {
  same: 'vringh_test, both halves on the first CPU, to which it pins them itself',
  distant: 'vringh_test with each half on a CPU of its own',
  ringtest: 'ringtest, a thread a CPU, buffers without payload',
} as const;
export type GroupName = keyof typeof GROUPS;

export interface Row {
  /** `group:rest`. */
  name: string;
  group: GroupName;
  /** From tools/virtio. */
  program: string;
  /** Of the C program. */
  args: readonly string[];
  /** The C program is run as shipped, too: what was mended lies on the way of these arguments. */
  shipped: boolean;
  /** Options of `run` that make ours the same, but for CPUs and number; null: ours has no counterpart. */
  ours: readonly string[] | null;
  /** More of them: the strategy that ours has unless a better one is chosen. */
  strategy: readonly string[];
  /** Ours pays for a ring what ringtest pays. */
  exitCost: boolean;
}

function vringh(group: 'same' | 'distant', flags: readonly string[]): Row {
  const args = flags.map((flag) => `--${flag}`);
  return {
    name: `${group}:${flags.join('+') || 'none'}`,
    group,
    program: 'vringh_test',
    args: [...args, '--parallel'],
    // The fast path has no element lists.
    shipped: !flags.includes('fast-vringh'),
    ours: args,
    strategy: [],
    exitCost: false,
  };
}

const SINGLE = ['--workload', 'single', '--eventidx'];

const ringtest = (name: string, program: string, args: readonly string[], more: Partial<Row> = {}): Row => ({
  name: `ringtest:${name}`,
  group: 'ringtest',
  program: `ringtest/${program}`,
  args,
  shipped: false,
  ours: null,
  strategy: [],
  exitCost: false,
  ...more,
});

const SAME: readonly string[][] = [
  [],
  ['eventidx'],
  ['indirect'],
  ['indirect', 'eventidx'],
  ['eventidx', 'virtio-1'],
  ['eventidx', 'fast-vringh'],
  ['fast-vringh'],
];
const DISTANT: readonly string[][] = [[], ['eventidx'], ['indirect'], ['indirect', 'eventidx']];

export const ROWS: readonly Row[] = [
  ...SAME.map((flags) => vringh('same', flags)),
  ...DISTANT.map((flags) => vringh('distant', flags)),
  ringtest('sleep', 'virtio_ring_0_9', ['--sleep'], { ours: SINGLE, exitCost: true }),
  ringtest('poll', 'virtio_ring_0_9', [], { ours: SINGLE, strategy: ['--doorbell', 'poll'] }),
  ringtest('ring-sleep', 'ring', ['--sleep']),
  ringtest('ring', 'ring', []),
  ringtest('inorder', 'virtio_ring_inorder', []),
  ringtest('virtio-poll', 'virtio_ring_poll', []),
  ringtest('ptr-ring', 'ptr_ring', []),
  ringtest('noring', 'noring', []),
];

/** As the C programs do it: each publishes one by one, and asks for a notification once it finds nothing. */
export const PLAIN: readonly string[] = ['--batch', '1', '--complete-batch', '1', '--look-us', '0'];

/** Ours is run like that, too; a row with a strategy of its own is not. */
export const hasPlain = ({ ours, strategy }: Row): boolean => ours !== null && strategy.length === 0;

/** The rows that `names`, separated by commas, mean: each a whole name, or what stands before or after its colon. @throws UsageError */
export function selectRows(rows: readonly Row[], names: string): Row[] {
  const wanted = names.split(',').map((name) => name.trim());
  const known = (row: Row) => [row.name, ...row.name.split(':')];
  const unknown = wanted.find((name) => !rows.some((row) => known(row).includes(name)));
  if (unknown !== undefined)
    throw new UsageError(`--only: no row '${unknown}'${nearest(unknown, rows.flatMap(known))} (--list has them)`);
  return rows.filter((row) => known(row).some((name) => wanted.includes(name)));
}

/** The C program's, as it is shown. */
export const argsText = ({ program, args }: Row): string => {
  const shown = args.filter((arg) => arg !== '--parallel').join(' ');
  if (program === 'vringh_test') return shown || '(none)';
  return [program.replace('ringtest/', ''), shown].join(' ').trim();
};
