/** A Linux guest in QEMU, emulated (TCG), so that it runs on any machine: booted with a script, it reports and goes. */
import { writeFileSync } from 'node:fs';
import { expectEqual, Failure } from './failure.ts';
import { readResults } from './guest-output.ts';
import { guestImage } from './image.ts';
import { needKernel } from './packages.ts';
import type { Peer, Scope } from './scope.ts';

const MEMORY = '256M';

export interface GuestOptions {
  /** QEMU's arguments for the device under test. */
  devices: readonly string[];
  /** Commands for busybox's sh, with errexit; `result KEY VALUE` reports. */
  script: string;
  timeoutMs: number;
}

/** A guest that is running. */
export class Guest {
  private readonly peer: Peer;
  private readonly endsAt: number;

  constructor(peer: Peer, timeoutMs: number) {
    this.peer = peer;
    this.endsAt = Date.now() + timeoutMs;
  }

  /** Types on its second serial port. */
  type(text: string): void {
    this.peer.type(text);
  }

  /** What it reported so far. */
  results(): Map<string, string> {
    return readResults(this.peer.output);
  }

  /** Waits until the results so far satisfy `condition`. */
  async until(what: string, condition: (results: Map<string, string>) => boolean): Promise<void> {
    await this.peer.until(what, () => condition(this.results()), this.leftMs());
  }

  /** Waits for its end: it powered off, its script ended well and its kernel saw no error. */
  async end(): Promise<Map<string, string>> {
    const code = await this.peer.end(this.leftMs());
    const results = this.results();
    if (!results.has('booted')) throw new Failure(`the guest did not boot: ${this.peer.lastLines()}`);
    if (!results.has('end')) throw new Failure(`the guest ended early (QEMU: ${code}): ${this.peer.lastLines()}`);
    expectEqual("the exit status of the guest's script", results.get('status'), 0);
    expectEqual("errors in the guest's kernel log", results.get('kernel-errors'), 0);
    expectEqual("QEMU's exit code", code ?? 'a signal', 0);
    return results;
  }

  private leftMs(): number {
    return Math.max(1, this.endsAt - Date.now());
  }
}

/** Boots a guest. Its console goes to console.log in the scope's folder, its results come back. */
export function startGuest(scope: Scope, { devices, script, timeoutMs }: GuestOptions): Guest {
  const kernel = needKernel();
  const image = scope.path('initramfs');
  writeFileSync(image, guestImage(kernel, script));
  const peer = scope.startProgram('qemu', 'qemu-system-x86_64', [
    ...['-accel', 'tcg', '-machine', 'q35', '-cpu', 'max', '-m', MEMORY],
    // The backend maps the guest's memory: it must be a file that is shared.
    ...['-object', `memory-backend-memfd,id=mem,size=${MEMORY},share=on`, '-numa', 'node,memdev=mem'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${scope.path('console.log')}`, '-serial', 'stdio'],
    ...['-kernel', kernel.image, '-initrd', image, '-append', 'console=ttyS0 quiet panic=-1'],
    ...devices,
  ]);
  return new Guest(peer, timeoutMs);
}

/** Boots a guest and waits for its end. */
export async function bootGuest(scope: Scope, options: GuestOptions): Promise<Map<string, string>> {
  return await startGuest(scope, options).end();
}
