/** Ring layouts: names and what each can do. `bench/pair/layouts.ts` makes them. Any thread. */

export interface LayoutFacts {
  /** One line for the help text. */
  readonly summary: string;
  /** The two sides meet, so that payloads arrive and can be checked. */
  readonly carries: boolean;
}

export const LAYOUTS = {
  split: { summary: 'split virtqueue, legacy alignment', carries: true },
  null: {
    summary: "no ring, two sides that never meet: the harness's own cost; what is verified need not be right",
    carries: false,
  },
} as const satisfies Record<string, LayoutFacts>;

export type LayoutName = keyof typeof LAYOUTS;
