/** What makes two runs measurements of the same thing: one definition, for comparisons, exports and the page. Any thread. */
import { configSchema, type RunConfig } from './record.ts';

/** How often a configuration was measured and how patient the run was: no part of what was measured. */
export const EFFORT_FIELDS = ['repeat', 'timeout'] as const;

export type ConfigurationField = Exclude<keyof RunConfig, (typeof EFFORT_FIELDS)[number]>;

const isEffort = (field: string) => EFFORT_FIELDS.some((effort) => effort === field);

/** All fields that tell one configuration from another, in the order of the schema. */
export const CONFIGURATION_FIELDS = Object.keys(configSchema.shape).filter(
  (field) => !isEffort(field),
) as ConfigurationField[];

/** The same text for the same configuration, in whatever order its fields were written. */
export const configurationKey = (config: RunConfig): string =>
  JSON.stringify(CONFIGURATION_FIELDS.map((field) => config[field]));
