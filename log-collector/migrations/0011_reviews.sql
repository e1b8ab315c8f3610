-- Human review: what waits for a person, and what people said.
--
-- Both tables are append-only records. A review is opened by the decision that a policy routes to
-- people, or by the intent of a call that a policy holds; it bears that decision's id. A verdict is
-- a leaf of the ledger. Any number may be given on a decision; the newest counts, and the older ones
-- stay to be seen.

ALTER TABLE public.ai_decisions ADD COLUMN review TEXT COLLATE "C";
-- The service reads this table by column.
GRANT SELECT (review) ON public.ai_decisions TO app_service;

CREATE TABLE public.ai_reviews (
    decision_id    TEXT COLLATE "C" PRIMARY KEY,
    reason         TEXT NOT NULL CHECK (reason IN ('routed', 'held')),
    policies       TEXT[] COLLATE "C" NOT NULL CHECK (cardinality(policies) > 0),
    caller         TEXT COLLATE "C",
    input_hash     TEXT COLLATE "C" NOT NULL,
    policy_version TEXT COLLATE "C" NOT NULL REFERENCES public.ai_policies (version),
    opened_at      TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- What a held call asks for. Digests, for a caller's name may be longer than a key of an index.
CREATE INDEX ai_reviews_held ON public.ai_reviews (md5(input_hash), coalesce(md5(caller), ''))
    WHERE reason = 'held';

CREATE TABLE public.ai_review_verdicts (
    verdict_id     TEXT COLLATE "C" PRIMARY KEY CHECK (verdict_id ~ '^v-[0-9a-f]{32}$'),
    decision_id    TEXT COLLATE "C" NOT NULL,
    verdict        TEXT NOT NULL CHECK (verdict IN ('approved', 'rejected')),
    reviewer       TEXT NOT NULL,
    note           TEXT NOT NULL,
    shown_digest   TEXT COLLATE "C" NOT NULL, -- Of the record that the reviewer saw.
    policy_version TEXT COLLATE "C" NOT NULL, -- By which that record was made.
    created_at     TIMESTAMPTZ NOT NULL,
    record         BYTEA NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL
);

-- Ids rise with time, so the newest verdict of a decision is the last.
CREATE INDEX ai_review_verdicts_decision ON public.ai_review_verdicts (decision_id, verdict_id);

-- Reviews without a verdict. Operational, and derived from the two tables above by their triggers:
-- however many reviews there were, the queue is as long as what waits.
CREATE TABLE public.reviews_open (
    decision_id TEXT COLLATE "C" PRIMARY KEY,
    opened_at   TIMESTAMPTZ NOT NULL
);
CREATE INDEX reviews_open_age ON public.reviews_open (opened_at);

-- Decisions from before: what a policy routed to people waits for them. Postgres reads no JSON that
-- holds a NUL character.
INSERT INTO public.ai_reviews (decision_id, reason, policies, caller, input_hash, policy_version)
    SELECT o.decision_id, 'routed', routing.policies, o.caller, o.input_hash, o.policy_version
    FROM (
        SELECT decision_id, triggered, caller, input_hash, policy_version FROM public.ai_decisions
        UNION ALL
        SELECT l.decision_id, json.record -> 'triggered', json.record ->> 'caller',
            json.record ->> 'input_hash', l.policy_version
        FROM public.ai_late_outcomes l CROSS JOIN LATERAL (
            SELECT CASE WHEN position('\u0000' IN convert_from(l.record, 'UTF8')) = 0
                THEN convert_from(l.record, 'UTF8')::jsonb END AS record) AS json) AS o
    CROSS JOIN LATERAL (
        SELECT array_agg(policy ORDER BY place) AS policies FROM (
            SELECT t.value ->> 'policy' AS policy, min(t.place) AS place
            FROM jsonb_array_elements(o.triggered) WITH ORDINALITY AS t (value, place)
            WHERE t.value @> '{"action": "route_to_human_review", "enforced": true}'
                AND NOT t.value @> '{"held": true}'
            GROUP BY 1) AS once) AS routing
    WHERE o.triggered @> '[{"action": "route_to_human_review", "enforced": true}]'
        AND routing.policies IS NOT NULL;
INSERT INTO public.reviews_open (decision_id, opened_at)
    SELECT decision_id, opened_at FROM public.ai_reviews;

-- The lock is the one that verdicts on a decision are given under: neither misses the other.
CREATE FUNCTION public.governance_open_reviews() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(716110620, hash) FROM (
        SELECT hashtext(decision_id) AS hash FROM inserted ORDER BY 1) AS ordered;
    INSERT INTO public.reviews_open (decision_id, opened_at)
        SELECT i.decision_id, i.opened_at FROM inserted i
        WHERE NOT EXISTS (SELECT FROM public.ai_review_verdicts v
            WHERE v.decision_id = i.decision_id)
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.governance_close_reviews() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM public.reviews_open o USING inserted i WHERE o.decision_id = i.decision_id;
    INSERT INTO public.ai_ledger_pending (kind, refs, hashes)
        SELECT 'verdict', array_agg(verdict_id ORDER BY verdict_id),
            string_agg(sha256('\x00'::bytea || record), '' ORDER BY verdict_id)
        FROM inserted HAVING count(*) > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER open_reviews AFTER INSERT ON public.ai_reviews
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT
    EXECUTE FUNCTION public.governance_open_reviews();
ALTER TABLE public.ai_reviews ENABLE ALWAYS TRIGGER open_reviews;
CREATE TRIGGER append_leaves AFTER INSERT ON public.ai_review_verdicts
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT
    EXECUTE FUNCTION public.governance_close_reviews();
ALTER TABLE public.ai_review_verdicts ENABLE ALWAYS TRIGGER append_leaves;

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['ai_reviews', 'ai_review_verdicts'] LOOP
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.%I
            FOR EACH ROW EXECUTE FUNCTION public.governance_refuse_change()', name);
        EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.%I
            FOR EACH STATEMENT EXECUTE FUNCTION public.governance_refuse_change()', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_change', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_truncate', name);
        EXECUTE format('GRANT SELECT, INSERT ON public.%I TO app_service', name);
        EXECUTE format('GRANT SELECT ON public.%I TO governance_reader', name);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION public.governance_open_reviews(), public.governance_close_reviews()
    FROM PUBLIC;
GRANT SELECT ON public.reviews_open TO app_service, governance_reader;
