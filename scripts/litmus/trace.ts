/** A failure as a list of numbered steps, and at its end who waits for what. */
import type { Failure } from './explore.ts';
import { type Machine, STATE_WORDS } from './machine.ts';
import { type Operation, SLEEPS, WOKEN } from './operation.ts';

function wordsOf({ kind, location, value, expected }: Operation, names: readonly string[], answer: number): string {
  const place = names[location] ?? '';
  switch (kind) {
    case 'load':
      return `load ${place} -> ${answer}`;
    case 'store':
    case 'store-ordered':
      return `store ${place} = ${value}`;
    case 'fence':
      return 'fence';
    case 'exchange':
      return `exchange ${place} = ${value} -> ${answer}`;
    case 'compare-exchange':
      return `compare-exchange ${place} ${expected} = ${value} -> ${answer}`;
    case 'wait':
      return answer === SLEEPS ? `sleeps on ${place}` : `does not sleep: ${place} is not ${expected}`;
    case 'asleep':
      return answer === WOKEN ? `is woken` : `sleeps on ${place}`;
    case 'notify':
      return answer === 0 ? `notify ${place}: nobody sleeps` : `notify ${place}: wakes`;
  }
}

export function traceOf(machine: Machine, names: readonly string[], failure: Failure): string[] {
  const lines: string[] = [];
  const sides = machine.graphs.map(({ side }) => side.name.padEnd(5));
  const state = new Int32Array(STATE_WORDS);
  const say = (side: number, text: string, site: string) =>
    lines.push(`${String(lines.length + 1).padStart(4)}  ${sides[side]}  ${text.padEnd(44)} ${site}`.trimEnd());
  machine.listener = (side, operation, write, answer) => {
    const { location, value } = machine.writes.all[write] ?? { location: -1, value: 0 };
    if (operation === null) say(side, `flush ${names[location]} = ${value}`, '');
    else say(side, wordsOf(operation, names, answer), operation.site);
  };
  machine.start(state);
  for (const choice of failure.choices) machine.take(state, choice);
  machine.listener = null;
  for (const [side, name] of sides.entries()) {
    const operation = machine.operation(state, side);
    const ending = operation === null ? machine.graphs[side]!.endings[state[side]!] : null;
    lines.push(`      ${name}  ${operation === null ? ending : wordsOf(operation, names, 0)}`);
  }
  lines.push(failure.why);
  return lines;
}
