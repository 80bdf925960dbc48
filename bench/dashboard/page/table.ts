/** Tables in a box of their own that scrolls, so that the page never does sideways; long ones are shown in part. */
import { element } from './dom.ts';

export type CellText = string | Node;

export interface TableSpec {
  caption: string;
  head: readonly CellText[];
  /** Which columns are figures, set right. */
  figures: readonly number[];
  count: number;
  row: (at: number) => readonly CellText[];
}

const ROWS_SHOWN = 200;

function cellOf(first: boolean, className: string, text: CellText): HTMLElement {
  return first ? element('th', { scope: 'row', className }, text) : element('td', { className }, text);
}

export function tableOf({ caption, head, figures, count, row }: TableSpec, shown = ROWS_SHOWN): HTMLElement {
  const right = new Set(figures);
  const body = element('tbody');
  const more = element('button', { type: 'button', className: 'more' });
  const add = (until: number) => {
    for (let at = body.rows.length; at < until; at++) {
      const cells = row(at).map((text, i) => cellOf(i === 0, right.has(i) ? 'figure' : '', text));
      body.append(element('tr', {}, ...cells));
    }
    more.hidden = body.rows.length >= count;
    const left = count - body.rows.length;
    more.textContent = `Show ${Math.min(left, shown * 5).toLocaleString('en-US')} more of ${count.toLocaleString('en-US')} rows`;
  };
  add(Math.min(count, shown));
  more.addEventListener('click', () => add(Math.min(count, body.rows.length + shown * 5)));
  const headRow = element(
    'tr',
    {},
    ...head.map((text, i) => element('th', { scope: 'col', className: right.has(i) ? 'figure' : '' }, text)),
  );
  const table = element('table', {}, element('caption', {}, caption), element('thead', {}, headRow), body);
  const box = element(
    'div',
    { className: 'scroll', tabIndex: 0, attributes: { role: 'region', 'aria-label': `Table: ${caption}` } },
    table,
  );
  return element('div', {}, box, more);
}

const opened = new Set<string>();

/** The same table behind a line that opens it; built when it is first seen, and open where it was open before. */
export function foldedTable(id: string, spec: TableSpec): HTMLElement {
  const fold = element('details', { className: 'fold' }, element('summary', { id }, `Table: ${spec.caption}`));
  fold.open = opened.has(id);
  const fill = () => {
    if (fold.open && fold.childElementCount === 1) fold.append(tableOf(spec));
  };
  fill();
  fold.addEventListener('toggle', () => {
    if (fold.open) opened.add(id);
    else opened.delete(id);
    fill();
  });
  return fold;
}
