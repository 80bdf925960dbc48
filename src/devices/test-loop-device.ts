/** For tests: a file as a block device of the system. Needs root, and the program losetup. */
import { spawnSync } from 'node:child_process';
import { imageFile } from './test-image.ts';

export interface LoopDevice {
  /** Of the device. */
  readonly path: string;
  /** Of the image in it. */
  readonly file: string;
  close(): void;
}

/** A string: why there can be none. */
export function openLoopDevice(folder: string, sizeBytes: number): LoopDevice | string {
  if (process.getuid?.() !== 0) return 'needs root';
  const file = imageFile(folder, sizeBytes);
  const made = spawnSync('losetup', ['--find', '--show', file], { encoding: 'utf8' });
  if (made.error !== undefined) return 'needs losetup';
  if (made.status !== 0) return `no loop device can be had: ${made.stderr.trim()}`;
  const path = made.stdout.trim();
  return { path, file, close: () => void spawnSync('losetup', ['--detach', path]) };
}
