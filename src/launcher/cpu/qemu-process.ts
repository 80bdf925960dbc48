/**
 * QEMU as a child process: its console on our own input and output, what it says on its error output told by lines, its
 * end, and how to end it; it ends with this process. Launcher's main thread, which only listens.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { boundCommand } from '../../processes/bound-child.ts';
import { plainLine } from '../plain-line.ts';
import type { GuestEnding, RunningGuest } from './cpu.ts';

export const QEMU = 'qemu-system-x86_64';
/** Debian's. */
export const QEMU_PACKAGE = 'qemu-system-x86';

/** QEMU ends within this time of being asked; then it is killed. */
const END_GRACE_MS = 3000;

export class QemuProcess implements RunningGuest {
  readonly ended: Promise<GuestEnding>;
  readonly warning = null;
  private readonly child: ChildProcess;
  private hasSaid = false;
  private running = true;
  private stopping = false;

  /** `say`: takes its lines. */
  constructor(program: string, args: readonly string[], say: (line: string) => void) {
    const bound = boundCommand(program, args);
    const child = spawn(bound.command, bound.args, { stdio: ['inherit', 'inherit', 'pipe'] });
    this.child = child;
    createInterface({ input: child.stderr! }).on('line', (line) => {
      // It says which signal ends it: that is ours.
      if (this.stopping) return;
      this.hasSaid = true;
      // Some of it is the guest's.
      say(plainLine(line));
    });
    this.ended = new Promise((resolve) => {
      const end = (ending: GuestEnding) => {
        this.running = false;
        resolve(this.stopping ? { how: 'stopped' } : ending);
      };
      child.on('error', (error) => end({ how: 'failed', error }));
      child.on('close', (code, signal) => end(this.endingOf(code, signal)));
    });
  }

  async stop(): Promise<GuestEnding> {
    if (!this.running) return await this.ended;
    this.stopping = true;
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_GRACE_MS);
    const ending = await this.ended;
    clearTimeout(timer);
    return ending;
  }

  /** At once, for the end of this process. */
  kill(): void {
    if (this.running) this.child.kill('SIGKILL');
  }

  /** It ends with code 0 when the guest powers off, and when it resets the machine. */
  private endingOf(code: number | null, signal: NodeJS.Signals | null): GuestEnding {
    if (code === 0) return { how: 'halted' };
    const how = code === null ? `was ended by ${signal}` : `ended with code ${code}`;
    // What it said was told line by line.
    return { how: 'failed', error: new Error(`QEMU ${how}${this.hasSaid ? '' : ': it said nothing'}`) };
  }
}
