/** How two sets of records differ, and what must be known of each before they are compared. */
import { counted } from '../command-line/columns.ts';
import { printable } from '../command-line/printable.ts';
import { CONFIGURATION_FIELDS, type ConfigurationField } from '../records/configuration.ts';
import { figuresCount } from '../records/counted.ts';
import { doubtsOf } from '../records/doubts.ts';
import { kindOf } from '../records/kinds-of-notes.ts';
import { severalOf, TRAITS } from '../records/provenance.ts';
import type { RunConfig, RunRecord } from '../records/record.ts';

type Records = readonly RunRecord[];

/** Of a side's doubts this many are told, those of most records first. */
const DOUBTS_MAX = 5;
/** Of a field's values this many are told. */
const VALUES_MAX = 4;

/** What does not forbid the comparison, but must be known. */
export function setNotes(a: Records, b: Records): string[] {
  const each = (notesOf: (records: Records, side: string) => string[]) => [...notesOf(a, 'A'), ...notesOf(b, 'B')];
  return [...environmentNotes(a, b), ...each(mixtureNotes), ...each(checkNotes), ...each(doubtNotes)];
}

/** Of what a measurement also depends on, but a comparison may be about. */
function environmentNotes(a: Records, b: Records): string[] {
  return (['node', 'v8', 'kernel', 'cpus'] as const).flatMap((field) => {
    const [ofA, ofB] = [a, b].map((of) => valuesText(of.map(({ environment }) => String(environment[field]))));
    return ofA === ofB ? [] : [`environment.${field} differs: ${ofA} in A, ${ofB} in B`];
  });
}

/** Each once, in the same order for the same values. */
function valuesText(values: readonly string[]): string {
  const each = [...new Set(values)].sort();
  const more = each.length > VALUES_MAX ? ` and ${each.length - VALUES_MAX} more` : '';
  return `${each.slice(0, VALUES_MAX).join(', ')}${more}`;
}

/** A set that a file or a folder names may hold what is not the same measured again. */
function mixtureNotes(records: Records, side: string): string[] {
  const several = severalOf(records, ['commit', 'changes', 'label', 'node']);
  if (several.length === 0) return [];
  const what = several.map(({ trait, count }) => `${count} ${TRAITS[trait].several}`).join(', ');
  return [`${side} holds records of ${what}, taken together`];
}

function checkNotes(records: Records, side: string): string[] {
  const count = records.filter((record) => !figuresCount(record)).length;
  return count === 0
    ? []
    : [`${counted(count, 'record')} of ${side} failed a check: figures of such runs do not count`];
}

/** What records say against their own figures; of what differs in its numbers alone, the first. */
function doubtNotes(records: Records, side: string): string[] {
  const measured = records.filter((record) => record.repetitions.length > 0 && figuresCount(record));
  const kinds = new Map<string, { doubt: string; count: number; alike: boolean }>();
  for (const record of measured) {
    const ofRecord = new Map(doubtsOf(record).map((doubt) => [kindOf(doubt), doubt]));
    for (const [kind, doubt] of ofRecord) {
      const had = kinds.get(kind) ?? { doubt, count: 0, alike: true };
      kinds.set(kind, { doubt: had.doubt, count: had.count + 1, alike: had.alike && had.doubt === doubt });
    }
  }
  const told = [...kinds.values()].sort((one, other) => other.count - one.count);
  const lines = told.slice(0, DOUBTS_MAX).map(({ doubt, count, alike }) => {
    const numbers = alike ? '' : '; in others with other numbers';
    return `figures of ${side} are doubtful, ${count} of ${counted(measured.length, 'record')}: ${printable(doubt)}${numbers}`;
  });
  const left = told.length - lines.length;
  return left === 0 ? lines : [...lines, `figures of ${side} are doubtful for ${counted(left, 'other reason')}`];
}

/**
 * Why no configuration is in both, in time that grows with their number alone: the fields of which the sides have no
 * value in common, each with its values; where there is no such field, the two nearest of those that came first.
 * @param inA the configurations of a side, each once.
 */
export function whyNothingInCommon(inA: readonly RunConfig[], inB: readonly RunConfig[]): string {
  const [firstA, firstB] = [inA[0], inB[0]];
  if (firstA === undefined || firstB === undefined)
    return `${firstA === undefined ? 'A' : 'B'} has no finished repetition`;
  const apart = CONFIGURATION_FIELDS.filter((field) => {
    const values = new Set<unknown>(inA.map((config) => config[field]));
    return !inB.some((config) => values.has(config[field]));
  });
  if (apart.length > 0)
    return fieldsText(apart, (field) => [inA, inB].map((of) => valuesText(of.map((config) => String(config[field])))));
  const near = [...inB.map((config) => [firstA, config] as const), ...inA.map((config) => [config, firstB] as const)]
    .map(([ofA, ofB]) => ({ ofA, ofB, fields: CONFIGURATION_FIELDS.filter((field) => ofA[field] !== ofB[field]) }))
    .reduce((least, one) => (one.fields.length < least.fields.length ? one : least));
  return fieldsText(near.fields, (field) => [String(near.ofA[field]), String(near.ofB[field])]);
}

function fieldsText(fields: readonly ConfigurationField[], valuesOf: (field: ConfigurationField) => string[]): string {
  return fields
    .map((field) => {
      const [ofA, ofB] = valuesOf(field);
      return `config.${field} is ${ofA} in A, ${ofB} in B`;
    })
    .join('; ');
}
