/**
 * For tests: a guest whose thread the kernel holds, in a wait for another process, as long as its own process lives. The
 * other one says so on standard error.
 */
import { spawnSync } from 'node:child_process';

const SAYS_AND_STAYS = 'echo held >&2; while kill -0 $PPID; do sleep 0.1; done 2>/dev/null';

export default (): void => {
  spawnSync('/bin/sh', ['-c', SAYS_AND_STAYS], { stdio: ['ignore', 'ignore', 'inherit'] });
};
