-- The ledger: an RFC 6962 Merkle tree over the exact bytes of every record.
--
-- Every insert into a table of records leaves a row in ai_ledger_pending in the same statement,
-- whichever program inserts. A sequencer, one at a time under the lock of ai_ledger_head, moves
-- pending rows to ai_ledger_leaves and so gives every leaf its index: after the commit of its
-- record, never before. It signs the head of the tree every few seconds.
--
-- What protects it. Nothing here does: whoever owns the database can rewrite all of it. The proof
-- is a signed checkpoint that has left the database, and the key, which was never in it.
--
-- Locks: triggers take theirs for an instant. No row is read or rewritten here.

-- What is committed and has no index yet. Operational: the sequencer empties it.
CREATE TABLE public.ai_ledger_pending (
    pending_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    refs       TEXT[] COLLATE "C" NOT NULL, -- Whose records: decision ids, or as `kind` says.
    hashes     BYTEA NOT NULL, -- 32 bytes each, in the order of refs: sha256('\x00' || record).
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    CHECK (octet_length(hashes) = 32 * cardinality(refs) AND cardinality(refs) > 0)
);

-- A run of leaves that were inserted by one statement: [first_index, first_index + n).
CREATE TABLE public.ai_ledger_leaves (
    first_index BIGINT PRIMARY KEY,
    kind        TEXT COLLATE "C" NOT NULL,
    refs        TEXT[] COLLATE "C" NOT NULL,
    hashes      BYTEA NOT NULL,
    ref_min     TEXT COLLATE "C" NOT NULL,
    ref_max     TEXT COLLATE "C" NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL, -- When its records were inserted.
    CHECK (octet_length(hashes) = 32 * cardinality(refs) AND cardinality(refs) > 0)
);

-- Ids rise with time, and so do runs: a few pages of summary find the run of any id.
CREATE INDEX ai_ledger_leaves_refs ON public.ai_ledger_leaves
    USING BRIN (ref_min, ref_max) WITH (pages_per_range = 16);

-- Complete subtrees of 256 leaves and more, so that a proof reads a few rows. A node at `level`
-- covers the leaves [node_index << level, (node_index + 1) << level).
CREATE TABLE public.ai_ledger_nodes (
    level      SMALLINT NOT NULL CHECK (level BETWEEN 8 AND 62),
    node_index BIGINT NOT NULL,
    hash       BYTEA NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, node_index)
);

-- Where the tree ends. One row; its lock is what makes the sequencer single.
CREATE TABLE public.ai_ledger_head (
    only_row  BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
    tree_size BIGINT NOT NULL,
    frontier  BYTEA NOT NULL -- Roots of the complete subtrees, largest first, 32 bytes each.
);
INSERT INTO public.ai_ledger_head (tree_size, frontier) VALUES (0, '');

