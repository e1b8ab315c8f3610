-- Leaves for the records from before the ledger. New ones have had theirs since the migration
-- before this one, which is committed, so none is missed and none comes twice. Tables are read
-- and nothing but a plain SELECT's lock is held, so decisions are taken meanwhile. It takes as long
-- as it takes to hash them all, about 200,000 a second and core.

SET LOCAL statement_timeout = 0;

-- Observations from before say what their rows say today. The table is small, and its guard is put
-- aside for this transaction alone.
ALTER TABLE public.ai_policy_observations DISABLE TRIGGER refuse_change;
UPDATE public.ai_policy_observations o SET record = public.governance_observation_record(o)
    WHERE record IS NULL;
ALTER TABLE public.ai_policy_observations ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE public.ai_policy_observations ALTER COLUMN record SET NOT NULL;

DO $$
DECLARE
    leaf RECORD;
BEGIN
    FOR leaf IN SELECT * FROM (VALUES
            ('ai_policies', 'policy', 'version', 'text'),
            ('ai_decision_intents', 'intent', 'decision_id', 'record'),
            ('ai_decisions', 'outcome', 'decision_id', 'record'),
            ('ai_late_outcomes', 'late_outcome', 'decision_id', 'record'),
            ('ai_deliveries', 'delivery', 'decision_id', 'record'),
            ('ai_policy_observations', 'observation', 'observation_id', 'record')
        ) AS leaves (name, kind, ref, bytes) LOOP
        EXECUTE format('
            WITH known AS (
                SELECT unnest(refs) AS ref FROM public.ai_ledger_pending WHERE kind = %2$L
                UNION ALL
                SELECT unnest(refs) FROM public.ai_ledger_leaves WHERE kind = %2$L),
            past AS (
                SELECT %3$I::text AS ref, sha256(''\x00''::bytea || %4$I) AS hash,
                    (row_number() OVER (ORDER BY %3$I) - 1) / 256 AS run
                FROM public.%1$I t WHERE NOT EXISTS (SELECT FROM known k WHERE k.ref = t.%3$I::text))
            INSERT INTO public.ai_ledger_pending (kind, refs, hashes)
            SELECT %2$L, array_agg(ref ORDER BY ref), string_agg(hash, '''' ORDER BY ref)
            FROM past GROUP BY run ORDER BY run',
            leaf.name, leaf.kind, leaf.ref, leaf.bytes);
    END LOOP;
END
$$;
