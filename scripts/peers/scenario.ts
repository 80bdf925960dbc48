/** What a scenario is, and the helpers that several of them use. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Origin } from './origin.ts';
import type { Scope } from './scope.ts';

/** What was given on the command line. */
export interface Settings {
  /** Our built command. */
  program: string;
  /** Where the programs of real peers come from. */
  origin: Origin;
  /** More options of our backend. */
  serveOptions: readonly string[];
  /** Of `speed`: repetitions of each job on each backend. */
  rounds: number;
  /** Of `speed`: seconds of each repetition. */
  seconds: number;
  /** Of `memory`: requests. */
  requests: number;
}

export type Figures = Record<string, string | number>;

export interface Scenario {
  summary: string;
  /** Left out unless it is named: it takes long. */
  onDemand?: boolean;
  /** @throws Failure, or Missing when this machine lacks something. */
  run(scope: Scope, settings: Settings): Promise<Figures>;
}

export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
