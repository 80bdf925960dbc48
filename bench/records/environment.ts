/** Where a run was measured: machine, engine, commit. Main thread. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { platform, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { git, isChanged } from './checkout.ts';
import { readOrNull } from './machine.ts';
import { derivedName, machineTraits, sharedNameNote } from './machine-name.ts';
import type { Environment } from './record.ts';

/** The package's own folder, seen from the built file in dist/bench/records. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** This program's, by its package. */
export const VERSION: string = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;

/**
 * Taken once a run, before anything is measured.
 * @param machine what the machine is called, by `--machine`; null: by what it is.
 * @param onNote told what must be said of the name.
 */
export function captureEnvironment(
  machine: string | null = null,
  onNote: (note: string) => void = () => {},
): Environment {
  const traits = machineTraits();
  const note = machine === null ? sharedNameNote(traits) : null;
  if (note !== null) onNote(note);
  const cpuinfo = readOrNull('/proc/cpuinfo');
  // An installed package may lie inside somebody else's checkout, whose commit says nothing of it.
  const own = existsSync(join(PACKAGE_ROOT, '.git'));
  const commit = own ? (git(PACKAGE_ROOT, 'rev-parse', 'HEAD')?.trim() ?? null) : null;
  return {
    machine: machine ?? derivedName(traits),
    cpu: traits.model,
    cpus: traits.cpus,
    kernel: `${platform()} ${release()}`,
    virtualized: cpuinfo === null ? null : /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo),
    node: process.versions.node,
    v8: process.versions.v8,
    version: VERSION,
    commit,
    dirty: commit === null ? null : isChanged(PACKAGE_ROOT),
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
