/** Where a fuzzer starts, how long it goes on, and whom it tells. */
export interface FuzzBounds {
  readonly seed: number;
  /** The first case's number. Default 0. */
  readonly from?: number;
  /** Ends after so many cases. Default: no bound. */
  readonly cases?: number;
  /** Or after so long. Default: no bound. */
  readonly seconds?: number;
  /** Or when this is aborted: after the case that is under way. */
  readonly signal?: AbortSignal;
  /** Told before each case, and before each trial in which one is shortened: a sign of life. */
  readonly starting?: (number: number) => void;
  readonly say?: (line: string) => void;
}
