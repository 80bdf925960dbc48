/**
 * What the loops in AssemblyScript and the classes around them tell each other. Integers alone, and no import: the
 * AssemblyScript sources read this file, too.
 */

/** Why a loop returned, besides the states of `loops.ts`, whose numbers are these. */
export const LOOP_REACHED = 0;
export const LOOP_MUST_WAIT = 1;
export const LOOP_IDLE = 2;
export const LOOP_WAIT_UNTIL_DUE = 3;
export const LOOP_NOT_DUE = 4;
/** The queue broke: its words say how. */
export const LOOP_RING_BROKE = 5;
/** A request was refused: the queue's words say why. */
export const LOOP_REQUEST_BAD = 6;
/** A transfer came back wrong, or a request was not what it was to be. */
export const LOOP_CHECK_FAILED = 7;

/** Numbers of the workloads, in the order of their table. */
export const WORKLOAD_ALTERNATE = 0;
export const WORKLOAD_ECHO = 1;
export const WORKLOAD_SINGLE = 2;
export const WORKLOAD_BULK = 3;

/** What of a request was wrong, for the host. */
export const WRONG_PULLED = 0;
export const WRONG_PUSHED = 1;
export const WRONG_ELEMENTS = 2;

/** A doorbell's word, as in `words.ts`. */
export const BELL_RUNG = 1;
export const BELL_ASLEEP = 2;

/** What a loop leaves in the words of its private area: 32-bit words by number. */
/** Transfers it has finished with; times the peer was asked about and wanted no notification. */
export const WORD_DONE = 0;
export const WORD_SUPPRESSED = 1;
/** Rings, and those that woke a sleeper, of the doorbell's fast path. */
export const WORD_RINGS = 2;
export const WORD_WAKE_SYSCALLS = 3;
/** The guest's: the number of the next transfer, and the token that came back last. */
export const WORD_SENT = 4;
export const WORD_TOKEN = 5;
/** Transfers that would have been wrong if there were a peer. */
export const WORD_WRONG_ALONE = 6;
/** The host's: what was wrong of a request, of WRONG_PULLED and so on, and the number that was to be and that was. */
export const WORD_WRONG = 4;
export const WORD_EXPECTED = 5;
export const WORD_ACTUAL = 6;
/** How many times a side may look at nothing before it asks for a notification, and how many it did. */
export const WORD_LOOKS = 7;
export const WORD_LOOKS_IN_VAIN = 8;
/** What pauses write. */
export const WORD_PAUSE = 9;
/** Operations of a pause while nothing is there, and while the peer is at it. */
export const WORD_IDLE_PAUSE = 10;
export const WORD_BUSY_PAUSE = 11;
export const LOOP_WORDS_BYTES = 48;
