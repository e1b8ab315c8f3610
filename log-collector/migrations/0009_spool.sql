-- When a row's line was acked from a collector's own disk, before it came here; NULL where it was
-- acked by its commit in Postgres. Not part of the record: it says which promise the ack gave.
-- Columns without a default: no row is rewritten, and the lock is held for an instant.

ALTER TABLE public.ai_decision_intents ADD COLUMN spooled_at TIMESTAMPTZ;
ALTER TABLE public.ai_decisions ADD COLUMN spooled_at TIMESTAMPTZ;
ALTER TABLE public.ai_late_outcomes ADD COLUMN spooled_at TIMESTAMPTZ;
ALTER TABLE public.ai_deliveries ADD COLUMN spooled_at TIMESTAMPTZ;

-- On these two the service reads by column, so that it cannot read salts.
GRANT SELECT (spooled_at) ON public.ai_decisions, public.ai_late_outcomes TO app_service;
