/** Where a run was measured: machine, engine, commit; and what the machine was doing meanwhile. Main thread. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, hostname, loadavg, platform, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './record.ts';

/** The package's own folder, seen from the built file in dist/bench/records. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The kernel's clock tick in /proc/stat, nanoseconds. */
const TICK_NS = 10_000_000;

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', ['-C', PACKAGE_ROOT, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return null;
  }
}

/** A stable name that tells machines apart without telling whose they are: model, CPUs, and a hash of its identity. */
function machineName(model: string, count: number): string {
  const identity = readOrNull('/etc/machine-id')?.trim() || hostname();
  const hash = createHash('sha256').update(`${identity} ${model} ${count}`).digest('hex').slice(0, 8);
  const slug = model
    .toLowerCase()
    .replace(/\(r\)|\(tm\)|cpu|processor/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${slug || 'machine'}-${count}cpu-${hash}`;
}

/** This program's, by its package. */
export const VERSION: string = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;

/** Taken once a run, before anything is measured. */
export function captureEnvironment(): Environment {
  const list = cpus();
  const model = list[0]?.model.trim() || 'unknown';
  const cpuinfo = readOrNull('/proc/cpuinfo');
  // An installed package may lie inside somebody else's checkout, whose commit says nothing of it.
  const own = existsSync(join(PACKAGE_ROOT, '.git'));
  const commit = own ? (git('rev-parse', 'HEAD')?.trim() ?? null) : null;
  return {
    machine: machineName(model, list.length),
    cpu: model,
    cpus: list.length,
    kernel: `${platform()} ${release()}`,
    virtualized: cpuinfo === null ? null : /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo),
    node: process.versions.node,
    v8: process.versions.v8,
    version: VERSION,
    commit,
    dirty: commit === null ? null : git('status', '--porcelain') !== '',
  };
}

/** A hash of the program as it is built: the same for the same program, whatever its checkout looks like. */
export function programHash(): string {
  const hash = createHash('sha256');
  const folder = join(PACKAGE_ROOT, 'dist');
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
    if (/(?<!\.test)\.(js|wasm)$/.test(file)) hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest('hex');
}

/** The one-minute load average, or null where there is none. */
export function loadAverage(): number | null {
  return platform() === 'win32' ? null : loadavg()[0]!;
}

/** What all CPUs did since boot, nanoseconds. */
export interface MachineTimes {
  /** Taken by the hypervisor. */
  stolenNs: number;
  /** Spent on other programs than this, and on the kernel's own work. */
  otherCpuNs: number;
}

/** Fields of /proc/stat's first line that are work: user, nice, system, irq, softirq; the ninth is steal. */
const BUSY_FIELDS = [1, 2, 3, 6, 7];
const STEAL_FIELD = 8;

/** Null where the kernel does not tell. Only differences mean something. */
export function machineTimes(): MachineTimes | null {
  const fields = readOrNull('/proc/stat')?.split('\n')[0]?.trim().split(/\s+/).map(Number);
  const steal = fields?.[STEAL_FIELD];
  if (fields === undefined || steal === undefined || Number.isNaN(steal)) return null;
  const busy = BUSY_FIELDS.reduce((sum, field) => sum + fields[field]!, 0);
  const { user, system } = process.cpuUsage();
  return { stolenNs: steal * TICK_NS, otherCpuNs: busy * TICK_NS - (user + system) * 1000 };
}

/** What happened between two looks; a tick's rounding is not less than nothing. */
export function machineDelta(before: MachineTimes, after: MachineTimes): MachineTimes {
  return {
    stolenNs: after.stolenNs - before.stolenNs,
    otherCpuNs: Math.max(0, after.otherCpuNs - before.otherCpuNs),
  };
}
