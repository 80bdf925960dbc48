/**
 * The ways out of this process: its exit for whatever reason, and the signals that end one. SIGKILL nobody sees. Main
 * thread: signals and exits are only seen there.
 */

/** What ends a process that does not listen. */
const ENDING = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const;

/**
 * Calls `leaving` on every way out, at once: what it does must be done when it returns. `stays`: somebody else listens
 * to the signal, and decides whether the process ends; if nobody does, it ends as if we had not listened. Returns what
 * ends the watch.
 */
export function watchWayOut(leaving: (stays: boolean) => void): () => void {
  const exit = () => leaving(false);
  const end = (signal: NodeJS.Signals) => {
    const stays = process.listenerCount(signal) > 1;
    leaving(stays);
    if (stays) return;
    unwatch();
    process.kill(process.pid, signal);
  };
  const unwatch = () => {
    process.off('exit', exit);
    for (const signal of ENDING) process.off(signal, end);
  };
  process.on('exit', exit);
  // In front: a listener for one signal only has left by the time that those behind it are called.
  for (const signal of ENDING) process.prependListener(signal, end);
  return unwatch;
}
