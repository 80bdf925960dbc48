/** Thread entry of one cell of the micro-benchmarks: measures what its task names, and tells how it ended. */
import { type CellEnd, type CellTask, runCell } from '../bench/micro/cell.ts';
import { endedBy } from '../bench/pair/side-end.ts';

export default async function (task: CellTask): Promise<CellEnd> {
  try {
    return { ended: 'done', report: await runCell(task) };
  } catch (error) {
    return endedBy(error);
  }
}
