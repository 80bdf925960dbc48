/**
 * What a guest is told at the start: its boot parameters at address 0 and its command line behind them. Launcher's main
 * thread. Fields lie where boot-header.ts says.
 */
import { LauncherError } from '../errors.ts';
import {
  BOOT_CMD_LINE_PTR,
  BOOT_E820_ENTRIES,
  BOOT_E820_MAP,
  BOOT_HARDWARE_SUBARCH,
  BOOT_LOADFLAGS,
  BOOT_PARAMETERS_SIZE,
  BOOT_RAMDISK_IMAGE,
  BOOT_RAMDISK_SIZE,
  BOOT_TYPE_OF_LOADER,
  BOOT_VERSION,
  E820_ADDRESS,
  E820_SIZE,
  E820_TYPE,
} from './boot-header.ts';
import type { PlacedInitrd } from './initrd.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { Placement } from './placement.ts';

const BOOT_PARAMETERS_ADDRESS = 0;
export const COMMAND_LINE_ADDRESS = BOOT_PARAMETERS_ADDRESS + BOOT_PARAMETERS_SIZE;
/** One page, its zero byte included. */
const COMMAND_LINE_MAX = 4096;

/** The first version that has hardware_subarch. */
const PROTOCOL_VERSION = 0x207;
const E820_RAM = 1;
/** A loader without a number of its own. */
const LOADER_UNKNOWN = 0xff;
/** The guest's entry code leaves segment registers alone. */
const KEEP_SEGMENTS = 0x40;
const SUBARCH_LGUEST = 1;

export interface PlacedBootParameters {
  /** A space behind each argument. */
  readonly commandLine: string;
  /** The same in bytes, with its zero byte. */
  readonly commandLineBytes: Uint8Array;
}

/** @throws LauncherError `command-line`, `outside-memory`, `overlap` */
export function placeBootParameters(args: readonly string[], placement: Placement): PlacedBootParameters {
  const commandLine = args.map((arg) => `${arg} `).join('');
  const commandLineBytes = new TextEncoder().encode(`${commandLine}\0`);
  const { length } = commandLineBytes;
  if (length > COMMAND_LINE_MAX)
    throw new LauncherError('command-line', length, `: it has ${length} bytes, ${COMMAND_LINE_MAX} fit`);
  const end = commandLineBytes.indexOf(0);
  if (end !== length - 1) throw new LauncherError('command-line', end, `: byte ${end} of it is zero`);
  placement.claim('boot parameters', BOOT_PARAMETERS_ADDRESS, BOOT_PARAMETERS_SIZE);
  placement.claim('command line', COMMAND_LINE_ADDRESS, length);
  return { commandLine, commandLineBytes };
}

/** `initrd`: null for a guest without one. */
export function writeBootParameters(
  placed: PlacedBootParameters,
  initrd: PlacedInitrd | null,
  memory: PhysicalMemory,
): void {
  const boot = memory.view(BOOT_PARAMETERS_ADDRESS, BOOT_PARAMETERS_SIZE);
  if (initrd !== null) {
    boot.setUint32(BOOT_RAMDISK_IMAGE, initrd.address, true);
    boot.setUint32(BOOT_RAMDISK_SIZE, initrd.sizeBytes, true);
    boot.setUint8(BOOT_TYPE_OF_LOADER, LOADER_UNKNOWN);
  }
  boot.setUint8(BOOT_E820_ENTRIES, 1);
  boot.setBigUint64(BOOT_E820_MAP + E820_ADDRESS, 0n, true);
  boot.setBigUint64(BOOT_E820_MAP + E820_SIZE, BigInt(memory.ramBytes), true);
  boot.setUint32(BOOT_E820_MAP + E820_TYPE, E820_RAM, true);
  boot.setUint32(BOOT_CMD_LINE_PTR, COMMAND_LINE_ADDRESS, true);
  boot.setUint16(BOOT_VERSION, PROTOCOL_VERSION, true);
  boot.setUint32(BOOT_HARDWARE_SUBARCH, SUBARCH_LGUEST, true);
  boot.setUint8(BOOT_LOADFLAGS, boot.getUint8(BOOT_LOADFLAGS) | KEEP_SEGMENTS);
  memory.bytes(COMMAND_LINE_ADDRESS, placed.commandLineBytes.length).set(placed.commandLineBytes);
}
