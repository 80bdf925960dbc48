/** Pauses between two looks at the ring: the processor's own where the engine has it, else plain operations. */

/** Not in the type library yet. */
const pauseOnce = (Atomics as { pause?: () => void }).pause;

export class Pauses {
  private last = 0;

  readonly pauseFor = (operations: number): void => {
    if (pauseOnce !== undefined) for (let i = 0; i < operations; i++) pauseOnce();
    else for (let i = 0; i < operations; i++) this.last = (this.last ^ i) | 0;
  };
}
