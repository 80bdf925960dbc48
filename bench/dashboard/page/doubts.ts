/** What is said beside every view: which records count for nothing, and what speaks against the figures of others. */
import { element, note } from './dom.ts';
import { count, minuteOf } from './metrics.ts';
import { isOfName, nameOf, type Records, varyingIn } from './records.ts';
import { foldedTable } from './table.ts';

/** Null where every record counts. */
export function leftOutNote(leftOut: number): HTMLElement | null {
  if (leftOut === 0) return null;
  const [were, whose] = leftOut === 1 ? ['is', 'its'] : ['are', 'their'];
  const said = note(
    `${count(leftOut, 'record')} ${were} left out: ${whose} check failed, so that ${whose} figures are of something else.`,
  );
  said.id = 'left-out';
  return said;
}

const doubtfulOf = (records: Records, shown: readonly number[]) =>
  shown.filter((record) => records.doubtsOf(record).length > 0);

/** Null where nothing speaks against what is shown. */
export function doubtsNote(records: Records, shown: readonly number[]): HTMLElement | null {
  const doubtful = doubtfulOf(records, shown).length;
  if (doubtful === 0) return null;
  const said = note(
    `${doubtful.toLocaleString('en-US')} of ${count(shown.length, 'record')} had warnings, which make the figures doubtful: the table at the end has them, the filter warnings leaves them out.`,
  );
  said.id = 'doubts';
  return said;
}

/** Every record with what speaks against it, the newest first; null where nothing does. */
export function doubtsTable(records: Records, shown: readonly number[]): HTMLElement | null {
  const doubtful = doubtfulOf(records, shown).reverse();
  if (doubtful.length === 0) return null;
  const varying = varyingIn(shown, records.fields.filter(isOfName));
  return foldedTable('table-doubts', {
    caption: 'Records with warnings, newest first',
    head: ['Record', 'Measured, UTC', 'Warnings'],
    figures: [],
    count: doubtful.length,
    row: (i) => {
      const record = doubtful[i]!;
      const of = element('ul', { className: 'warnings' });
      for (const text of records.doubtsOf(record)) of.append(element('li', {}, text));
      return [nameOf(records, record, varying), minuteOf(records.atMs[record]!), of];
    },
  });
}
