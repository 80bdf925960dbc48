/**
 * The best sound strategy of each row, as options of `run`: what a sweep of strategies on this kind of machine found
 * (`npm run matrix`). Edit here; `--best='OPTIONS'` tries another one on all rows.
 */
export const BEST: Readonly<Record<string, string>> = {
  'same:none': '--batch 64 --complete-batch 64',
  'same:eventidx': '--batch 64 --complete-batch 64',
  'same:indirect': '--batch 64 --complete-batch 64',
  'same:indirect+eventidx': '--batch 64 --complete-batch 64',
  'same:eventidx+virtio-1': '--batch 64 --complete-batch 64',
  'same:eventidx+fast-vringh': '--batch 64',
  'same:fast-vringh': '--batch 64',
  'distant:none': '--batch 16 --complete-batch 16',
  'distant:eventidx': '--batch 16 --complete-batch 16',
  'distant:indirect': '--batch 16 --complete-batch 16',
  'distant:indirect+eventidx': '--batch 16 --complete-batch 16',
  'ringtest:sleep': '--batch 16 --complete-batch 16',
  'ringtest:poll': '--doorbell spin --batch 16 --complete-batch 16',
};
