/** Changes in the cached copy of the kernel's programs, made by small patterns that must match as often as expected. Pure. */
import { Failure } from '../peers/failure.ts';

export interface Edit {
  /** Shown and recorded. */
  name: string;
  /** From tools/virtio. */
  file: string;
  /** Global. */
  pattern: RegExp;
  /** One for each match, in order. */
  replacements: readonly string[];
}

/** Environment variables that the edited program takes its CPUs from. */
export const GUEST_CPU = 'VRINGBENCH_GUEST_CPU';
export const HOST_CPU = 'VRINGBENCH_HOST_CPU';

const cpuFrom = (variable: string) => `CPU_SET(strtoul(getenv("${variable}"), 0, 10),`;

/** Each half gets a CPU of its own; as shipped both pin themselves to the first. The host's half stands first. */
export const TWO_CPUS: Edit = {
  name: 'two-cpus',
  file: 'vringh_test.c',
  pattern: /\bCPU_SET\(first_cpu,/g,
  replacements: [cpuFrom(HOST_CPU), cpuFrom(GUEST_CPU)],
};

/**
 * The host frees the element lists of a request before it completes it. As shipped it never does, so that a request of
 * three elements or more leaks a list, and page faults are part of what is timed. The fast path has no lists: it jumps
 * behind this, to the label. Lists that were freed already are left alone.
 */
export const MENDED: Edit = {
  name: 'mended',
  file: 'vringh_test.c',
  pattern: /\bcomplete:/g,
  replacements: ['vringh_iov_cleanup(&riov); vringh_iov_cleanup(&wiov); complete:'],
};

/** Another number of transfers. */
export const transfersEdit = (transfers: number): Edit => ({
  name: `transfers=${transfers}`,
  file: 'vringh_test.c',
  pattern: /\bNUM_XFERS\s+\(\d+\)/g,
  replacements: [`NUM_XFERS (${transfers})`],
});

/** What vringh_test transfers as shipped. */
export const SHIPPED_TRANSFERS = 10_000_000;

/** @throws Failure unless the pattern is found as often as it has replacements */
export function applyEdit(text: string, { name, file, pattern, replacements }: Edit): string {
  const found = text.match(pattern)?.length ?? 0;
  if (found !== replacements.length)
    throw new Failure(
      `${file}: the change '${name}' does not fit this tree: ${pattern.source} is found ${found} times, not ${replacements.length}`,
    );
  let place = 0;
  return text.replace(pattern, () => replacements[place++]!);
}
