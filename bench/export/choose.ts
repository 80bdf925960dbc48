/** Which of the records are exported, and which must not stand under one name. */
import { flag, type GivenOptions, type Option } from '../command-line/option-table.ts';
import { UsageError } from '../command-line/option-values.ts';
import { commitText, severalOf, TRAITS, type TraitName } from '../records/provenance.ts';
import type { RunRecord } from '../records/record.ts';

type Chooser = 'machine' | 'commit' | 'clean' | 'dirty' | 'label' | 'no-label' | 'node' | 'id';

export const CHOOSERS: Readonly<Record<Chooser, Option>> = {
  machine: { value: 'NAME', summary: 'only records of a machine whose name begins so' },
  commit: { value: 'HASH', summary: 'only records of a commit that begins so; unknown: of none' },
  clean: flag('only records of a commit as it is'),
  dirty: flag('only records of a checkout with uncommitted changes'),
  label: { value: 'TEXT', summary: 'only records with this label, the whole of it' },
  'no-label': flag('only records without a label'),
  node: { value: 'VERSION', summary: 'only records of a Node whose version begins so' },
  id: { value: 'ID', summary: 'only records whose id begins so' },
};

const CHOOSES: Record<Chooser, (record: RunRecord, text: string) => boolean> = {
  machine: ({ environment }, text) => environment.machine.startsWith(text),
  commit: (record, text) => commitText(record).startsWith(text),
  clean: ({ environment }) => environment.dirty === false,
  dirty: ({ environment }) => environment.dirty === true,
  label: ({ label }, text) => label === text,
  'no-label': ({ label }) => label === '',
  node: ({ environment }, text) => environment.node.startsWith(text),
  id: ({ id }, text) => id.startsWith(text),
};

/** What chooses among the values of each trait. */
const OPTIONS_OF: Record<TraitName, string> = {
  machine: '--machine',
  commit: '--commit',
  changes: '--clean or --dirty',
  label: '--label or --no-label',
  node: '--node',
};

/** @throws UsageError for options of which each excludes what the other chooses. */
export function chosenBy(options: GivenOptions<string>, records: readonly RunRecord[]): RunRecord[] {
  for (const [one, other] of [
    ['clean', 'dirty'],
    ['label', 'no-label'],
  ] as const)
    if (options.has(one) && options.has(other)) throw new UsageError(`--${one} cannot be given with --${other}`);
  const given = (Object.keys(CHOOSES) as Chooser[]).filter((chooser) => options.has(chooser));
  return records.filter((record) => given.every((chooser) => CHOOSES[chooser](record, options.get(chooser)!)));
}

/** For a format in which a benchmark is its name alone: figures must not be mixed. @throws UsageError */
export function checkOneProgram(format: string, records: readonly RunRecord[]): void {
  const [several] = severalOf(records, ['machine', 'commit', 'changes', 'label', 'node']);
  if (several === undefined) return;
  const { trait } = several;
  throw new UsageError(
    `--format ${format} takes the records of one ${TRAITS[trait].one}: choose with ${OPTIONS_OF[trait]}`,
  );
}

/** For a format that tells the program in comments, which its readers do not look at; null: it is one program. */
export function severalProgramsNote(format: string, records: readonly RunRecord[]): string | null {
  const several = severalOf(records, ['commit', 'changes', 'label']);
  if (several.length === 0) return null;
  const what = several.map(({ trait }) => TRAITS[trait].several).join(', ');
  const options = several.map(({ trait }) => OPTIONS_OF[trait]).join(', ');
  return `--format ${format}: several ${what} in one document, told apart by comments alone; choose with ${options}`;
}
