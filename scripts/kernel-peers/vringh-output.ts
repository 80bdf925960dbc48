/** What vringh_test prints of a parallel run. Pure. */
import type { PeerSide } from '../../bench/records/peer-record.ts';
import { Failure } from '../peers/failure.ts';

export interface VringhOutput {
  /** The first of the two CPUs it names: the one that both halves pin themselves to as shipped. */
  firstCpu: number;
  guest: NonNullable<PeerSide>;
  host: NonNullable<PeerSide>;
}

/** @throws Failure naming the line that is missing */
export function parseVringhOutput(text: string): VringhOutput {
  const numbers = (line: RegExp, what: string) => {
    const match = line.exec(text);
    if (match === null)
      throw new Failure(`vringh_test printed no line '${what}': ${JSON.stringify(text.slice(0, 200))}`);
    return match.slice(1).map(Number);
  };
  const side = (name: string) => {
    const line = new RegExp(`^${name}: notified (\\d+), pinged (\\d+)$`, 'm');
    const [notified, pinged] = numbers(line, `${name}: notified N, pinged N`);
    return { notified: notified!, pinged: pinged! };
  };
  const [firstCpu] = numbers(/^Using CPUS (\d+) and \d+$/m, 'Using CPUS N and N');
  return { firstCpu: firstCpu!, guest: side('Guest'), host: side('Host') };
}
