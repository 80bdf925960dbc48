/** Work that a peer may ask for without end, as at most one run under way and one to come. Any thread. */

/**
 * A function that starts `act`. Calls that come while it runs are one more run after it: how many they are takes no
 * memory. `act` never rejects.
 */
export function coalesced(act: () => Promise<void>): () => void {
  let running = false;
  let again = false;
  const run = async () => {
    running = true;
    do {
      again = false;
      await act();
    } while (again);
    running = false;
  };
  return () => {
    if (running) again = true;
    else void run();
  };
}
