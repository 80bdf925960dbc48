/** A disk that says what is read and written, in the original's words, for `--verbose`. A device's own thread. */
import { type Disk, SECTOR_SIZE } from '../devices/disk.ts';
import { PIECE_BYTES_MAX } from '../devices/turn.ts';
import type { ElementList } from '../host/element-list.ts';

export class ToldDisk implements Disk {
  private readonly disk: Disk;
  private readonly tell: (line: string) => void;

  /** Closed with it. */
  constructor(disk: Disk, tell: (line: string) => void) {
    this.disk = disk;
    this.tell = tell;
  }

  get sizeBytes(): number {
    return this.disk.sizeBytes;
  }

  get readOnly(): boolean {
    return this.disk.readOnly;
  }

  get pieceBytesMax(): number {
    return this.disk.pieceBytesMax ?? PIECE_BYTES_MAX;
  }

  read(into: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    return this.told('READ from', offsetBytes, lengthBytes, this.disk.read(into, offsetBytes, lengthBytes));
  }

  write(from: ElementList, offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    return this.told('WRITE to', offsetBytes, lengthBytes, this.disk.write(from, offsetBytes, lengthBytes));
  }

  writeZeroes(offsetBytes: number, lengthBytes: number): undefined | Promise<void> {
    return this.told('ZEROES to', offsetBytes, lengthBytes, this.disk.writeZeroes(offsetBytes, lengthBytes));
  }

  flush(): undefined | Promise<void> {
    return this.disk.flush();
  }

  close(): void {
    this.disk.close();
  }

  /** Says how many bytes it became; -1: it failed. */
  private told(
    what: string,
    offsetBytes: number,
    lengthBytes: number,
    moved: undefined | Promise<void>,
  ): undefined | Promise<void> {
    const say = (bytes: number) => this.tell(`${what} sector ${offsetBytes / SECTOR_SIZE}: ${bytes}`);
    if (moved === undefined) say(lengthBytes);
    else
      moved.then(
        () => say(lengthBytes),
        () => say(-1),
      );
    return moved;
  }
}
