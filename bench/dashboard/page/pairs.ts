/** A against B along one field: which fields can be compared, and which records have all else alike. Pure. */
import { type Field, fillsRing, groupedBy, isOfSeries, type Records, varyingIn } from './records.ts';

/** Records of A and of B under the same conditions. */
export interface Matched {
  a: readonly number[];
  b: readonly number[];
}

const isCommitOrLabel = ({ name }: Field) => name === 'commit' || name === 'label';

/** What both sides of a pair have alike. What a change of the runtime or of the code brings along is no condition. */
export function conditionsOf(records: Records, along: Field): Field[] {
  return records.fields.filter((field) => {
    if (field === along || (along.name === 'ordering' && field.name === 'ordering-sound')) return false;
    if (isOfSeries(field)) return true;
    if (isCommitOrLabel(field)) return !isCommitOrLabel(along);
    return field.group === 'environment' && along.group === 'config';
  });
}

/** Fields of which A and B can have different values among these records: those that are most often asked for first. */
export function fieldsAlong(records: Records, among: readonly number[]): Field[] {
  const several = varyingIn(among, records.fields).filter(({ name }) => name !== 'ordering-sound');
  const machine = records.field('machine');
  const onMachines = [...groupedBy(among, (record) => machine.placeOf(record)).values()];
  return [
    ...several.filter(isCommitOrLabel).reverse(),
    ...several.filter(isOfSeries),
    // What each machine has one of is no difference beside the machine.
    ...several.filter(
      (field) =>
        field.group === 'environment' &&
        !isOfSeries(field) &&
        onMachines.some((on) => varyingIn(on, [field]).length > 0),
    ),
  ];
}

/** What a record has of a condition; as many in flight as the ring has room for follows the ring. */
const conditionOf = (records: Records, along: Field, field: Field, record: number) =>
  along.name === 'ring-size' && field.name === 'outstanding' && fillsRing(records, record)
    ? 'ring'
    : field.placeOf(record);

/** In the order of A's records. */
export function matchedAlong(
  records: Records,
  along: Field,
  inA: readonly number[],
  inB: readonly number[],
): Matched[] {
  const conditions = varyingIn([...inA, ...inB], conditionsOf(records, along));
  const keyOf = (record: number) => conditions.map((field) => conditionOf(records, along, field, record)).join();
  const ofB = groupedBy(inB, keyOf);
  return [...groupedBy(inA, keyOf)].flatMap(([key, a]) => {
    const b = ofB.get(key);
    return b === undefined ? [] : [{ a, b }];
  });
}

/** What all of A have otherwise than all of B, beside the field that they are compared along. */
export const apartIn = (records: Records, along: Field, inA: readonly number[], inB: readonly number[]): Field[] =>
  conditionsOf(records, along).filter((field) => {
    const values = new Set(inA.map((record) => conditionOf(records, along, field, record)));
    return !inB.some((record) => values.has(conditionOf(records, along, field, record)));
  });

/** What A and B differ in that is no condition of theirs. */
export function differingToo(records: Records, along: Field, matched: readonly Matched[]): Field[] {
  const conditions = new Set(conditionsOf(records, along));
  const placesIn = (field: Field, side: 'a' | 'b') =>
    new Set(matched.flatMap((pair) => pair[side].map((record) => field.placeOf(record))));
  return records.fields.filter((field) => {
    const told = field.group === 'environment' || (field.name === 'commit' && along.name === 'label');
    if (!told || field === along || conditions.has(field)) return false;
    const [ofA, ofB] = [placesIn(field, 'a'), placesIn(field, 'b')];
    return ofA.size !== ofB.size || [...ofA].some((place) => !ofB.has(place));
  });
}
