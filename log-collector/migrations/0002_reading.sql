-- What was read of a request beside its text: media, attempts, and the promise of the model's name.
-- Columns without a default: no row is rewritten, and the lock is held for an instant.

ALTER TABLE public.ai_decisions
    ADD COLUMN media_parts  BIGINT,
    ADD COLUMN attempts     BIGINT,
    ADD COLUMN pinning      TEXT,
    ADD COLUMN pinning_rule TEXT;
