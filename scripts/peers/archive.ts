/**
 * A cpio archive in the `newc` format, which the kernel unpacks as its first file system: written here, because it is
 * a header and the bytes. Pure. The kernel takes several archives one after the other.
 */
export interface ArchiveEntry {
  /** Without a leading slash. */
  path: string;
  /** null: a folder. */
  bytes: Uint8Array | null;
  /** Permission bits; default 0755. */
  mode?: number;
}

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const TRAILER = 'TRAILER!!!';

const padding = (length: number) => Buffer.alloc(-length & 3);

function record(path: string, mode: number, bytes: Uint8Array, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, time, size, device (2), device of a node (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([head, name, padding(head.length + name.length), bytes, padding(bytes.length)]);
}

/** Folders must come before what is in them: the kernel makes none by itself. */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const records = entries.map(({ path, bytes, mode = 0o755 }, index) =>
    bytes === null
      ? record(path, S_IFDIR | mode, Buffer.alloc(0), index + 1)
      : record(path, S_IFREG | mode, bytes, index + 1),
  );
  return Buffer.concat([...records, record(TRAILER, 0, Buffer.alloc(0), 0)]);
}
