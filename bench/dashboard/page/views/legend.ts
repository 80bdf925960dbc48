/** The legend of a chart, which chooses what is drawn, too: its choice stands in the address. */
import { checkboxOf, element, note } from '../dom.ts';
import { SERIES_MAX, swatchOf } from '../theme.ts';
import { type Context, optionOf, setOption } from './view.ts';

export interface Legend {
  /** The option in the address, and what its checkboxes are called. */
  option: string;
  box: string;
  /** `Records`, `Configurations`. */
  title: string;
  /** Of all that can be drawn, in order. */
  all: readonly number[];
  chosen: readonly number[];
  nameOf: (id: number) => string;
  listedMax: number;
  /** What else must be said. */
  note: string;
}

/** Those of `all` that the address has, at most as many as can be drawn; none: `byDefault`. */
export function chosenIds(
  context: Context,
  option: string,
  all: readonly number[],
  byDefault: () => readonly number[],
): readonly number[] {
  const wanted = new Set(optionOf(context, option).split('.').filter(Boolean).map(Number));
  const picked = all.filter((id) => wanted.has(id)).slice(0, SERIES_MAX);
  return picked.length > 0 ? picked : byDefault();
}

export function legendOf(context: Context, legend: Legend): HTMLElement {
  const { option, box: name, title, all, chosen, nameOf, listedMax } = legend;
  const set = (ids: readonly number[]) => setOption(context, option, ids.join('.'));
  const listed = [...chosen, ...all.filter((id) => !chosen.includes(id)).slice(0, listedMax)];
  const items = listed.map((id) => {
    const place = chosen.indexOf(id);
    const label = element('span', {});
    if (place >= 0) label.append(swatchOf(place));
    label.append(nameOf(id));
    const box = checkboxOf(`${name}-${id}`, label, place >= 0, (on) =>
      set(on ? [...chosen, id] : chosen.filter((other) => other !== id)),
    );
    box.querySelector('input')!.disabled = place < 0 ? chosen.length >= SERIES_MAX : chosen.length === 1;
    return element('li', {}, box);
  });
  const group = element(
    'fieldset',
    { className: 'legend' },
    element('legend', {}, `${title}: ${chosen.length} of ${all.length.toLocaleString('en-US')} drawn`),
    element('ul', {}, ...items),
  );
  if (all.length > listed.length)
    group.append(note(`${(all.length - listed.length).toLocaleString('en-US')} more: use the filters to find them.`));
  group.append(note(legend.note));
  return group;
}
