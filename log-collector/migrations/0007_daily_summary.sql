-- A summary of each day beside the alerts: one row a day and target, whichever replica makes it.
-- A nullable column and a check that reads no row; the index reads the outbox once, which holds a
-- row for each alert, and keeps no decision waiting that alerts nobody.

ALTER TABLE public.outbox_messages
    ALTER COLUMN decision_id DROP NOT NULL,
    ADD COLUMN day DATE, -- UTC.
    ADD CONSTRAINT outbox_messages_of_decision_or_day
        CHECK ((decision_id IS NULL) <> (day IS NULL)) NOT VALID;
CREATE UNIQUE INDEX outbox_messages_day ON public.outbox_messages (target, day)
    WHERE day IS NOT NULL;
