/**
 * The page tables a guest starts with: virtual = physical for all its memory. Launcher's main thread.
 *
 *     | tables, 1024 entries a page, one entry a page of memory | directory, 1 page | initrd | end of memory
 *
 *     entry, 32 bits: address of a page | flags
 */
import { LGUEST_PAGE_SIZE } from '../../formats/lguest-bus.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { Placement } from './placement.ts';

const ENTRY_SIZE = 4;
const ENTRIES_PER_PAGE = LGUEST_PAGE_SIZE / ENTRY_SIZE;

/** Present, writable, user. */
const FLAGS = 7;

export interface PlacedPageTables {
  /** Address of the page directory. */
  readonly directory: number;
  /** Address of the first table; the others follow. */
  readonly tables: number;
  readonly tableCount: number;
  /** Pages of memory that are mapped. */
  readonly mappedPages: number;
}

/** Just below `initrdBytes` at the top of memory. @throws LauncherError `outside-memory`, `overlap` */
export function placePageTables(ramBytes: number, initrdBytes: number, placement: Placement): PlacedPageTables {
  const mappedPages = ramBytes / LGUEST_PAGE_SIZE;
  const tableCount = Math.ceil(mappedPages / ENTRIES_PER_PAGE);
  const directory = ramBytes - initrdBytes - LGUEST_PAGE_SIZE;
  const tables = directory - tableCount * LGUEST_PAGE_SIZE;
  placement.claim('page tables', tables, (tableCount + 1) * LGUEST_PAGE_SIZE);
  return { directory, tables, tableCount, mappedPages };
}

export function writePageTables(placed: PlacedPageTables, memory: PhysicalMemory): void {
  const { directory, tables, tableCount, mappedPages } = placed;
  writeEntries(memory, tables, mappedPages, 0);
  writeEntries(memory, directory, tableCount, tables);
}

/** `count` entries at `address` for consecutive pages from `first` on. */
function writeEntries(memory: PhysicalMemory, address: number, count: number, first: number): void {
  memory.check(address, count * ENTRY_SIZE);
  const entries = new Uint32Array(memory.shared.buffer, address, count);
  for (let i = 0; i < count; i++) entries[i] = first + i * LGUEST_PAGE_SIZE + FLAGS;
}
