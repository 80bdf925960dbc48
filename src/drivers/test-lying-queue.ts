/** For tests: a queue whose host says of every request, at once and without end, that it wrote `usedLength` bytes. */
import { EMPTY, type GuestQueue } from '../guest/queue.ts';

export class LyingQueue implements GuestQueue {
  readonly size = 16;
  /** Not cut to what there is room for. */
  readonly usedLength: number;
  readonly claimedLength: number;
  /** How often it was asked for a finished request. */
  asked = 0;
  private readonly tokens: number[] = [];

  constructor(usedLength: number) {
    this.usedLength = usedLength;
    this.claimedLength = usedLength;
  }

  add(elements: unknown, token: number): boolean {
    return this.addDeferred(elements, token);
  }

  addDeferred(_elements: unknown, token: number): boolean {
    this.tokens.push(token);
    return true;
  }

  publish(): void {}

  kick(): boolean {
    return false;
  }

  publishAndKick(): boolean {
    return false;
  }

  look(): number {
    return this.tokens.length;
  }

  getBuf(): number {
    this.asked++;
    return this.tokens.shift() ?? EMPTY;
  }

  disableCalls(): void {}

  enableCalls(): boolean {
    return false;
  }

  enableCallsDelayed(): boolean {
    return false;
  }

  callDue(): boolean {
    return true;
  }
}
