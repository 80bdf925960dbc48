/**
 * What a machine is called in its records: a name that tells machines apart without telling whose they are, the same
 * after every start of a container. The name of the host has no part in it: a container has another at each start.
 */
import { createHash } from 'node:crypto';
import { cpus, totalmem } from 'node:os';
import type { Option } from '../command-line/option-table.ts';
import { UsageError } from '../command-line/option-values.ts';
import { readOrNull } from './machine.ts';

/** What a name is made of. */
export interface MachineTraits {
  /** That of systemd or D-Bus, which an installation keeps; null: there is none. */
  id: string | null;
  model: string;
  cpus: number;
  memoryBytes: number;
}

const ID_FILES = ['/etc/machine-id', '/var/lib/dbus/machine-id'];
/** What an image has in place of an id that its first start makes. */
const NO_ID = ['', 'uninitialized'];
const GIB = 2 ** 30;

/** Some container images have no id; what they share with their host stays: model, CPUs, memory. */
export function machineTraits(): MachineTraits {
  const list = cpus();
  const id = ID_FILES.map((file) => readOrNull(file)?.trim() ?? '').find((text) => !NO_ID.includes(text));
  return {
    id: id ?? null,
    model: list[0]?.model.trim() || 'unknown',
    cpus: list.length,
    memoryBytes: totalmem(),
  };
}

/** The name where none is given; ends in a hash of the id, or without one in the memory. */
export function derivedName({ id, model, cpus, memoryBytes }: MachineTraits): string {
  const slug = model
    .toLowerCase()
    .replace(/\(r\)|\(tm\)|cpu|processor/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  // The kernel keeps some of the last gibibyte for itself, by its version more or less.
  const end =
    id === null
      ? `${Math.ceil(memoryBytes / GIB)}gib`
      : createHash('sha256').update(`${id} ${model} ${cpus}`).digest('hex').slice(0, 8);
  return `${slug || 'machine'}-${cpus}cpu-${end}`;
}

/** What must be said of a derived name: that other machines have the same; null: it is this machine's alone. */
export const sharedNameNote = (traits: MachineTraits): string | null =>
  traits.id === null
    ? `this machine has no ${ID_FILES[0]}: it is called ${derivedName(traits)} by its model, CPUs and memory, ` +
      'as is every machine like it; --machine NAME tells them apart'
    : null;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** `--machine` of the commands that make records. */
export const MACHINE_OPTION: Option = {
  value: 'NAME',
  summary: 'what this machine is called in its records; default: model, CPUs, and what tells it apart',
};

/** The name that is given, which names a file, too; null: none. @throws UsageError */
export function machineOf(given: ReadonlyMap<string, string>): string | null {
  const name = given.get('machine') ?? null;
  if (name === null || NAME.test(name)) return name;
  throw new UsageError(
    '--machine wants a name of up to 64 letters, digits, dots, dashes and underscores that begins with a letter ' +
      `or a digit, not '${name}'`,
  );
}
