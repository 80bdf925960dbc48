/** What the loops call outside of their module. AssemblyScript. */

/** The doorbell's own class rings it. */
// @ts-expect-error: of AssemblyScript
@external('env', 'ring')
export declare function ringOutside(): void;

/** Transfer number `x`, which is stamped, was sent; is back; is due by the schedule. */
// @ts-expect-error: of AssemblyScript
@external('env', 'sent')
export declare function sampleSent(x: i32): void;
// @ts-expect-error: of AssemblyScript
@external('env', 'returned')
export declare function sampleReturned(x: i32): void;
// @ts-expect-error: of AssemblyScript
@external('env', 'due')
export declare function isDue(x: i32): bool;

/** The used length that a test has told for this one. */
// @ts-expect-error: of AssemblyScript
@external('env', 'report')
export declare function reportAs(writtenBytes: u32): u32;

/** Lets the peer run, which shares the CPU. */
// @ts-expect-error: of AssemblyScript
@external('env', 'giveWay')
export declare function giveWay(): void;
