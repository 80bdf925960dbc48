/** How a failed call of libc becomes an Error: as Node's own, with its code, its number and the call's name. */
import { getSystemErrorMap } from 'node:util';

export interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
}

/** `errno` as libc left it: above 0. The error's own `errno` is below 0, as in Node. `detail` is what it was about. */
export function systemError(call: string, errno: number, detail?: string): SystemError {
  const [code, what] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, 'unknown error'];
  const message = `${code}: ${what}, ${call}${detail === undefined ? '' : ` (${detail})`}`;
  return Object.assign(new Error(message), { code, errno: -errno, syscall: call });
}
