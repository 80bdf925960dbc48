/** Whether somebody listens at a Unix socket, seen without connecting: a backend serves one frontend, and counts it. */
import { readFileSync } from 'node:fs';

/** __SO_ACCEPTCON, in the column Flags of /proc/net/unix. */
const LISTENING = 0x10000;

/** Pure: reads the text of /proc/net/unix. */
export function listeningIn(table: string, path: string): boolean {
  return table.split('\n').some((line) => {
    const [, , , flags, , , , ...rest] = line.split(' ').filter((word) => word !== '');
    return flags !== undefined && (Number.parseInt(flags, 16) & LISTENING) !== 0 && rest.join(' ') === path;
  });
}

export const isListening = (path: string): boolean => listeningIn(readFileSync('/proc/net/unix', 'utf8'), path);
