/** Host halves: names and what each can do. `bench/pair/hosts.ts` makes them. Any thread. */

export interface HostFacts {
  /** One line for the help text. */
  readonly summary: string;
  /** Its rings may have indirect tables and event indices. */
  readonly modern: boolean;
  /** The queue is set up by a session between the threads. */
  readonly bySession: boolean;
}

export const HOSTS = {
  vringh: { summary: "the kernel's vringh", modern: true, bySession: false },
  'vhost-user': {
    summary: "libvhost-user's queue, set up by that protocol's messages between the threads",
    modern: true,
    bySession: true,
  },
  lguest: {
    summary: "the lguest Launcher's queue, as of 2007: neither --indirect nor --eventidx",
    modern: false,
    bySession: false,
  },
} as const satisfies Record<string, HostFacts>;

export type HostName = keyof typeof HOSTS;
