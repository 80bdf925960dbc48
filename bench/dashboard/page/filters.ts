/** The filters: built once, so that the keyboard's place in them survives what they change. */
import { checkboxOf, element, note } from './dom.ts';
import { type Field, type Records, shownOf } from './records.ts';
import { type State, withFilter } from './state.ts';

/** Longer lists can be searched, and show so many at a time. */
const SEARCHED_FROM = 12;
const LISTED_MAX = 100;

export interface Filters {
  panel: HTMLElement;
  /** Shows what the state has. */
  sync: (state: State, kept: number) => void;
}

interface FieldFilter {
  element: HTMLElement;
  sync: (state: State) => void;
}

export function makeFilters(records: Records, state: () => State, go: (state: State) => void): Filters {
  const several = records.fields.filter(({ values }) => values.length > 1);
  const single = records.fields.filter(({ values }) => values.length === 1);
  const filterOf = (field: Field) => fieldFilter(field, state, go);
  const prominent = several.map(filterOf);
  const others = single.map(filterOf);
  const kept = element('p', { className: 'kept', id: 'kept', attributes: { role: 'status' } });
  const clear = element('button', { type: 'button', id: 'clear-filters' }, 'Show all');
  clear.addEventListener('click', () => go({ ...state(), filters: new Map() }));
  const body = element('div', { className: 'filter-list' }, ...prominent.map((filter) => filter.element));
  if (others.length > 0)
    body.append(
      element(
        'details',
        { className: 'others' },
        element('summary', {}, `The same in all records (${others.length})`),
        ...others.map((filter) => filter.element),
      ),
    );
  const title = element('summary', { id: 'filters-title' }, 'Filters');
  const fold = element(
    'details',
    { className: 'filters', open: matchMedia('(min-width: 900px)').matches },
    title,
    body,
  );
  const panel = element(
    'aside',
    { attributes: { 'aria-label': 'Filters' } },
    element('div', { className: 'kept-line' }, kept, clear),
    fold,
  );
  return {
    panel,
    sync: (now, keptCount) => {
      for (const filter of [...prominent, ...others]) filter.sync(now);
      const active = now.filters.size;
      title.textContent = active === 0 ? 'Filters' : `Filters (${active})`;
      kept.textContent = `${keptCount.toLocaleString('en-US')} of ${records.count.toLocaleString('en-US')} records`;
      clear.hidden = active === 0;
    },
  };
}

function fieldFilter(field: Field, state: () => State, go: (state: State) => void): FieldFilter {
  const summary = element('summary', { id: `filter-${field.name}` });
  const list = element('ul', { attributes: { 'aria-label': `Values of ${field.name}` } });
  const more = note('');
  const search = element('input', {
    type: 'search',
    placeholder: 'find',
    attributes: { 'aria-label': `Find a value of ${field.name}` },
  });
  const keepAll = element('button', { type: 'button' }, 'all');
  keepAll.setAttribute('aria-label', `All values of ${field.name}`);
  keepAll.addEventListener('click', () => go(withFilter(state(), field.name, null)));
  const searched = field.values.length > SEARCHED_FROM;
  const fold = element('details', { className: 'field' }, summary);
  fold.append(element('div', { className: 'field-body' }, ...(searched ? [search] : []), list, more, keepAll));
  const boxes = new Map<string, HTMLInputElement>();

  const choose = (value: string, on: boolean) => {
    const kept = new Set(state().filters.get(field.name));
    if (on) kept.add(value);
    else kept.delete(value);
    go(withFilter(state(), field.name, kept.size === 0 ? null : kept));
  };
  /** Only what can be seen: a field may have thousands of values. */
  const fill = () => {
    const kept = state().filters.get(field.name);
    const text = search.value.toLowerCase();
    const found = field.values.filter((value) => `${value} ${shownOf(field, value)}`.toLowerCase().includes(text));
    const wanted = new Set([...found.slice(0, LISTED_MAX), ...(kept ?? [])]);
    // The address may name values that no record has.
    const listed = [...field.values.filter((value) => wanted.delete(value)), ...wanted];
    boxes.clear();
    list.replaceChildren(
      ...listed.map((value, i) => {
        const label = checkboxOf(`value-${field.name}-${i}`, shownOf(field, value), kept?.has(value) ?? false, (on) =>
          choose(value, on),
        );
        boxes.set(value, label.querySelector('input')!);
        return element('li', {}, label);
      }),
    );
    more.textContent =
      found.length > LISTED_MAX ? `${(found.length - LISTED_MAX).toLocaleString('en-US')} more: type to find them` : '';
  };
  search.addEventListener('input', fill);
  fold.addEventListener('toggle', () => {
    if (fold.open && boxes.size === 0) fill();
  });
  return {
    element: fold,
    sync: ({ filters }) => {
      const kept = filters.get(field.name);
      const said =
        kept === undefined
          ? field.values.length === 1
            ? shownOf(field, field.values[0]!)
            : `all ${field.values.length.toLocaleString('en-US')}`
          : [...kept].map((value) => shownOf(field, value)).join('; ');
      summary.replaceChildren(
        element('span', { className: 'field-name' }, field.name),
        ' ',
        element('span', { className: kept ? 'on' : 'off' }, said),
      );
      keepAll.hidden = kept === undefined;
      for (const [value, box] of boxes) box.checked = kept?.has(value) ?? false;
    },
  };
}
