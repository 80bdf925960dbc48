/**
 * The command line of `launch`: that of the original, and a few options more. Options may stand anywhere before the
 * image; everything after it is the guest's. Devices keep their order: it is that of the bus. Main thread.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ACCELERATORS, type Accelerator } from '../../src/launcher/cpu/qemu-arguments.ts';
import type { LaunchLink } from '../../src/launcher/device-options.ts';
import { GUESTS } from '../../src/launcher/guests.ts';
import { MEMORY_MB_MAX } from '../../src/launcher/machine/physical-memory.ts';
import { flag, type OptionTable, optionLines } from '../command-line/option-table.ts';
import { choiceOf, nearest, UsageError } from '../command-line/option-values.ts';

export const USAGE =
  'launch [--verbose] [--tunnet=(<ipaddr>|bridge:<name>)|--block=<file>|--initrd=<file>]... <mem-in-mb> image [args...]';

export const CPUS = {
  worker: { summary: 'the guest is an ES module or a Wasm module, in a thread of its own' },
  qemu: { summary: 'the guest is an x86 kernel, in qemu-system-x86_64' },
} as const;
export type CpuName = keyof typeof CPUS;

type OptionName = 'verbose' | 'tunnet' | 'block' | 'initrd' | 'cpu' | 'accel' | 'net' | 'readonly' | 'stats';

const OPTIONS: OptionTable<OptionName> = {
  verbose: flag('says what happens, on standard error; -v too'),
  tunnet: { value: 'A|bridge:B', summary: "a network on a tap: with this machine's address, or in a bridge" },
  block: {
    value: 'FILE',
    summary: 'a disk: a file, or a block device (/dev/...; it needs koffi), of whole sectors (512 bytes)',
  },
  initrd: { value: 'FILE', summary: "a file at the top of the guest's memory" },
  cpu: { value: 'NAME', summary: 'what runs the guest', byDefault: 'worker', choices: CPUS },
  accel: { value: 'NAME', summary: 'what QEMU runs the guest with', byDefault: 'tcg', choices: ACCELERATORS },
  net: { value: 'pair:NAME', summary: 'a network with the other launcher of that name; or loopback' },
  readonly: flag('every disk is opened for reading alone, and the guest told so'),
  stats: flag('what each queue did, at the end, on standard error'),
  help: flag('this text; -h too'),
};

/** Those that may come several times. */
const REPEATED: readonly string[] = ['tunnet', 'block', 'net'];

export type DeviceChoice = { kind: 'block'; path: string } | { kind: 'net'; link: LaunchLink };

/** What the image is. */
export type ImageChoice =
  /** Code for the worker CPU. */
  | { kind: 'module'; name: string; entry: string }
  /** An image of the original's kind. */
  | { kind: 'x86'; path: string };

export interface LaunchCommandOptions {
  readonly memoryMb: number;
  readonly image: ImageChoice;
  readonly args: readonly string[];
  /** In command-line order. */
  readonly devices: readonly DeviceChoice[];
  readonly initrd: string | null;
  readonly cpu: CpuName;
  /** Of QEMU. */
  readonly accelerator: Accelerator;
  readonly readOnly: boolean;
  readonly verbose: boolean;
  readonly stats: boolean;
}

interface Given {
  readonly options: Map<OptionName | 'help', string>;
  readonly devices: DeviceChoice[];
  readonly positionals: string[];
}

/** Null: help is wanted. @throws UsageError that names the argument */
export function parseLaunchOptions(args: readonly string[]): LaunchCommandOptions | null {
  const { options, devices, positionals } = readInOrder(args);
  if (options.has('help')) return null;
  const [memory, image, ...guestArgs] = positionals;
  if (memory === undefined || image === undefined)
    throw new UsageError(`launch wants ${memory === undefined ? '<mem-in-mb> and an' : 'an'} image: ${USAGE}`);
  const cpu = choiceOf('--cpu', options.get('cpu') ?? 'worker', CPUS);
  if (options.has('accel') && cpu !== 'qemu') throw new UsageError("--accel is QEMU's: it wants --cpu qemu, too");
  return {
    memoryMb: memoryOf(memory),
    image: imageOf(image),
    args: guestArgs,
    devices,
    initrd: options.get('initrd') ?? null,
    cpu,
    accelerator: choiceOf('--accel', options.get('accel') ?? 'tcg', ACCELERATORS),
    readOnly: options.has('readonly'),
    verbose: options.has('verbose'),
    stats: options.has('stats'),
  };
}

/** @throws UsageError */
function readInOrder(args: readonly string[]): Given {
  const given: Given = { options: new Map(), devices: [], positionals: [] };
  let optionsEnded = false;
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]!;
    // Everything behind the image is the guest's, whatever it looks like.
    if (given.positionals.length >= 2) given.positionals.push(argument);
    else if (argument === '--' && !optionsEnded) optionsEnded = true;
    else if (optionsEnded || !argument.startsWith('-')) given.positionals.push(argument);
    else i += readOption(given, argument, args[i + 1]);
  }
  return given;
}

