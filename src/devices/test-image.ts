/** For tests: image files. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

let images = 0;

/** A new image in `folder`, zeroes all of it, and no block of it taken. */
export function imageFile(folder: string, sizeBytes = 65536): string {
  const path = join(folder, `${images++}.img`);
  writeFileSync(path, '');
  truncateSync(path, sizeBytes);
  return path;
}
