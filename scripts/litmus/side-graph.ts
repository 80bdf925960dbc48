/**
 * What a side does next, by the answers that it got: a graph that grows as it is walked. A side's code depends on
 * nothing but these answers, so to find out what follows on one more, it is run again from the start, answered from the
 * record, and stopped at its next operation.
 *
 * Between two calls of its loop a side is what its fields hold: there, records that leave equal fields are one node.
 * So the graph is finite where a side can come back to where it was.
 */
import { answersNothing, NO_ANSWER, type Operation, type Performer, SLEEPS, WOKEN } from './operation.ts';

/** How a side that came to its end says so. */
export const DONE = 'done';

/** More operations than that without an answer: it will not ask any more. */
const BLIND_MAX = 10_000;

/** Operations that do the same, whoever does them. */
const same = (one: Operation, other: Operation) =>
  one.kind === other.kind &&
  one.location === other.location &&
  one.value === other.value &&
  one.expected === other.expected;

/** Thrown through the code of a side to stop it. */
class Stopped extends Error {}
const STOPPED = new Stopped();

/** The checker is wrong, or was asked for what is not there: no finding about a side, and the end of a search. */
export class CheckerError extends Error {}

/** A side as it is run: once from the start to its end, or until what it performs throws. */
export interface Side {
  readonly name: string;
  /** @param checkpoint called where nothing but the fields decides what comes, with these fields as text. */
  run(performer: Performer, checkpoint: (text: () => string) => void): void;
}

export class SideGraph implements Performer {
  readonly side: Side;
  /** By node: what it does next; null at an end. */
  readonly operations: (Operation | null)[] = [];
  /** By node: DONE, or what was wrong; null where it goes on. */
  readonly endings: (string | null)[] = [];
  private readonly parents: number[] = [];
  private readonly answers: number[] = [];
  private readonly nexts: Map<number, number>[] = [];
  private readonly byEnding = new Map<string, number>();
  private readonly byText = new Map<string, number>();

  /** The run under way: the nodes and answers of its record, how far it is, and where it will go on. */
  private path: number[] = [];
  private record: number[] = [];
  private position = 0;
  private last = -1;
  private lastAnswer = NO_ANSWER;
  private texts: string[] = [];
  private blind = 0;

  constructor(side: Side) {
    this.side = side;
    this.run(-1, NO_ANSWER);
  }

  /** Where every run starts. */
  get root(): number {
    return 0;
  }

  /** The node behind `node` once its operation is answered. */
  next(node: number, answer: number): number {
    const known = this.nexts[node]!.get(answer);
    if (known !== undefined) return known;
    const operation = this.operations[node]!;
    if (operation.kind === 'asleep') this.link(node, answer, this.next(this.parents[node]!, WOKEN));
    else if (answer === SLEEPS && operation.kind === 'wait')
      this.grow(node, SLEEPS, { ...operation, kind: 'asleep' }, null);
    else this.run(node, answer);
    return this.nexts[node]!.get(answer)!;
  }

  perform(operation: Operation): number {
    if (this.position < this.record.length) {
      if (!same(this.operations[this.path[this.position]!]!, operation))
        throw new CheckerError(`${this.side.name} is not the same from run to run`);
      return this.record[this.position++]!;
    }
    this.advance(operation, null);
    if (!answersNothing(operation.kind)) throw STOPPED;
    if (++this.blind > BLIND_MAX) throw new Error('goes on for ever without a look at what is shared');
    return NO_ANSWER;
  }

  /** Runs the side behind `node`, answered with `answer`, and notes what it does there. */
  private run(node: number, answer: number): void {
    this.path = [];
    this.record = [];
    for (let at = node, given = answer; at !== -1; given = this.answers[at]!, at = this.parents[at]!) {
      this.path.push(at);
      this.record.push(given);
    }
    this.path.reverse();
    this.record.reverse();
    this.position = 0;
    this.last = node;
    this.lastAnswer = answer;
    this.texts = [];
    this.blind = 0;
    try {
      this.side.run(this, (text) => this.checkpoint(text));
      this.advance(null, DONE);
    } catch (error) {
      if (error === STOPPED) return;
      if (error instanceof CheckerError) throw error;
      this.advance(null, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
    }
  }

  private checkpoint(text: () => string): void {
    if (this.position < this.record.length) return;
    const fields = text();
    const known = this.byText.get(fields);
    if (known === undefined) {
      this.texts.push(fields);
      return;
    }
    this.link(this.last, this.lastAnswer, known);
    throw STOPPED;
  }

  /** The run has come to something new. */
  private advance(operation: Operation | null, ending: string | null): void {
    const ended = ending === null ? undefined : this.byEnding.get(ending);
    if (ended !== undefined) {
      this.link(this.last, this.lastAnswer, ended);
      return;
    }
    const node = this.grow(this.last, this.lastAnswer, operation, ending);
    for (const text of this.texts) this.byText.set(text, node);
    this.texts = [];
    this.last = node;
    this.lastAnswer = NO_ANSWER;
  }

  private grow(parent: number, answer: number, operation: Operation | null, ending: string | null): number {
    const node = this.operations.length;
    this.operations.push(operation);
    this.endings.push(ending);
    this.parents.push(parent);
    this.answers.push(answer);
    this.nexts.push(new Map());
    if (ending !== null) this.byEnding.set(ending, node);
    this.link(parent, answer, node);
    return node;
  }

  private link(from: number, answer: number, to: number): void {
    if (from !== -1) this.nexts[from]!.set(answer, to);
  }
}
