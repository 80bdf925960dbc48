/** Descriptors of strangers: closed without waiting, whatever they are, and taken as memory only where none can wait. */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { duplicateDescriptor } from './descriptors.ts';
import { whyUnavailable } from './libc.ts';
import { lingeringSocket } from './odd-blocking.ts';
import { ODD_DESCRIPTOR_KINDS, ODD_DESCRIPTORS } from './odd-descriptors.ts';
import { closeStranger, demandLocalFile } from './strangers.ts';
import { leavingNoneOpen, noneLeftOpen, openDescriptors } from './test-leaks.ts';

const skip = whyUnavailable() ?? false;
const timeout = 60_000;

for (const kind of ODD_DESCRIPTOR_KINDS)
  test(`native strangers: ${kind} is closed`, { skip, timeout }, () =>
    leavingNoneOpen(async () => {
      const { descriptor, close } = ODD_DESCRIPTORS[kind]();
      const before = openDescriptors();
      closeStranger(duplicateDescriptor(descriptor));
      await noneLeftOpen(before);
      close();
    }),
  );

test(
  'native strangers: more sockets that linger than there are threads to close them hold nothing up',
  {
    skip,
    timeout,
  },
  () =>
    leavingNoneOpen(() => {
      const sockets = Array.from({ length: 20 }, lingeringSocket);
      for (const { giveAway } of sockets) giveAway();
      for (const { close } of sockets) close();
    }),
);

test('native strangers: memory and local files are taken, the files of /proc are not', { skip }, () => {
  for (const kind of ['a memfd', 'a file', 'a pipe to be read'] as const) {
    const { descriptor, close } = ODD_DESCRIPTORS[kind]();
    demandLocalFile(descriptor);
    close();
  }
  const status = openSync('/proc/self/status', 'r');
  assert.throws(() => demandLocalFile(status), { code: 'EINVAL', message: /of kind proc/ });
  closeSync(status);
});
