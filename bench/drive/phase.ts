/** A job is made of phases; what is asked of one, and what came of it. */
import type { Usage } from './usage.ts';

/** A stretch of requests of one kind. */
export interface Phase {
  readonly kind: 'read' | 'write' | 'flush';
  readonly random: boolean;
  /** What is written is the pattern, what is read must be. */
  readonly pattern: boolean;
  /** The most requests, or null. */
  readonly requests: number | null;
  readonly seconds: number | null;
}

export interface PhaseResult {
  /** Those that succeeded; none else is in the rates and the latencies. */
  readonly requests: number;
  readonly wallNs: number;
  readonly usage: Usage;
  readonly errors: number;
  readonly mismatches: number;
  readonly overlongLengths: number;
  /** The first error or wrong byte, in words. */
  readonly firstError: string | null;
  readonly lostCalls: number;
  readonly reconnects: number;
  readonly resubmitted: number;
  /** Why it ended early; null: it did not, or was interrupted. */
  readonly failure: { readonly outcome: 'stalled' | 'failed'; readonly message: string } | null;
  readonly interrupted: boolean;
}
