import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Failure } from '../peers/failure.ts';
import { applyEdit, type Edit, GUEST_CPU, HOST_CPU, MENDED, TWO_CPUS, transfersEdit } from './edits.ts';

const pin = (cpu: string) => `CPU_SET(${cpu}, &set);`;
const from = (variable: string) => pin(`strtoul(getenv("${variable}"), 0, 10)`);
const fits: [what: string, edit: Edit, before: string, after: string][] = [
  [
    'both halves are told their CPUs, the host first, and nothing else',
    TWO_CPUS,
    [pin('i'), pin('first_cpu'), 'x', pin('first_cpu'), pin('last_cpu')].join('\n'),
    [pin('i'), from(HOST_CPU), 'x', from(GUEST_CPU), pin('last_cpu')].join('\n'),
  ],
  ['the number', transfersEdit(5), 'a NUM_XFERS (123)\nx < NUM_XFERS;', 'a NUM_XFERS (5)\nx < NUM_XFERS;'],
  [
    'both lists are freed on the way to the label, not by a jump to it',
    MENDED,
    'goto complete;\n\tcomplete:\n\txfers++; x = vringh_complete_user(); errx("vringh_complete_user: %i");',
    'goto complete;\n\tvringh_iov_cleanup(&riov); vringh_iov_cleanup(&wiov); complete:\n\txfers++; x = vringh_complete_user(); errx("vringh_complete_user: %i");',
  ],
];
for (const [what, edit, before, after] of fits)
  test(`edit: ${what}`, () => assert.equal(applyEdit(before, edit), after));

const unfit: [what: string, edit: Edit, text: string, message: RegExp][] = [
  ['one half', TWO_CPUS, pin('first_cpu'), /vringh_test\.c: the change 'two-cpus' .* is found 1 times, not 2/],
  ['a third', TWO_CPUS, pin('first_cpu').repeat(3), /found 3 times, not 2/],
  ['edited already', TWO_CPUS, from(HOST_CPU) + from(GUEST_CPU), /found 0 times/],
  ['no label', MENDED, 'vringh_complete_user: %i', /'mended' .* found 0 times, not 1/],
  ['another spelling', transfersEdit(5), 'NUM_XFERS 123', /'transfers=5' .* found 0 times, not 1/],
];
for (const [what, edit, text, message] of unfit)
  test(`edit: it does not fit: ${what}`, () =>
    assert.throws(
      () => applyEdit(text, edit),
      (error) => error instanceof Failure && message.test(error.message),
    ));
