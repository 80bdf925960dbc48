/**
 * All that a request can change of a session, as plain data: to be compared before and after a request that was refused,
 * by tests and by the fuzzer. Handles and regions are told apart by identity.
 */
import type { BackendSession } from './backend-session.ts';
import type { BackendState } from './backend-state.ts';

/** What a session keeps to itself. */
export const stateOf = (session: BackendSession): BackendState => Reflect.get(session, 'state') as BackendState;

/** Copied, so that a later change does not show. */
export function pictureOf({ rings, protocolFeatures, postcopy, listening, isOwned, status, device }: BackendState) {
  const { memory, ...context } = rings.context;
  return {
    ...{ protocolFeatures, listening, isOwned, status, postcopy },
    ...context,
    regions: [...memory.regions],
    rings: rings.rings.map((ring) => ({ ...ring, position: { ...ring.position } })),
    config: [...device.config],
  };
}

export type SessionPicture = ReturnType<typeof pictureOf>;
