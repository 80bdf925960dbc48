import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needEvent } from './event.ts';

const cases: [string, number, number, number, boolean][] = [
  // what, event, next, previous, expected
  ['exactly the requested entry', 0, 1, 0, true],
  ['peer asked for a later entry', 5, 3, 2, false],
  ['peer asked for an earlier entry', 1, 3, 2, false],
  ['first entry of a batch', 2, 9, 2, true],
  ['last entry of a batch', 8, 9, 2, true],
  ['entry just behind a batch', 9, 9, 2, false],
  ['batch wraps past the event', 0xfffe, 2, 0xfffd, true], // a plain >= misses this one
  ['batch wraps, event behind the wrap', 1, 2, 0xfffd, true],
  ['batch wraps, event at the wrap', 0xffff, 0, 0xffff, true],
  ['batch wraps, event ahead of it', 3, 2, 0xfffd, false],
  ['batch ends at the wrap', 0xffff, 0, 0xfffe, true],
  ['nothing new', 7, 7, 7, false],
  ['nothing new, event just passed', 6, 7, 7, false],
  ['65,535 entries, event among them', 9, 6, 7, true],
  ['65,535 entries, event is the only other one', 6, 6, 7, false],
];
for (const [what, event, next, previous, expected] of cases)
  test(`needEvent: ${what}`, () => assert.equal(needEvent(event, next, previous), expected));

/** Walks the index from `previous` to `next` and looks whether it steps over the entry that `event` names. */
function slow(event: number, next: number, previous: number): boolean {
  for (let index = previous; index !== next; index = (index + 1) & 0xffff) if (index === event) return true;
  return false;
}

test('needEvent: as a walk through the entries says, around the wrap', () => {
  const near = [0xfff8, 0xfffd, 0xfffe, 0xffff, 0, 1, 2, 9, 0x7fff, 0x8000];
  for (const previous of near)
    for (let added = 0; added < 40; added++)
      for (let ahead = -45; ahead < 45; ahead++) {
        const next = (previous + added) & 0xffff;
        const event = (previous + ahead) & 0xffff;
        assert.equal(needEvent(event, next, previous), slow(event, next, previous), `${event} ${next} ${previous}`);
      }
});

test('needEvent: as a walk says, for batches up to the largest', () => {
  for (const added of [255, 256, 32767, 32768, 32769, 65534, 65535])
    for (const previous of [0, 1, 65530])
      for (const ahead of [-2, -1, 0, 1, added - 1, added, added + 1, 32768]) {
        const next = (previous + added) & 0xffff;
        const event = (previous + ahead) & 0xffff;
        assert.equal(needEvent(event, next, previous), slow(event, next, previous), `${event} ${next} ${previous}`);
      }
});
