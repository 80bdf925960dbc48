/** Elements by hand. Text goes in as text: nothing in the page parses markup. */

type Child = Node | string | null;
type Props<Tag extends keyof HTMLElementTagNameMap> = Partial<
  Omit<HTMLElementTagNameMap[Tag], 'style' | 'dataset' | 'attributes'>
> & {
  /** Attributes: ARIA, roles, data. */
  attributes?: Record<string, string>;
};

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { attributes = {}, ...props }: Props<Tag> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = Object.assign(document.createElement(tag), props);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made as HTMLElementTagNameMap[Tag];
}

export interface Choice {
  value: string;
  text: string;
}

/** A labelled list to choose one of. `id` finds it again after the view was drawn anew. */
export function choiceOf(
  id: string,
  label: string,
  choices: readonly Choice[],
  chosen: string,
  onChoice: (value: string) => void,
): HTMLElement {
  const select = element('select', { id });
  for (const { value, text } of choices) select.append(element('option', { value, selected: value === chosen }, text));
  select.addEventListener('change', () => onChoice(select.value));
  return element('label', { className: 'choice' }, element('span', {}, label), select);
}

export function checkboxOf(
  id: string,
  label: Child,
  checked: boolean,
  onChange: (checked: boolean) => void,
): HTMLLabelElement {
  const box = element('input', { type: 'checkbox', id, checked });
  box.addEventListener('change', () => onChange(box.checked));
  return element('label', { className: 'check' }, box, element('span', {}, label));
}

export function note(text: string): HTMLElement {
  return element('p', { className: 'note' }, text);
}
