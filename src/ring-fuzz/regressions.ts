/**
 * Cases that show what the fuzzer is for, and those that failed once: `npm test` plays each. What `npm run fuzz -- --target
 * rings` prints for a failure is a line of this table.
 */
import type { RingCase } from './ring-case.ts';

export const REGRESSIONS: readonly { readonly what: string; readonly one: RingCase }[] = [
  {
    what: 'a descriptor that changes before access 3 of the call that reads it',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        { act: 'descriptor', index: 0, address: '0x200000000', length: 8, flags: 1, next: 1 },
        { act: 'descriptor', index: 1, address: '0x200000008', length: 8, flags: 2, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        {
          call: 'next',
          during: [
            {
              at: 3,
              act: {
                act: 'descriptor',
                index: 0,
                address: '0xfffffffffffffff0',
                length: 4294967295,
                flags: 7,
                next: 65535,
              },
            },
          ],
        },
        { call: 'serve', pick: 0, bytes: 8 },
        { call: 'complete', pick: 0, length: 8 },
        { call: 'needsCall' },
      ],
    },
  },
  {
    what: 'a descriptor that changes before access 4 of the call that reads it',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        { act: 'descriptor', index: 0, address: '0x200000000', length: 8, flags: 1, next: 1 },
        { act: 'descriptor', index: 1, address: '0x200000008', length: 8, flags: 2, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        {
          call: 'next',
          during: [
            {
              at: 4,
              act: {
                act: 'descriptor',
                index: 0,
                address: '0xfffffffffffffff0',
                length: 4294967295,
                flags: 7,
                next: 65535,
              },
            },
          ],
        },
        { call: 'serve', pick: 0, bytes: 8 },
        { call: 'complete', pick: 0, length: 8 },
        { call: 'needsCall' },
      ],
    },
  },
  {
    what: 'a descriptor that changes before access 5 of the call that reads it',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        { act: 'descriptor', index: 0, address: '0x200000000', length: 8, flags: 1, next: 1 },
        { act: 'descriptor', index: 1, address: '0x200000008', length: 8, flags: 2, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        {
          call: 'next',
          during: [
            {
              at: 5,
              act: {
                act: 'descriptor',
                index: 0,
                address: '0xfffffffffffffff0',
                length: 4294967295,
                flags: 7,
                next: 65535,
              },
            },
          ],
        },
        { call: 'serve', pick: 0, bytes: 8 },
        { call: 'complete', pick: 0, length: 8 },
        { call: 'needsCall' },
      ],
    },
  },
  {
    what: 'a descriptor that changes before access 6 of the call that reads it',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        { act: 'descriptor', index: 0, address: '0x200000000', length: 8, flags: 1, next: 1 },
        { act: 'descriptor', index: 1, address: '0x200000008', length: 8, flags: 2, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        {
          call: 'next',
          during: [
            {
              at: 6,
              act: {
                act: 'descriptor',
                index: 0,
                address: '0xfffffffffffffff0',
                length: 4294967295,
                flags: 7,
                next: 65535,
              },
            },
          ],
        },
        { call: 'serve', pick: 0, bytes: 8 },
        { call: 'complete', pick: 0, length: 8 },
        { call: 'needsCall' },
      ],
    },
  },
  {
    what: 'a loop that is there while its table is walked',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        {
          act: 'table',
          offset: 2048,
          entries: [
            { address: '0x200000000', length: 1, flags: 1, next: 1 },
            { address: '0x200000001', length: 1, flags: 0, next: 0 },
          ],
        },
        { act: 'descriptor', index: 0, address: '0x1ffffe800', length: 32, flags: 4, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        {
          call: 'next',
          during: [
            {
              at: 4,
              act: { act: 'table', offset: 2064, entries: [{ address: '0x200000001', length: 1, flags: 1, next: 0 }] },
            },
          ],
        },
        { call: 'complete', pick: 0, length: 0 },
      ],
    },
  },
  {
    what: 'a table copied byte by byte that changes in the middle',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'slow',
      steps: [
        {
          act: 'table',
          offset: 2049,
          entries: [
            { address: '0x200000000', length: 4, flags: 1, next: 1 },
            { address: '0x200000004', length: 4, flags: 2, next: 0 },
          ],
        },
        { act: 'descriptor', index: 0, address: '0x1ffffe801', length: 32, flags: 4, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        {
          call: 'next',
          during: [
            {
              at: 30,
              act: {
                act: 'table',
                offset: 2049,
                entries: [
                  { address: '0x200000000', length: 0, flags: 4, next: 9 },
                  { address: '0x0', length: 9, flags: 4, next: 9 },
                ],
              },
            },
          ],
        },
        { call: 'complete', pick: 0, length: 4 },
      ],
    },
  },
  {
    what: 'the same head twice, and the ring that lay over an element',
    one: {
      half: 'host',
      face: 'vringh',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        { act: 'descriptor', index: 4, address: '0x1ffffe000', length: 64, flags: 2, next: 0 },
        { act: 'head', head: 4 },
        { act: 'show' },
        { call: 'next' },
        { call: 'serve', pick: 0, bytes: 64 },
        { act: 'head', head: 4 },
        { act: 'show' },
        { call: 'next' },
        { call: 'next' },
      ],
    },
  },
  {
    what: 'an element across a border of 4 GiB and of two regions that touch',
    one: {
      half: 'host',
      face: 'vhost-user',
      size: 8,
      startIndex: 65535,
      takenOver: false,
      indirect: true,
      eventIdx: true,
      apart: false,
      range: 'whole',
      steps: [
        { act: 'descriptor', index: 0, address: '0x1fffffffe', length: 4, flags: 1, next: 1 },
        { act: 'descriptor', index: 1, address: '0x200001ffc', length: 8, flags: 2, next: 0 },
        { act: 'head', head: 0 },
        { act: 'show' },
        { call: 'getAvailBytes', inMax: 9, outMax: 9 },
        { call: 'next' },
        { call: 'serve', pick: 0, bytes: 9 },
        { call: 'complete', pick: 0, length: 8 },
      ],
    },
  },
  {
    what: 'a used length larger than the request, descriptors scribbled over',
    one: {
      half: 'guest',
      size: 4,
      startIndex: 65534,
      indirect: true,
      eventIdx: true,
      apart: true,
      tables: 1,
      tableLength: 4,
      steps: [
        {
          call: 'add',
          out: [{ region: 0, offset: 8192, length: 8 }],
          in: [
            { region: 1, offset: 0, length: 16 },
            { region: 2, offset: 8, length: 16 },
          ],
        },
        { call: 'add', out: [{ region: 0, offset: 8192, length: 8 }], in: [{ region: 1, offset: 0, length: 16 }] },
        { call: 'kick' },
        {
          act: 'scribble',
          at: 0,
          words: [
            4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295,
            4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295, 4294967295,
          ],
        },
        { act: 'finish', pick: 1, length: 4294967295 },
        { act: 'finish', pick: 0, length: 33 },
        { call: 'getBuf' },
        { call: 'getBuf' },
        { call: 'getBuf' },
        { call: 'enableCalls' },
      ],
    },
  },
  {
    what: 'a used element that changes while it is taken, and an index that then jumps',
    one: {
      half: 'guest',
      size: 4,
      startIndex: 65534,
      indirect: true,
      eventIdx: true,
      apart: true,
      tables: 1,
      tableLength: 4,
      steps: [
        { call: 'add', out: [{ region: 0, offset: 8192, length: 8 }], in: [] },
        { call: 'add', out: [{ region: 0, offset: 8200, length: 8 }], in: [] },
        { act: 'finish', pick: 0, length: 0 },
        {
          call: 'getBuf',
          during: [
            { at: 1, act: { act: 'index', by: 32768 } },
            { at: 2, act: { act: 'scribble', at: 0, words: [7] } },
          ],
        },
        { call: 'getBuf' },
        { call: 'add', out: [{ region: 0, offset: 8192, length: 8 }], in: [] },
        { call: 'detachUnused' },
        { call: 'detachUnused' },
      ],
    },
  },
];
