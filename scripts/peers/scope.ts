/**
 * Everything that one scenario starts and makes, and its end: processes are ended by the handle that started them,
 * the folder with sockets, images and logs goes away; a SIGKILL of this process ends its peers, and the next scope
 * removes the folder. Main thread. Peers that this scope did not start are never touched.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { boundCommand } from '../../src/processes/bound-child.ts';
import { keepFolder, ownFolder } from '../../src/processes/own-folder.ts';
import { Failure } from './failure.ts';
import { isListening } from './listening.ts';
import { type Origin, SYSTEM, versionOf } from './origin.ts';

const POLL_MS = 20;
const END_GRACE_MS = 3000;
const SAID_LINES = 4;

export interface StartOptions {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** A running peer. Its output is kept in memory and in the scope's folder as NAME.log. */
export class Peer {
  readonly name: string;
  /** True as long as it runs. */
  running = true;
  /** How it ended; null while it runs. */
  exitCode: number | null = null;
  /** Standard output so far. */
  output = '';
  /** Standard output and error so far. */
  said = '';
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;

  constructor(name: string, child: ChildProcess, logFile: string) {
    this.name = name;
    this.child = child;
    const keep = (text: string) => {
      this.said += text;
      try {
        appendFileSync(logFile, text);
      } catch (error) {
        // Its last words can come when the folder is gone.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    };
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
      keep(text);
    });
    child.stderr!.setEncoding('utf8').on('data', keep);
    // The peer may have gone before the last command was written to it.
    child.stdin!.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const end = (code: number | null) => {
        this.running = false;
        this.exitCode = code;
        resolve();
      };
      child.on('error', (error) => {
        keep(`${error.message}\n`);
        end(null);
      });
      child.on('close', end);
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Failure(`${this.name} did not start: ${this.lastLines()}`);
    return this.child.pid;
  }

  /** Writes to its standard input, which stays open. */
  type(text: string): void {
    this.child.stdin!.write(text);
  }

  /** Waits until `condition` is true of it. @throws Failure when it ends first, or the time is up. */
  async until(what: string, condition: (peer: Peer) => boolean, timeoutMs: number): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!condition(this)) {
      if (!this.running) throw new Failure(`${this.name} ended before ${what}: ${this.lastLines()}`);
      if (Date.now() > end) throw new Failure(`${this.name}: no ${what} within ${timeoutMs} ms: ${this.lastLines()}`);
      await sleep(POLL_MS);
    }
  }

  /** Waits until it listens at the Unix socket `path`. */
  async untilListening(path: string, timeoutMs = 15_000): Promise<void> {
    await this.until(`a listening socket ${path}`, () => isListening(path), timeoutMs);
  }

  /** Waits for its own end. @throws Failure when the time is up. */
  async end(timeoutMs: number): Promise<number | null> {
    const timer = new AbortController();
    const late = sleep(timeoutMs, 'late', { signal: timer.signal }).catch(() => 'ended');
    const first = await Promise.race([this.ended, late]);
    timer.abort();
    if (first === 'late') throw new Failure(`${this.name}: still running after ${timeoutMs} ms: ${this.lastLines()}`);
    return this.exitCode;
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** SIGKILL without waiting: for the end of this process. */
  killNow(): void {
    if (this.running) this.child.kill('SIGKILL');
  }

  /** SIGTERM; what does not heed it is killed. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGTERM');
    await this.end(END_GRACE_MS).catch(() => this.kill());
  }

  lastLines(): string {
    return this.said.trim().split('\n').slice(-SAID_LINES).join(' | ') || 'it said nothing';
  }
}

/** The scopes that are open: the process's end kills what they still run, however it comes. */
const open = new Set<Scope>();
process.on('exit', () => {
  for (const scope of open) scope.abandon();
});

export class Scope {
  /** Sockets, images and logs; short, because a socket's path has 107 bytes at most. */
  readonly folder: string;
  /** Programs of real peers that were started, with their versions: 'QEMU 7.2.17'. */
  readonly versions = new Set<string>();
  private readonly origin: Origin;
  private readonly peers: Peer[] = [];
  private readonly undos: (() => void)[] = [];
  private started = 0;

  constructor(name: string, origin: Origin = SYSTEM) {
    this.origin = origin;
    this.folder = ownFolder('peers-', `${name.replaceAll(/[^\w-]/g, '-')}-`);
    open.add(this);
  }

  /** A path in this scope's folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a peer; its standard input stays open. */
  start(name: string, command: string, args: readonly string[], { env, cwd }: StartOptions = {}): Peer {
    const log = this.path(`${++this.started}-${name}.log`);
    appendFileSync(log, `${[command, ...args].join(' ')}\n`);
    const bound = boundCommand(command, args);
    const child = spawn(bound.command, bound.args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    const peer = new Peer(name, child, log);
    this.peers.push(peer);
    return peer;
  }

  /** The same for a program of a real peer, from where this run takes those. @throws Missing */
  startProgram(name: string, program: string, args: readonly string[], options: StartOptions = {}): Peer {
    const command = this.origin(program);
    const version = versionOf(program, command);
    if (version !== null) this.versions.add(version);
    return this.start(name, command.path, [...command.args, ...args], options);
  }

  /** `undo` runs at the end, the last one first; it must not throw. */
  defer(undo: () => void): void {
    this.undos.push(undo);
  }

  /** Ends everything, the last started first. Of the folder stays what `keep` says; images are large. */
  async close(keep: 'all' | 'logs' | 'nothing'): Promise<void> {
    for (const peer of this.peers.toReversed()) await peer.stop();
    this.undoAll();
    open.delete(this);
    if (keep !== 'nothing') keepFolder(this.folder);
    if (keep === 'all') return;
    if (keep === 'nothing') rmSync(this.folder, { recursive: true, force: true });
    else
      for (const name of readdirSync(this.folder))
        if (!name.endsWith('.log')) rmSync(join(this.folder, name), { recursive: true, force: true });
  }

  /** The same at once, for the end of this process. */
  abandon(): void {
    for (const peer of this.peers) peer.killNow();
    this.undoAll();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private undoAll(): void {
    for (const undo of this.undos.splice(0).toReversed()) undo();
  }
}
