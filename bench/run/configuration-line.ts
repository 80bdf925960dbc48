/** What a configuration is, in words that the command line takes: what it runs on, and what else is not the default. */
import { ENGINES } from '../axes/engines.ts';
import { type FieldName, FOLLOWING, JS_BY_DEFAULT } from '../config.ts';
import type { RunConfig } from '../records/record.ts';
import { type OptionName, parseRunOptions, RUN_AXES } from './options.ts';

/** Said of every configuration: figures say nothing without them. */
const ALWAYS: readonly OptionName[] = ['engine', 'ordering', 'doorbell', 'ring-size', 'layout', 'host'];
const OTHERS = (Object.keys(RUN_AXES) as OptionName[]).filter((name) => !ALWAYS.includes(name));

/** The field of a configuration that an option that says what is measured fills. */
export const fieldOf = (name: OptionName): keyof RunConfig =>
  name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof RunConfig;

/** A field's value as the command line has it. */
export const valueIn = (config: RunConfig, name: OptionName): string => {
  const value = config[fieldOf(name)];
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
};

/** `engine wasm`; of a flag that is on its name alone. */
function said(config: RunConfig, name: OptionName): string {
  const value = valueIn(config, name);
  return RUN_AXES[name] === 'flag' && value === 'on' ? name : `${name} ${value}`;
}

/** One line, like `engine wasm, ordering wasm, doorbell adaptive, ring-size 256, layout split, host vringh, eventidx`. */
export const configurationLine = (config: RunConfig): string => sharedLine([config]);

/** What of a configuration the basic test has: its halves are those of engine js whatever is given. */
export function basicLine(config: RunConfig): string {
  const flags = (['indirect', 'eventidx', 'virtio-1', 'slow-range'] as const).filter(
    (name) => valueIn(config, name) === 'on',
  );
  return ['engine js', said(config, 'ordering'), ...flags].join(', ');
}

/** What all of several configurations have, in one line like `configurationLine`. */
export function sharedLine(configs: readonly RunConfig[]): string {
  const [first] = configs;
  const isShared = (name: OptionName) => configs.every((config) => valueIn(config, name) === valueIn(first!, name));
  const defaults = parseRunOptions(['--parallel']).config;
  const isDefault = (name: OptionName) => {
    const field = fieldOf(name);
    const follows = FOLLOWING[field as FieldName];
    return first![field] === (follows === undefined ? defaults[field] : follows.value(first!));
  };
  return [...ALWAYS.filter(isShared), ...OTHERS.filter((name) => isShared(name) && !isDefault(name))]
    .map((name) => said(first!, name))
    .join(', ');
}

/**
 * What a person must know where options that name no engine have chosen another one than the default; null: they have
 * not. Of one configuration, or of all cells of a sweep.
 */
export function engineSwitch(given: (name: OptionName) => boolean, configs: readonly RunConfig[]): string | null {
  const by = given('engine') ? [] : JS_BY_DEFAULT.filter(given);
  const { parallel, engine } = configs[0]!;
  const { engine: byDefault } = parseRunOptions(['--parallel']).config;
  if (!parallel || by.length === 0 || engine === byDefault) return null;
  const could = configs.every((config) => (ENGINES[byDefault].refuses?.(config) ?? null) === null);
  const options = by.map((name) => `--${name}`).join(', ');
  return (
    `engine ${engine}, not ${byDefault}, because ${options} ${by.length === 1 ? 'is' : 'are'} given` +
    (could ? `; --engine ${byDefault} runs it, too` : '')
  );
}
