/** What the page shows, as it stands in its address after the `#`: a link shows the same again. Knows no DOM. */

export const VIEWS = ['history', 'heat', 'latency', 'cost', 'compare'] as const;
export type ViewName = (typeof VIEWS)[number];
export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export interface State {
  view: ViewName;
  theme: Theme;
  /** Values to keep, by field; a field that is not here keeps all. */
  filters: ReadonlyMap<string, ReadonlySet<string>>;
  /** The views' own choices; each view has a default for what is missing or means nothing. */
  options: ReadonlyMap<string, string>;
}

const FILTER = 'f.';

const oneOf = <Name extends string>(names: readonly Name[], text: string | null, byDefault: Name): Name =>
  names.find((name) => name === text) ?? byDefault;

/** An address without a view shows `first`. */
export function parseState(hash: string, first: ViewName = 'history'): State {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  const filters = new Map<string, Set<string>>();
  const options = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (name.startsWith(FILTER)) {
      const field = name.slice(FILTER.length);
      filters.set(field, (filters.get(field) ?? new Set()).add(value));
    } else if (name !== 'view' && name !== 'theme') options.set(name, value);
  }
  return {
    view: oneOf(VIEWS, parameters.get('view'), first),
    theme: oneOf(THEMES, parameters.get('theme'), 'auto'),
    filters,
    options,
  };
}

/** The same text for the same state. Defaults are left out. */
export function formatState({ view, theme, filters, options }: State): string {
  const parameters = new URLSearchParams();
  parameters.set('view', view);
  if (theme !== 'auto') parameters.set('theme', theme);
  for (const [field, values] of [...filters].sort(([a], [b]) => (a < b ? -1 : 1)))
    for (const value of [...values].sort()) parameters.append(`${FILTER}${field}`, value);
  for (const [name, value] of [...options].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (value !== '') parameters.append(name, value);
  return `#${parameters}`;
}

/** With one option set; '' takes it back to its default. */
export function withOption(state: State, name: string, value: string): State {
  return { ...state, options: new Map(state.options).set(name, value) };
}

/** With a field's values kept; null keeps all. */
export function withFilter(state: State, field: string, values: ReadonlySet<string> | null): State {
  const filters = new Map(state.filters);
  if (values === null) filters.delete(field);
  else filters.set(field, values);
  return { ...state, filters };
}
