/** What every view gets, and what they share: their choices stand in the address. */
import { type Choice, choiceOf, element } from '../dom.ts';
import { type Metric, metricNamed, metricsOf } from '../metrics.ts';
import type { Records } from '../records.ts';
import type { State } from '../state.ts';
import { withOption } from '../state.ts';

export interface Context {
  records: Records;
  /** Records that the filters keep, in order of time. */
  passing: readonly number[];
  state: State;
  /** Goes there: a new entry in the browser's history. */
  go: (state: State) => void;
}

/** Draws below what is in `into` already. */
export type View = (into: HTMLElement, context: Context) => void;

export const optionOf = ({ state }: Context, name: string) => state.options.get(name) ?? '';
export const setOption = (context: Context, name: string, value: string) =>
  context.go(withOption(context.state, name, value));

/** A list whose choice stands in the address under `name`; the first choice is the default. */
export function optionChoice(context: Context, name: string, label: string, choices: readonly Choice[]): HTMLElement {
  const chosen = chosenOf(context, name, choices);
  const byDefault = choices[0]?.value;
  return choiceOf(`option-${name}`, label, choices, chosen, (value) =>
    setOption(context, name, value === byDefault ? '' : value),
  );
}

/** What is chosen, or the first choice where the address has none of them. */
export function chosenOf(context: Context, name: string, choices: readonly Choice[]): string {
  const wanted = optionOf(context, name);
  return choices.some(({ value }) => value === wanted) ? wanted : (choices[0]?.value ?? '');
}

export const metricChoices = ({ records }: Context): Choice[] =>
  metricsOf(records).map(({ name, title }) => ({ value: name, text: title }));

export function metricOf(context: Context): Metric {
  const chosen = chosenOf(context, 'metric', metricChoices(context));
  return metricNamed(metricsOf(context.records), chosen);
}

export const controls = (...parts: HTMLElement[]) => element('div', { className: 'controls' }, ...parts);