-- Signed heads of the tree: C2SP tlog-checkpoint notes.
CREATE TABLE public.ai_ledger_checkpoints (
    tree_size  BIGINT PRIMARY KEY,
    note       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- Public keys, newest in force. Each row is a leaf; but for the first, its record is signed by the
-- key before it.
CREATE TABLE public.ai_ledger_keys (
    key_seq       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verifier_key  TEXT COLLATE "C" NOT NULL UNIQUE, -- C2SP signed-note: name+hash+base64.
    registered_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    record        BYTEA NOT NULL
);

-- Decisions whose summaries were erased, each written before the erasure.
CREATE TABLE public.ai_erasures (
    decision_id TEXT COLLATE "C" PRIMARY KEY,
    reason      TEXT NOT NULL,
    erased_by   TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    record      BYTEA NOT NULL
);

-- What an observation's leaf is made of. Holds the number that gives a gateway's history its order.
ALTER TABLE public.ai_policy_observations ADD COLUMN record BYTEA;

CREATE FUNCTION public.governance_observation_record(o public.ai_policy_observations) RETURNS BYTEA
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT convert_to((SELECT row_to_json(record)::text FROM (
        SELECT 1 AS v, o.observation_id, o.gateway, o.policy_version,
            to_char(o.first_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS first_seen,
            to_char(o.configured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
                AS configured_at) AS record), 'UTF8')
$$;

-- Made here alone, whichever program inserts.
CREATE FUNCTION public.governance_record_observation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.record := public.governance_observation_record(NEW);
    RETURN NEW;
END
$$;
CREATE TRIGGER record_observation BEFORE INSERT ON public.ai_policy_observations
    FOR EACH ROW EXECUTE FUNCTION public.governance_record_observation();
ALTER TABLE public.ai_policy_observations ENABLE ALWAYS TRIGGER record_observation;
REVOKE ALL ON FUNCTION public.governance_observation_record(public.ai_policy_observations),
    public.governance_record_observation() FROM PUBLIC;

-- Runs as its owner: the service may not insert into ai_ledger_pending, so nothing waits there that
-- no record brought.
-- The argument is the kind. Statements are written out, for a session keeps their plans; EXECUTE
-- would plan at every insert.
CREATE FUNCTION public.governance_append_leaves() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CASE TG_ARGV[0]
    WHEN 'policy' THEN
        INSERT INTO public.ai_ledger_pending (kind, refs, hashes)
        SELECT 'policy', array_agg(version ORDER BY version),
            string_agg(sha256('\x00'::bytea || text), '' ORDER BY version)
        FROM inserted HAVING count(*) > 0;
    WHEN 'observation' THEN
        INSERT INTO public.ai_ledger_pending (kind, refs, hashes)
        SELECT 'observation', array_agg(observation_id::text ORDER BY observation_id),
            string_agg(sha256('\x00'::bytea || record), '' ORDER BY observation_id)
        FROM inserted WHERE record IS NOT NULL HAVING count(*) > 0;
    WHEN 'key' THEN
        INSERT INTO public.ai_ledger_pending (kind, refs, hashes)
        SELECT 'key', array_agg(key_seq::text ORDER BY key_seq),
            string_agg(sha256('\x00'::bytea || record), '' ORDER BY key_seq)
        FROM inserted HAVING count(*) > 0;
    ELSE
        INSERT INTO public.ai_ledger_pending (kind, refs, hashes)
        SELECT TG_ARGV[0], array_agg(decision_id),
            string_agg(sha256('\x00'::bytea || record), '')
        FROM (SELECT decision_id, record FROM inserted ORDER BY decision_id) AS ordered
        HAVING count(*) > 0;
    END CASE;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    leaf RECORD;
BEGIN
    FOR leaf IN SELECT * FROM (VALUES
            ('ai_decision_intents', 'intent'),
            ('ai_decisions', 'outcome'),
            ('ai_late_outcomes', 'late_outcome'),
            ('ai_deliveries', 'delivery'),
            ('ai_policies', 'policy'),
            ('ai_policy_observations', 'observation'),
            ('ai_erasures', 'erasure'),
            ('ai_ledger_keys', 'key')
        ) AS leaves (name, kind) LOOP
        EXECUTE format('CREATE TRIGGER append_leaves AFTER INSERT ON public.%I
            REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT
            EXECUTE FUNCTION public.governance_append_leaves(%L)', leaf.name, leaf.kind);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER append_leaves', leaf.name);
    END LOOP;
END
$$;

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['ai_ledger_leaves', 'ai_ledger_nodes', 'ai_ledger_checkpoints',
            'ai_ledger_keys', 'ai_erasures'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.%I
            FOR EACH ROW EXECUTE FUNCTION public.governance_refuse_change()', name);
        EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.%I
            FOR EACH STATEMENT EXECUTE FUNCTION public.governance_refuse_change()', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_change', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_truncate', name);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION public.governance_append_leaves() FROM PUBLIC;
GRANT SELECT, INSERT ON public.ai_ledger_leaves, public.ai_ledger_nodes,
    public.ai_ledger_checkpoints TO app_service;
GRANT SELECT, DELETE ON public.ai_ledger_pending TO app_service;
GRANT SELECT, UPDATE ON public.ai_ledger_head TO app_service;
GRANT SELECT ON public.ai_ledger_keys, public.ai_erasures TO app_service;
GRANT SELECT ON public.ai_ledger_pending, public.ai_ledger_leaves, public.ai_ledger_nodes,
    public.ai_ledger_head, public.ai_ledger_checkpoints, public.ai_ledger_keys,
    public.ai_erasures TO governance_reader;
