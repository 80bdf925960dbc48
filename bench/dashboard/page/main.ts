/** The page's entry: reads the embedded data, then shows what its address says, whenever that changes. */
import 'uplot/dist/uPlot.min.css';
import './page.css';
import type { PageData } from '../page-data.ts';
import { dropSearches } from './change-search.ts';
import { dropCharts } from './chart.ts';
import { element } from './dom.ts';
import { doubtsNote, doubtsTable, leftOutNote } from './doubts.ts';
import { makeFilters } from './filters.ts';
import { historyOf } from './history-points.ts';
import { count, minuteOf } from './metrics.ts';
import { Records } from './records.ts';
import { formatState, parseState, type State, THEMES, type Theme, VIEWS, type ViewName } from './state.ts';
import { compareView } from './views/compare.ts';
import { costView } from './views/cost.ts';
import { heatView } from './views/heat.ts';
import { historyView } from './views/history.ts';
import { latencyView } from './views/latency.ts';
import type { View } from './views/view.ts';

const VIEW_TABLE: Record<ViewName, { title: string; view: View }> = {
  history: { title: 'History', view: historyView },
  heat: { title: 'Heat map', view: heatView },
  latency: { title: 'Latency', view: latencyView },
  cost: { title: 'Cost', view: costView },
  compare: { title: 'A against B', view: compareView },
};
const THEME_TITLES: Record<Theme, string> = { auto: 'as the system', light: 'light', dark: 'dark' };

const records = new Records(JSON.parse(document.getElementById('data')!.textContent!) as PageData);
const page = document.getElementById('page')!;

const everything = Array.from({ length: records.count }, (_, record) => record);
/** A history of one point is none: then the page opens on the map. */
const first: ViewName = historyOf(records, everything, false).points.length === 1 ? 'heat' : 'history';
let state = parseState(location.hash, first);
const go = (next: State) => {
  const hash = formatState(next);
  // The event shows it; the address is the only place where the state lives.
  if (hash !== formatState(state)) location.hash = hash;
};

const themeSelect = element(
  'select',
  { id: 'theme' },
  ...THEMES.map((value) => element('option', { value }, THEME_TITLES[value])),
);
themeSelect.addEventListener('change', () => go({ ...state, theme: themeSelect.value as Theme }));
const links = VIEWS.map((view) => ({ view, link: element('a', { id: `view-${view}` }, VIEW_TABLE[view].title) }));
const skipped =
  records.skippedLines === 0 ? '' : `; ${count(records.skippedLines, 'line')} skipped that were no record`;
const main = element('main', { id: 'view', tabIndex: -1 });
const filters = makeFilters(records, () => state, go);

page.append(
  element('a', { className: 'skip', href: '#view' }, 'Skip to the charts'),
  element(
    'header',
    {},
    element('h1', {}, records.title),
    element(
      'p',
      { className: 'about' },
      `${count(records.count, 'record')}${skipped}; made ${minuteOf(Date.parse(records.made))} UTC`,
    ),
    element('label', { className: 'choice theme' }, element('span', {}, 'Theme'), themeSelect),
    element('nav', { attributes: { 'aria-label': 'Views' } }, ...links.map(({ link }) => link)),
  ),
);
// The address is the page's own: a link into the page must not replace it.
page.querySelector('.skip')!.addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
if (records.count === 0) page.append(main);
else page.append(element('div', { className: 'columns' }, filters.panel, main));

function show(): void {
  document.documentElement.dataset.theme = state.theme;
  themeSelect.value = state.theme;
  for (const { view, link } of links) {
    link.href = formatState({ ...state, view });
    if (view === state.view) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const focused = document.activeElement?.id ?? '';
  const scrolled = new Map([...main.querySelectorAll('.legend ul')].map((list, i) => [i, list.scrollTop]));
  dropSearches();
  dropCharts();
  if (records.count === 0) {
    main.replaceChildren(emptyPage());
    return;
  }
  main.replaceChildren(element('h2', {}, VIEW_TABLE[state.view].title));
  const passing = records.passing(state.filters);
  filters.sync(state, passing.length);
  if (passing.length === 0)
    main.append(
      element('p', { className: 'empty-page' }, 'The filters keep no record. Take one of them back, or show all.'),
    );
  else showFigures(passing);
  for (const [i, list] of main.querySelectorAll('.legend ul').entries()) list.scrollTop = scrolled.get(i) ?? 0;
  // What was drawn anew had the keyboard.
  if (focused !== '' && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

/** The view, of the records that count, between what must be said of these. */
function showFigures(passing: readonly number[]): void {
  const counting = passing.filter((record) => records.counts(record));
  const notes = [leftOutNote(passing.length - counting.length), doubtsNote(records, counting)];
  for (const note of notes) if (note !== null) main.append(note);
  if (counting.length === 0) return;
  VIEW_TABLE[state.view].view(main, { records, passing: counting, state, go });
  const doubts = doubtsTable(records, counting);
  if (doubts !== null) main.append(doubts);
}

function emptyPage(): HTMLElement {
  const commands = [
    'npm run bench -- --parallel --eventidx --latency',
    'npm run matrix -- --quick',
    'npm run dashboard',
  ];
  return element(
    'div',
    { className: 'empty-page' },
    element('p', {}, 'There are no records yet. Measure something, then make this page again:'),
    element('pre', {}, commands.join('\n')),
  );
}

addEventListener('hashchange', () => {
  state = parseState(location.hash, first);
  show();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
show();
