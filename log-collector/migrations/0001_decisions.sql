-- Decision records: append-only tables, their roles' rights, and the partitions they live in.
--
-- Who owns what. `migrate` creates the roles, makes the migrating login a member of
-- `governance_owner` and runs this file under SET ROLE governance_owner. So every object belongs
-- to that NOLOGIN role whether the login is a superuser or a plain database owner with
-- CREATEROLE, and the SECURITY DEFINER function below never runs with a superuser's rights.
--
-- Why every name says `public`. Whoever may create in that schema could put a function there that
-- fits a call better than the one of pg_catalog does. So neither this file nor a function in it
-- looks names up there.
--
-- What protects a row. REVOKE is the control: `app_service` may insert and read. The triggers are
-- a seat belt against the owner's own mistakes; an owner who means it can disable them.

CREATE TABLE public.ai_policies (
    version      TEXT COLLATE "C" PRIMARY KEY CHECK (version ~ '^sha256:[0-9a-f]{64}$'),
    text         BYTEA NOT NULL, -- The exact bytes; convert_from(text, 'UTF8') reads them.
    label        TEXT,
    git_revision TEXT,
    first_seen   TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE public.ai_policy_observations (
    gateway        TEXT COLLATE "C" NOT NULL,
    policy_version TEXT COLLATE "C" NOT NULL REFERENCES public.ai_policies (version),
    first_seen     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (gateway, policy_version)
);

CREATE TABLE public.ai_decisions (
    decision_id        TEXT COLLATE "C" PRIMARY KEY,
    model              TEXT NOT NULL,
    input_hash         TEXT NOT NULL,
    output_summary     TEXT,
    confidence         NUMERIC,
    policy_version     TEXT COLLATE "C" REFERENCES public.ai_policies (version),
    created_at         TIMESTAMPTZ DEFAULT now(),
    requested_model    TEXT,
    served_model       TEXT,
    provider           TEXT,
    operation          TEXT,
    stream             BOOLEAN,
    status             INT,
    outcome            TEXT NOT NULL,
    categories         TEXT[] NOT NULL,
    actions            TEXT[] NOT NULL,
    triggered          JSONB NOT NULL,
    input_bytes        BIGINT,
    input_tokens       BIGINT,
    output_tokens      BIGINT,
    usage              JSONB,
    finish_reason      TEXT,
    system_fingerprint TEXT,
    refusal            BOOLEAN,
    tool_names         TEXT[] NOT NULL,
    confidence_source  TEXT,
    caller             TEXT,
    route              TEXT,
    gateway            TEXT,
    trace_id           TEXT,
    request_id         TEXT,
    shadow_of          TEXT COLLATE "C",
    requested_at       TIMESTAMPTZ,
    latency_ms         BIGINT,
    first_byte_ms      BIGINT,
    unread             TEXT,
    hold_mode          TEXT,
    summary_salt       BYTEA,
    record             BYTEA NOT NULL, -- The exact bytes that were hashed.
    digest             TEXT COLLATE "C" NOT NULL, -- encode(sha256(record), 'hex')
    received_at        TIMESTAMPTZ NOT NULL DEFAULT now()
) PARTITION BY RANGE (decision_id);

-- Times rise with the ids, so a few pages of summary find any day.
CREATE INDEX ai_decisions_created_at ON public.ai_decisions USING BRIN (created_at);

CREATE TABLE public.ai_decision_intents (
    decision_id     TEXT COLLATE "C" PRIMARY KEY,
    model           TEXT NOT NULL,
    input_hash      TEXT NOT NULL,
    policy_version  TEXT COLLATE "C" NOT NULL REFERENCES public.ai_policies (version),
    created_at      TIMESTAMPTZ NOT NULL,
    requested_model TEXT,
    provider        TEXT,
    operation       TEXT,
    stream          BOOLEAN,
    caller          TEXT,
    gateway         TEXT,
    record          BYTEA NOT NULL,
    digest          TEXT COLLATE "C" NOT NULL,
    received_at     TIMESTAMPTZ NOT NULL DEFAULT now()
) PARTITION BY RANGE (decision_id);

-- What was done with an answer that had no commit in time.
CREATE TABLE public.ai_deliveries (
    decision_id    TEXT COLLATE "C" PRIMARY KEY,
    delivery       TEXT NOT NULL,
    policy_version TEXT COLLATE "C" NOT NULL REFERENCES public.ai_policies (version),
    created_at     TIMESTAMPTZ NOT NULL,
    record         BYTEA NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    received_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- True outcomes that came after the collector had closed their decision as `unknown`.
CREATE TABLE public.ai_late_outcomes (
    decision_id    TEXT COLLATE "C" PRIMARY KEY,
    outcome        TEXT NOT NULL,
    policy_version TEXT COLLATE "C" NOT NULL REFERENCES public.ai_policies (version),
    created_at     TIMESTAMPTZ NOT NULL,
    output_summary TEXT,
    summary_salt   BYTEA,
    record         BYTEA NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    received_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Lines that were refused, so that someone can look at them: about 10,000, and as many conflicts
-- again; the collector counts what came when there was no room. Holds starts of records only, never
-- the summaries that travel beside them, and no bytes of a line in which no record was found.
CREATE TABLE public.ai_quarantine (
    line_digest TEXT COLLATE "C" NOT NULL, -- SHA-256 of all the bytes; `bytes` is their start.
    reason      TEXT NOT NULL,
    decision_id TEXT COLLATE "C",
    kind        TEXT,
    bytes       BYTEA NOT NULL,
    bytes_total BIGINT NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (line_digest, reason)
);

-- Alerts to send. Operational: rows change and may be deleted. Holds no text of any answer;
-- the message is rendered from the decision when it is sent.
CREATE TABLE public.outbox_messages (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target          TEXT NOT NULL,
    decision_id     TEXT COLLATE "C" NOT NULL,
    state           TEXT NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts        INT NOT NULL DEFAULT 0,
    last_status     INT,
    last_error      TEXT,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT now(),
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    leased_until    TIMESTAMPTZ,
    delivered_at    TIMESTAMPTZ,
    UNIQUE (target, decision_id)
);

CREATE INDEX outbox_messages_pending ON public.outbox_messages (target, next_attempt_at)
    WHERE state = 'pending';

CREATE FUNCTION public.governance_refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- ALWAYS, so that session_replication_role = replica does not skip them. TRUNCATE triggers of a
-- partitioned table do not reach its partitions; governance_make_partitions adds them there.
DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['ai_decisions', 'ai_decision_intents', 'ai_deliveries',
            'ai_late_outcomes', 'ai_policies', 'ai_policy_observations', 'ai_quarantine'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.%I
            FOR EACH ROW EXECUTE FUNCTION public.governance_refuse_change()', name);
        EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.%I
            FOR EACH STATEMENT EXECUTE FUNCTION public.governance_refuse_change()', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_change', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_truncate', name);
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON public.%I FROM PUBLIC, app_service', name);
        EXECUTE format('GRANT SELECT, INSERT ON public.%I TO app_service', name);
        EXECUTE format('GRANT SELECT ON public.%I TO governance_reader', name);
    END LOOP;
END
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON public.outbox_messages TO app_service;
GRANT SELECT ON public.outbox_messages, public.governance_migrations TO governance_reader;
GRANT SELECT ON public.governance_migrations TO app_service;

-- Makes the partitions of this month (UTC) and the next `months_ahead`. A UUIDv7 opens with its
-- Unix milliseconds as 12 hex digits, so a month is a range of id prefixes.
CREATE FUNCTION public.governance_make_partitions(months_ahead INT DEFAULT 2) RETURNS INT
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent  TEXT;
    part    TEXT;
    month   TIMESTAMP;
    created INT := 0;
BEGIN
    -- Replicas start together; the second waits and then finds the work done.
    PERFORM pg_advisory_xact_lock(7161106206003);
    FOR step IN 0..least(greatest(months_ahead, 0), 24) LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => step);
        FOREACH parent IN ARRAY ARRAY['ai_decisions', 'ai_decision_intents'] LOOP
            part := parent || to_char(month, '_YYYY_MM');
            CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.%I
                FOR VALUES FROM (%L) TO (%L)', part, parent, public.governance_id_prefix(month),
                public.governance_id_prefix(month + interval '1 month'));
            PERFORM public.governance_guard_partition(part);
            created := created + 1;
        END LOOP;
    END LOOP;
    RETURN created;
END
$$;

CREATE FUNCTION public.governance_id_prefix(month TIMESTAMP) RETURNS TEXT
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'd-' || lpad(to_hex((extract(epoch FROM month) * 1000)::BIGINT), 12, '0')
$$;

CREATE FUNCTION public.governance_guard_partition(part TEXT) RETURNS VOID
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.%I
        FOR EACH STATEMENT EXECUTE FUNCTION public.governance_refuse_change()', part);
    EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_truncate', part);
END
$$;

REVOKE ALL ON FUNCTION public.governance_refuse_change(), public.governance_make_partitions(INT),
    public.governance_id_prefix(TIMESTAMP), public.governance_guard_partition(TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.governance_make_partitions(INT) TO app_service;

-- The defaults stay empty. A row in one of them is an id whose clock was off by months, or a
-- month nobody made a partition for; /metrics counts them.
CREATE TABLE public.ai_decisions_default PARTITION OF public.ai_decisions DEFAULT;
CREATE TABLE public.ai_decision_intents_default PARTITION OF public.ai_decision_intents DEFAULT;
SELECT public.governance_guard_partition('ai_decisions_default');
SELECT public.governance_guard_partition('ai_decision_intents_default');
SELECT public.governance_make_partitions();
GRANT SELECT ON public.ai_decisions_default, public.ai_decision_intents_default
    TO app_service, governance_reader;
