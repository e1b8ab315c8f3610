-- Which message tells of which decision, and how each target stands.
--
-- Operational, as the outbox is. A message may tell of thousands of decisions; all rows of one
-- message bear its id and go through its states together.

ALTER TABLE public.outbox_messages
    ADD COLUMN alert_key  TEXT COLLATE "C", -- Digest of the policies that asked and the model.
    ADD COLUMN message_id TEXT COLLATE "C"; -- Given when it is first sent; the same ever after.

-- Nothing has a message yet, so both are empty at first.
CREATE INDEX outbox_messages_message ON public.outbox_messages (message_id)
    WHERE message_id IS NOT NULL;
CREATE INDEX outbox_messages_repeat ON public.outbox_messages (target, next_attempt_at)
    WHERE state = 'pending' AND message_id IS NOT NULL;

-- One row for each target there ever was. Whoever makes a message holds it, so that replicas keep
-- one pace together.
CREATE TABLE public.notify_targets (
    target      TEXT PRIMARY KEY,
    state       TEXT NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    free_at     TIMESTAMPTZ NOT NULL DEFAULT now(), -- No message is sent before.
    last_status INT,
    last_error  TEXT,
    changed_at  TIMESTAMPTZ NOT NULL DEFAULT now() -- When `state` changed last.
);

-- Keys that were told of lately: what else comes of them waits until then.
CREATE TABLE public.notify_windows (
    target     TEXT NOT NULL,
    alert_key  TEXT COLLATE "C" NOT NULL,
    open_until TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (target, alert_key)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON public.notify_targets, public.notify_windows TO app_service;
GRANT SELECT ON public.notify_targets, public.notify_windows TO governance_reader;