/** Returns how many arguments behind it were its value. @throws UsageError */
function readOption(given: Given, argument: string, next: string | undefined): 0 | 1 {
  const equals = argument.indexOf('=');
  const named = equals < 0 ? argument : argument.slice(0, equals);
  const long = named === '-v' ? '--verbose' : named === '-h' ? '--help' : named;
  const name = long.slice(2) as OptionName;
  if (!long.startsWith('--') || !Object.hasOwn(OPTIONS, name))
    throw new UsageError(
      `unknown argument '${named}'${nearest(
        long,
        Object.keys(OPTIONS).map((known) => `--${known}`),
      )}`,
    );
  const wants = OPTIONS[name].value;
  if (wants === null && equals >= 0) throw new UsageError(`--${name} takes no value`);
  const value = wants === null ? '' : equals < 0 ? next : argument.slice(equals + 1);
  if (value === undefined || (wants !== null && value === ''))
    throw new UsageError(`--${name} wants a value: ${wants}`);
  if (given.options.has(name) && wants !== null && !REPEATED.includes(name))
    throw new UsageError(`--${name} is given twice`);
  given.options.set(name, value);
  const device = deviceOf(name, value);
  if (device !== null) given.devices.push(device);
  return wants !== null && equals < 0 ? 1 : 0;
}

/** @throws UsageError */
function deviceOf(name: OptionName, value: string): DeviceChoice | null {
  if (name === 'block') return { kind: 'block', path: value };
  if (name === 'tunnet') return { kind: 'net', link: tunnelOf(value) };
  if (name === 'net') return { kind: 'net', link: netOf(value) };
  return null;
}

const BRIDGE = 'bridge:';

function tunnelOf(value: string): LaunchLink {
  if (value.startsWith(BRIDGE)) {
    const bridge = value.slice(BRIDGE.length);
    if (!/^[^\s/]{1,15}$/.test(bridge)) throw new UsageError(`--tunnet must specify bridge name, not '${bridge}'`);
    return { kind: 'bridge', bridge };
  }
  const numbers = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(value)?.slice(1);
  const valid = numbers?.every((text, i) => text === undefined || Number(text) <= (i < 4 ? 255 : 32));
  if (valid !== true) throw new UsageError(`--tunnet wants an address like 192.0.2.1 or bridge:NAME, not '${value}'`);
  return { kind: 'address', address: value };
}

function netOf(value: string): LaunchLink {
  if (value === 'loopback') return { kind: 'loopback' };
  const name = /^pair:([\w.-]{1,64})$/.exec(value)?.[1];
  if (name === undefined) throw new UsageError(`--net wants pair:NAME or loopback, not '${value}'`);
  return { kind: 'pair', name };
}

function memoryOf(text: string): number {
  const memoryMb = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(memoryMb >= 1 && memoryMb <= MEMORY_MB_MAX))
    throw new UsageError(`<mem-in-mb> wants 1 to ${MEMORY_MB_MAX}, not '${text}'`);
  return memoryMb;
}

/** A guest's name, else a path. A file of a guest's name is ./NAME. */
function imageOf(text: string): ImageChoice {
  if (Object.hasOwn(GUESTS, text)) return { kind: 'module', name: text, entry: GUESTS[text]!.entry };
  if (!existsSync(text))
    throw new UsageError(`image '${text}' is no file, and no guest that comes with this program${guestHint(text)}`);
  if (/\.[cm]?tsx?$/.test(text))
    throw new UsageError(`image '${text}' is TypeScript: compile it, and launch the JavaScript (.js, .mjs, .cjs)`);
  if (/\.([cm]?js|wasm)$/.test(text)) return { kind: 'module', name: text, entry: pathToFileURL(resolve(text)).href };
  return { kind: 'x86', path: text };
}

const guestHint = (text: string): string => nearest(text, Object.keys(GUESTS)) || `: ${Object.keys(GUESTS).join(', ')}`;

export function launchHelp(): string {
  return `vringbench launch: boots a guest whose console, disks and networks this process serves

  vringbench ${USAGE}

Devices stand on the guest's bus in the order given here, the console last. What
follows the image is the guest's. The image is one of the guests below, or a path:
code for a thread of its own (.js, .mjs, .cjs, .wasm), or an x86 kernel.

Guests
${Object.entries(GUESTS)
  .map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`)
  .join('\n')}

Options
${optionLines(OPTIONS)}

A Wasm guest reaches its memory and the hypercalls, and nothing else. A guest that
is an ES module is a program of Node's: its own memory and the hypercalls are what
it is given, but nothing keeps it from importing the rest. It gets no environment
and no arguments; what it says by console.log goes to standard error. Run only
modules that you trust. A memory of a Wasm guest's own has 256 MiB at most.

Three times Ctrl-C within a second end the launcher; single ones are the guest's.

With --cpu qemu the guest is an x86 kernel in qemu-system-x86_64: its disks, its
networks and a source of entropy are served by this process over vhost-user, in the
order given here; its console is QEMU's first serial port, on this terminal. Every
Ctrl-C is then the guest's, and Ctrl-A X ends QEMU. What follows the image goes to
the kernel's command line, behind console=ttyS0 unless it names a console. A guest
that powers off has halted, one that reboots has died. It needs the package koffi.

Examples
  vringbench launch 64 hello
  vringbench launch --block=disk.img --stats 64 disk-check
  vringbench launch --net=pair:lab 64 net-echo
  printf 'devices\\nhalt\\n' | vringbench launch --verbose 64 monitor
  vringbench launch --cpu qemu --block=disk.img 256 vmlinuz root=/dev/vda panic=-1

Exit codes
  0 the guest has halted   1 it died, or could not start: the reason is told
  2 usage, or three times Ctrl-C, or Ctrl-A X   130 interrupted`;
}
