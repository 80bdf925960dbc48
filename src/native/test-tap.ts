/** For tests: whether taps can be made. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { whyUnavailable } from './libc.ts';

/** Why no tap can be made here, in a network of the test's own. */
export function whyNoTap(): string | false {
  const unavailable = whyUnavailable();
  if (unavailable !== null) return unavailable;
  try {
    closeSync(openSync('/dev/net/tun', 'r+'));
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs /dev/net/tun, and the right to make a network namespace';
  }
}
