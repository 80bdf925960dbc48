/**
 * Engines: what the two hot halves, the guest's split virtqueue and the host's vringh, are made with. Names and what
 * each can do; `bench/pair/engines.ts` makes them. Any thread.
 */
import type { OrderingName } from '../../src/ordering/index.ts';
import type { HostName } from './hosts.ts';
import type { LayoutName } from './layouts.ts';

/** What an engine may refuse. */
export interface Refusable {
  layout: LayoutName;
  host: HostName;
  ordering: OrderingName;
  slowRange: boolean;
}

/** By option: why its value is refused, or null. */
export const WASM_REFUSALS = {
  layout: ({ layout }) => (layout === 'split' ? null : ` ${layout}: its halves are those of a split ring`),
  host: ({ host }) => (host === 'vringh' ? null : ` ${host}: its host half is vringh`),
  ordering: ({ ordering }) => (ordering === 'wasm' ? null : ` ${ordering}: its shared fields are Wasm's own atomics`),
  'slow-range': ({ slowRange }) => (slowRange ? ': it translates by whole regions' : null),
} as const satisfies Record<string, (config: Refusable) => string | null>;

function refusedByWasm(config: Refusable): string | null {
  for (const [name, refusal] of Object.entries(WASM_REFUSALS)) {
    const why = refusal(config);
    if (why !== null) return `--${name}${why}`;
  }
  return null;
}

export interface EngineFacts {
  /** One line for the help text. */
  readonly summary: string;
  /** The one ordering it has; null: any. */
  readonly ordering: OrderingName | null;
  /** What of a configuration it cannot run with, and why; or null. */
  refuses(config: Refusable): string | null;
}

export const ENGINES = {
  js: { summary: 'JavaScript', ordering: null, refuses: () => null },
  wasm: {
    summary: 'WebAssembly, with ordering wasm: layout split, host vringh, whole ranges',
    ordering: 'wasm',
    refuses: refusedByWasm,
  },
} as const satisfies Record<string, EngineFacts>;

export type EngineName = keyof typeof ENGINES;
