-- Indexes for the questions people ask of decisions: by caller, model, policy and outcome, each in
-- the order of time, for ids open with it. Time alone has the primary key and the BRIN index.
--
-- Locks: here partitions of up to 8 MiB get theirs, which takes an instant. `migrate` builds those
-- of larger ones afterwards, CONCURRENTLY, while decisions are taken. Until the last one is there
-- an index of the parent is marked invalid, and each partition that has its own uses it already.

CREATE INDEX ai_decisions_caller ON ONLY public.ai_decisions (caller, decision_id);
CREATE INDEX ai_decisions_model ON ONLY public.ai_decisions (model, decision_id);

-- Few of many; a completed call is found by anything else.
CREATE INDEX ai_decisions_outcome ON ONLY public.ai_decisions (outcome, decision_id)
    WHERE outcome <> 'completed';

-- A policy's decisions lie together, for it was in force for a time. A bloom filter, because
-- gateways that change over one by one interleave two versions.
CREATE INDEX ai_decisions_policy ON ONLY public.ai_decisions
    USING BRIN (policy_version text_bloom_ops (n_distinct_per_range = 16));

DO $$
DECLARE
    part   RECORD;
    parent RECORD;
BEGIN
    FOR part IN SELECT c.oid, c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'public.ai_decisions'::regclass
                AND pg_table_size(c.oid) <= 8 << 20 LOOP
        FOR parent IN SELECT name, regexp_replace(pg_get_indexdef(to_regclass('public.' || name)),
                    '^.* USING ', 'USING ') AS body
                FROM unnest(ARRAY['ai_decisions_caller', 'ai_decisions_model',
                    'ai_decisions_outcome', 'ai_decisions_policy']) AS names (name) LOOP
            EXECUTE format('CREATE INDEX %I ON public.%I %s',
                part.relname || replace(parent.name, 'ai_decisions', ''), part.relname, parent.body);
            EXECUTE format('ALTER INDEX public.%I ATTACH PARTITION public.%I',
                parent.name, part.relname || replace(parent.name, 'ai_decisions', ''));
        END LOOP;
    END LOOP;
END
$$;

-- Who asks by time needs the start of an id.
GRANT EXECUTE ON FUNCTION public.governance_id_prefix(TIMESTAMP) TO governance_reader;
