/**
 * The best sound strategy of each row where one is ahead of the default, as options of `run`: what a sweep of strategies
 * on this kind of machine found (`npm run matrix`). Edit here; `--best='OPTIONS'` tries another one on all rows.
 */
export const BEST: Readonly<Record<string, string>> = {
  'distant:indirect': '--batch 64 --complete-batch 64',
  'distant:indirect+eventidx': '--batch 64 --complete-batch 64',
  'ringtest:sleep': '--batch 64 --complete-batch 64',
  'ringtest:poll': '--doorbell poll --batch 64 --complete-batch 64',
};
