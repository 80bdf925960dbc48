/** A failure as a list of numbered steps, each with the method that takes it, and at its end where both sides are, and what is wrong. */
import type { Failure } from './explore.ts';
import { type Machine, STATE_WORDS } from './machine.ts';
import { type Operation, SLEEPS } from './operation.ts';

/** What the word of a doorbell says. */
const BELL_WORDS = ['idle', 'rung', 'asleep'];

const textOf = (place: string, value: number) => (place.endsWith(' bell') ? BELL_WORDS[value] : undefined) ?? value;

function wordsOf({ kind, location, value, expected }: Operation, names: readonly string[], answer: number): string {
  const place = names[location] ?? '';
  const stored = `${place} = ${textOf(place, value)}`;
  const loaded = `-> ${textOf(place, answer)}`;
  switch (kind) {
    case 'fence':
      return kind;
    case 'load':
      return `${kind} ${place} ${loaded}`;
    case 'store':
      return `${kind} ${stored}`;
    case 'store-ordered':
      return `store ${stored}`;
    case 'exchange':
      return `${kind} ${stored} ${loaded}`;
    case 'compare-exchange':
      return `${kind} ${stored} if ${textOf(place, expected)} ${loaded}`;
    case 'wait':
      return answer === SLEEPS ? 'sleeps' : `does not sleep: ${place} is not ${textOf(place, expected)}`;
    case 'asleep':
      return `waits for ${place}`;
    case 'notify':
      return answer === 0 ? `notify ${place}: nobody sleeps there` : `notify ${place}: wakes its sleeper`;
  }
}

export function traceOf(machine: Machine, names: readonly string[], failure: Failure): string[] {
  const lines: string[] = [];
  const sides = machine.graphs.map(({ side }) => side.name.padEnd(5));
  const state = new Int32Array(STATE_WORDS);
  const say = (side: number, text: string, site: string) =>
    lines.push(`${String(lines.length + 1).padStart(4)}  ${sides[side]}  ${text.padEnd(50)}  ${site}`.trimEnd());
  machine.listener = (side, operation, write, answer) => {
    const { location, value } = machine.writes.all[write] ?? { location: -1, value: 0 };
    if (operation === null) say(side, `flush ${names[location]} = ${textOf(names[location]!, value)}`, '');
    else say(side, wordsOf(operation, names, answer), operation.site);
  };
  machine.start(state);
  for (const choice of failure.choices) machine.take(state, choice);
  machine.listener = null;
  for (const [side, name] of sides.entries()) lines.push(`      ${name}  ${whereIs(machine, names, state, side)}`);
  lines.push(`      ${failure.why}`);
  return lines;
}

/** What a side does at the end of a trace. */
function whereIs(machine: Machine, names: readonly string[], state: Int32Array, side: number): string {
  const operation = machine.operation(state, side);
  if (operation === null) return machine.graphs[side]!.endings[state[side]!]!;
  const { kind, location, site } = operation;
  if (kind === 'asleep') return `waits for ${names[location]}`;
  return `goes on${site === '' ? '' : ` in ${site}`}`;
}
