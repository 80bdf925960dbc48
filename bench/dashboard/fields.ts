/** The fields of a record that the page can filter by, and how it writes their values. Main thread. */
import { EFFORT_FIELDS } from '../records/configuration.ts';
import { doubtsOf } from '../records/doubts.ts';
import { configSchema, environmentSchema, type RunRecord } from '../records/record.ts';
import { ABSENT, type FieldGroup } from './page-data.ts';
import { shownValue, type Value } from './values.ts';

/** What is shown of what is not there. */
const UNKNOWN = 'unknown';

/** `delayedInterrupt` as the option is called: `delayed-interrupt`. */
const optionName = (field: string) => field.replace(/[A-Z]|\d+$/g, (part) => `-${part.toLowerCase()}`);

/** Of the environment: what an option is called, too. */
const ENVIRONMENT_NAMES: Partial<Record<keyof RunRecord['environment'], string>> = { cpus: 'machine-cpus' };

const COMMIT_DIGITS = 10;
const CLEAN = '=';
const CHANGED = '+';

/** Commit and changes in one text, which two that differ never share. */
const commitOf = ({ environment: { commit, dirty } }: RunRecord) =>
  commit === null ? null : `${dirty ? CHANGED : CLEAN}${commit}`;

function shownCommit(value: Value): string {
  if (typeof value !== 'string') return ABSENT;
  const commit = value.slice(1);
  const short = /^[0-9a-f]{40,}$/.test(commit) ? commit.slice(0, COMMIT_DIGITS) : shownValue(commit, ABSENT);
  return value.startsWith(CHANGED) ? `${short} + changes` : short;
}

export interface FieldOf {
  /** Unique. */
  name: string;
  group: FieldGroup;
  of: (record: RunRecord) => Value;
  shown: (value: Value) => string;
  /** Listed with the newest first; others by value. */
  byTime?: boolean;
}

const shownOrUnknown = (value: Value) => shownValue(value, UNKNOWN);
const shownOrNone = (value: Value) => shownValue(value, ABSENT);

const isEffort = (key: string) => EFFORT_FIELDS.some((effort) => effort === key);

/** Every field that can be filtered by. */
export const FIELDS: FieldOf[] = [
  ...(Object.keys(configSchema.shape) as (keyof RunRecord['config'])[]).map(
    (key): FieldOf => ({
      name: optionName(key),
      group: isEffort(key) ? 'effort' : 'config',
      of: ({ config }) => config[key],
      // Never absent: `none` is a value of several.
      shown: (value) => shownValue(value, ''),
    }),
  ),
  { name: 'label', group: 'record', of: ({ label }) => label || null, shown: shownOrNone, byTime: true },
  { name: 'commit', group: 'record', of: commitOf, shown: shownCommit, byTime: true },
  { name: 'outcome', group: 'record', of: ({ outcome }) => outcome, shown: shownOrNone },
  {
    name: 'sweep',
    group: 'record',
    of: ({ sweep }) => (sweep === null ? null : `${sweep.id} ${sweep.seed}`),
    shown: shownOrNone,
    byTime: true,
  },
  {
    name: 'warnings',
    group: 'record',
    of: (record) => (doubtsOf(record).length === 0 ? null : 'some'),
    shown: shownOrNone,
  },
  // Commit and changes are one field, above.
  ...(Object.keys(environmentSchema.shape) as (keyof RunRecord['environment'])[])
    .filter((key) => key !== 'commit' && key !== 'dirty')
    .map(
      (key): FieldOf => ({
        name: ENVIRONMENT_NAMES[key] ?? key,
        group: 'environment',
        of: ({ environment }) => environment[key],
        shown: shownOrUnknown,
      }),
    ),
];
