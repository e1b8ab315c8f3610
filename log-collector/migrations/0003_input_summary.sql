-- The redacted start of the last user message, where a policy keeps it for reviewers. Like
-- output_summary it stands beside the record, which holds only its digest.
-- Columns without a default: no row is rewritten, and the lock is held for an instant.

ALTER TABLE public.ai_decisions ADD COLUMN input_summary TEXT;
ALTER TABLE public.ai_late_outcomes ADD COLUMN input_summary TEXT;
