/** What a row came to. */
import type { PeerRecord } from '../../bench/records/peer-record.ts';
import type { Row } from './rows.ts';

/** A row, as it was measured. */
export interface Measured {
  row: Row;
  record: PeerRecord;
}
