-- How often a tick's result was recorded. A write that lasted too long may still go through; the tick that did not wait for it has read the row of before.
ALTER TABLE operations ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
