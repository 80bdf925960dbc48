/** Our own driver, run as a program: it drives any block backend, and its record comes back. */
import { z } from 'zod';
import { expectEqual, Failure } from './failure.ts';
import { needOurs } from './programs.ts';
import type { Peer, Scope } from './scope.ts';

/** More than any job here takes; each request has its own bound inside. */
const TIMEOUT_MS = 600_000;

/** What is used of a record of `drive`. */
const repetitionSchema = z.object({
  iops: z.number(),
  bytes: z.number(),
  wallNs: z.number(),
  errors: z.number(),
  mismatches: z.number(),
  lostCalls: z.number(),
  reconnects: z.number(),
});
const recordSchema = z.object({ outcome: z.string(), repetitions: z.array(repetitionSchema) });

export type DriveResult = z.infer<typeof repetitionSchema>;

/** A job that is running. */
export class Drive {
  private readonly peer: Peer;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  get running(): boolean {
    return this.peer.running;
  }

  /** Waits until `condition`. @throws Failure when it ends first, or the time is up */
  until(what: string, condition: () => boolean, timeoutMs: number): Promise<void> {
    return this.peer.until(what, condition, timeoutMs);
  }

  /** Waits for its end. @throws Failure unless all went well */
  async end(): Promise<DriveResult> {
    const code = await this.peer.end(TIMEOUT_MS);
    if (code !== 0) throw new Failure(`drive ended with ${code ?? 'a signal'}: ${this.peer.lastLines()}`);
    const record = recordSchema.parse(JSON.parse(this.peer.output));
    const [result, ...more] = record.repetitions;
    expectEqual("the record's outcome", record.outcome, 'done');
    if (result === undefined || more.length > 0) throw new Failure('the record has not one repetition');
    for (const counter of ['errors', 'mismatches', 'lostCalls'] as const) expectEqual(counter, result[counter], 0);
    return result;
  }
}

/** Starts `drive blk` with the arguments of a job. */
export async function startDrive(
  scope: Scope,
  program: string,
  socket: string,
  args: readonly string[],
): Promise<Drive> {
  await needOurs(program, 'drive');
  return new Drive(
    scope.start('drive', process.execPath, [
      ...[program, 'drive', 'blk', '--socket', socket, '--json', '--out', 'none'],
      ...args,
    ]),
  );
}

/** The same, and waits for its end. */
export async function drive(
  scope: Scope,
  program: string,
  socket: string,
  args: readonly string[],
): Promise<DriveResult> {
  return await (await startDrive(scope, program, socket, args)).end();
}
