/** What a person reads: a table of benches by orderings, nanoseconds an operation. Main thread. */
import Table from 'cli-table3';
import { ORDERINGS, type OrderingName } from '../../src/ordering/index.ts';
import { MOVED } from '../pair/pinning.ts';
import { BENCHES, type BenchName } from './benches/index.ts';
import type { Cell } from './record.ts';

const UNSOUND_MARK = '*';

/** Two decimals for what takes less than ten nanoseconds, one up to a thousand, none above. */
const shown = (ns: number, like: number) => ns.toFixed(like < 10 ? 2 : like < 1000 ? 1 : 0);

const figure = ({ medianNs, madNs }: Cell) => `${shown(medianNs, medianNs)} ± ${shown(madNs, medianNs)}`;

const headOf = (ordering: OrderingName) => (ORDERINGS[ordering].sound ? ordering : `${ordering} ${UNSOUND_MARK}`);

/** The table of finished cells, and what its figures are. */
export function tableLines(
  benches: readonly BenchName[],
  orderings: readonly OrderingName[],
  cells: readonly Cell[],
): string[] {
  const table = new Table({
    head: ['ns an operation', ...orderings.map(headOf)],
    colAligns: ['left', ...orderings.map(() => 'right' as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const bench of benches) {
    const of = (ordering: OrderingName | null) =>
      cells.find((cell) => cell.bench === bench && cell.ordering === ordering);
    const text = (ordering: OrderingName | null) => {
      const cell = of(ordering);
      return cell === undefined ? '' : figure(cell);
    };
    if (BENCHES[bench].ordered) table.push([bench, ...orderings.map(text)]);
    else table.push([bench, { content: text(null), colSpan: orderings.length, hAlign: 'center' }]);
  }
  return [...table.toString().split('\n'), ...captionLines(orderings, cells)];
}

function captionLines(orderings: readonly OrderingName[], cells: readonly Cell[]): string[] {
  const lines = [
    'median of the samples ± median absolute deviation: half of them lie that close',
    'across all columns: no ordered access, measured once; nothing is subtracted: a loop like empty is in every figure',
  ];
  const unsound = orderings.filter((ordering) => !ORDERINGS[ordering].sound);
  if (unsound.length > 0) lines.push(`${UNSOUND_MARK} not guaranteed by the language`);
  const unpinned = cells.find(({ unpinnedReason }) => unpinnedReason !== null && !unpinnedReason.startsWith(MOVED));
  if (unpinned !== undefined) lines.push(`unpinned: ${unpinned.unpinnedReason}`);
  const shared = cells.filter(({ cpu, peerCpu }) => cpu !== null && cpu === peerCpu);
  if (shared.length > 0)
    lines.push(
      `both threads of ${[...new Set(shared.map(({ bench }) => bench))].join(', ')} on CPU ${shared[0]!.cpu}: no other is allowed here`,
    );
  return lines;
}
