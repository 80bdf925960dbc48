/** A request that is refused changes nothing: every reason, and all that a session knows before and after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendState } from './backend-state.ts';
import { pictureOf } from './session-picture.ts';
import { REFUSALS, type Refusal, UNSERVED } from './test-refusals.ts';
import { FakeDevice, type Played, play, type Step } from './test-session.ts';
import { features, memTable, PROTOCOL, region, stop, VERSION_1 } from './test-steps.ts';

const notes = ({ device }: Played) => device.runners.map((runner) => runner.notes.join(' '));
const deviceOf = ([, , , , device = () => new FakeDevice()]: Refusal) => device();

/** All that a request could have changed, the device with it. */
const everything = (state: BackendState) => ({
  ...pictureOf(state),
  backend: state.backend,
  acknowledged: (state.device as FakeDevice).acknowledged,
});

type Everything = ReturnType<typeof everything>;

/** Plays a refusal by a frontend that asks, and takes note of everything before and after it. */
async function refuse(refusal: Refusal, then: readonly Step[] = []) {
  const [, before, step] = refusal;
  let state: BackendState | null = null;
  const seen: Everything[] = [];
  const look: Step = { run: () => seen.push(everything(state!)) };
  const played = await play([...before(), look, { ...step(), needsReply: true } as Step, look, ...then], {
    device: deviceOf(refusal),
    inspect: (inspected) => {
      state = inspected;
    },
  });
  return { played, seenBefore: seen[0]!, seenAfter: seen[1]! };
}

for (const refusal of REFUSALS) {
  const [what, before, step, code] = refusal;
  test(`backend session: refused, and nothing is changed: ${what}`, async () => {
    const { played, seenBefore, seenAfter } = await refuse(refusal, [{ request: 'GET_QUEUE_NUM' }]);
    assert.equal(played.ended, null);
    const answer = played.sent.at(-2)!;
    assert.deepEqual([answer.payload.length, answer.payload[0]], [8, 1]);
    assert.deepEqual(
      played.events.map((event) => event.kind === 'refused' && (event.error as { code?: string }).code),
      [code],
    );
    assert.deepEqual(seenAfter, seenBefore);
    // The queue that ran runs on, as it was.
    const undisturbed = await play(before(), { device: deviceOf(refusal) });
    assert.deepEqual(notes(played), notes(undisturbed));

    const ended = await play([...before(), step(), { request: 'GET_QUEUE_NUM' }], { device: deviceOf(refusal) });
    assert.equal(ended.ended, code);
    assert.equal(ended.sent.length, undisturbed.sent.length);
  });

  // What a request would have changed later: the ring is then put into service, or it is not.
  test(`backend session: refused, and nothing is changed later: ${what}`, async () => {
    const later = (): Step[] => [features(VERSION_1 | PROTOCOL), memTable(region()), stop(), stop(1)];
    const { played } = await refuse(refusal, later());
    const undisturbed = await play([...before(), ...later()], { device: deviceOf(refusal) });
    assert.equal(played.ended, undisturbed.ended);
    assert.deepEqual(notes(played), notes(undisturbed));
    assert.deepEqual(
      played.sent.slice(-2).map(({ payload }) => payload),
      undisturbed.sent.slice(-2).map(({ payload }) => payload),
    );
  });
}

/** Of a queue that could not be put into service it is known that it is broken; nothing else is changed. */
for (const refusal of UNSERVED)
  test(`backend session: a queue that cannot be served is broken, and nothing else is changed: ${refusal[0]}`, async () => {
    const { played, seenBefore, seenAfter } = await refuse(refusal);
    assert.equal(played.ended, null);
    assert.deepEqual(
      played.events.map(({ kind, ...event }) => [kind, 'error' in event && (event.error as { code?: string }).code]),
      [
        ['queue-broken', undefined],
        ['refused', 'queue-failed'],
      ],
    );
    const [ring] = seenAfter.rings;
    assert.deepEqual([ring!.broken, ring!.running], [true, false]);
    const { position, running, broken } = seenBefore.rings[0]!;
    // A ring that ran was paused: where it stands is known anew.
    const pausedAt = running ? { position: ring!.position } : { position };
    assert.deepEqual({ ...ring!, running, broken }, { ...seenBefore.rings[0]!, ...pausedAt });
    const rest = ({ rings, status, ...others }: Everything) => ({ others, ring: rings[1] });
    assert.deepEqual(rest(seenAfter), rest(seenBefore));
  });
