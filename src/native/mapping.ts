/**
 * Files as memory: a live buffer over a piece of a memfd, shared with whoever maps it too. Each thread maps by itself.
 *
 * A view is made when it is asked for: 4 GiB of one have the engine collect all garbage, while a mapping is one call.
 *
 * Touching memory that is unmapped ends the process, and views outlive whoever made them. So `close` only puts zeroes
 * over the file's memory, and the range is given back when no view of it is left; at once if there was none. A file that its owner shortens later
 * still ends the process of whoever touches what is gone: nothing here can prevent that.
 */
import { fstatSync } from 'node:fs';
import { sizeOfFile } from './descriptors.ts';
import { systemError } from './errors.ts';
import { lazyCalls, libc } from './libc.ts';

interface Calls {
  mmap(address: number, sizeBytes: number, protection: number, flags: number, file: number, offset: number): number;
  munmap(address: number, sizeBytes: number): number;
  sysconf(name: number): number;
}

// Addresses are passed as numbers: they are exact, and no bigint is made.
const calls = lazyCalls<Calls>({
  mmap: 'int64_t mmap(int64_t address, uint64_t size, int protection, int flags, int file, int64_t offset)',
  munmap: 'int munmap(int64_t address, uint64_t size)',
  sysconf: 'long sysconf(int name)',
});

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = -1;
const SC_PAGESIZE = 30;

/** A larger view aborts the process. More is mapped in pieces. */
export const MAPPING_MAX = 2 ** 32;
/** Of a piece's start in its file, so that words in it can be accessed as such. */
export const MAPPING_ALIGNMENT = 8;

/** What was asked for is not in the file, or cannot be mapped as one piece. */
export class MappingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MappingError';
  }
}

export interface MappingOptions {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface Mapping {
  /** The piece and no byte more; the same each time. @throws TypeError if it is first asked for after `close` */
  readonly buffer: ArrayBuffer;
  /** Where the buffer's first byte is in this process. True as long as the mapping is open or the buffer is held. */
  readonly address: number;
  /** Lets go of the file: what still looks at the buffer sees zeroes from now on. Twice is once. */
  close(): void;
}

/** Whole pages of address space. */
interface Pages {
  readonly address: number;
  readonly sizeBytes: number;
}

const unused = new FinalizationRegistry<Pages>(({ address, sizeBytes }) => calls().munmap(address, sizeBytes));

class FileMapping implements Mapping {
  readonly address: number;
  private readonly pages: Pages;
  private readonly sizeBytes: number;
  private view: ArrayBuffer | null = null;
  private closed = false;

  constructor(pages: Pages, address: number, sizeBytes: number) {
    this.pages = pages;
    this.address = address;
    this.sizeBytes = sizeBytes;
    unused.register(this, pages, this);
  }

  get buffer(): ArrayBuffer {
    if (this.view !== null) return this.view;
    if (this.closed) throw new TypeError('a mapping that is closed, and had no view before');
    this.view = libc().view(this.address, this.sizeBytes);
    // The range is the view's from here on: it may outlive this.
    unused.unregister(this);
    unused.register(this.view, this.pages);
    return this.view;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.view === null) {
      unused.unregister(this);
      calls().munmap(this.pages.address, this.pages.sizeBytes);
      return;
    }
    const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
    map(this.pages.address, this.pages.sizeBytes, flags, -1, 0);
  }
}

function map(address: number, sizeBytes: number, flags: number, file: number, offsetBytes: number): number {
  const mapped = calls().mmap(address, sizeBytes, PROT_READ | PROT_WRITE, flags, file, offsetBytes);
  if (mapped === MAP_FAILED) throw systemError('mmap', libc().errno(), `${sizeBytes} bytes at ${offsetBytes}`);
  return mapped;
}

/** Maps a piece for reading and writing. @throws MappingError, SystemError */
export function mapFile(file: number, { offsetBytes, sizeBytes }: MappingOptions): Mapping {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0 || sizeBytes > MAPPING_MAX)
    throw new MappingError(`a mapping of ${sizeBytes} bytes: 1 to ${MAPPING_MAX} are possible`);
  if (!Number.isSafeInteger(offsetBytes) || offsetBytes < 0 || offsetBytes % MAPPING_ALIGNMENT !== 0)
    throw new MappingError(`a mapping at offset ${offsetBytes}: not a multiple of ${MAPPING_ALIGNMENT}`);
  const fileSizeBytes = sizeOfFile(file);
  // What is mapped beyond a file's end kills whoever touches it.
  if (offsetBytes + sizeBytes > fileSizeBytes)
    throw new MappingError(`a mapping of ${sizeBytes} bytes at offset ${offsetBytes} of a file of ${fileSizeBytes}`);
  const page = pageSizeOf(file);
  const lead = offsetBytes % page;
  const pagesSizeBytes = Math.ceil((lead + sizeBytes) / page) * page;
  const address = map(0, pagesSizeBytes, MAP_SHARED, file, offsetBytes - lead);
  return new FileMapping({ address, sizeBytes: pagesSizeBytes }, address + lead, sizeBytes);
}

/** A file of huge pages is mapped in these: they are its block size. */
function pageSizeOf(file: number): number {
  const page = calls().sysconf(SC_PAGESIZE);
  const block = fstatSync(file).blksize;
  return block > page && block % page === 0 ? block : page;
}
