/**
 * The best sound strategy of each row, as options of `run`: what a sweep of strategies on this kind of machine found
 * (`npm run matrix`). Edit here; `--best='OPTIONS'` tries another one on all rows.
 */
export const BEST: Readonly<Record<string, string>> = {
  'same:none': '--batch 16',
  'same:eventidx': '--doorbell pipe --batch 16',
  'same:indirect': '--batch 16',
  'same:indirect+eventidx': '--doorbell pipe --batch 16',
  'same:eventidx+virtio-1': '--doorbell pipe --batch 16',
  'same:eventidx+fast-vringh': '--doorbell pipe --batch 16',
  'distant:none': '--doorbell adaptive --batch 16',
  'distant:eventidx': '--doorbell adaptive --batch 16',
  'distant:indirect': '--doorbell adaptive --batch 16',
  'distant:indirect+eventidx': '--doorbell adaptive --batch 16',
  'ringtest:sleep': '--doorbell adaptive --batch 16',
  'ringtest:poll': '--doorbell spin --batch 16',
};
