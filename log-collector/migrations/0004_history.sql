-- Which gateway ran which text, as a history: a policy that comes back is a row of its own.
-- And what a policy and a decision may be at all, so that every decision resolves to a text.
--
-- The tables of policies are small: a row for each change of governance.yml. Of the large tables
-- no row is read or rewritten, and their locks are held for an instant.

ALTER TABLE public.ai_policy_observations
    DROP CONSTRAINT ai_policy_observations_pkey,
    -- The order of one gateway's rows. Rows from before keep theirs: nothing ever moved them.
    ADD COLUMN observation_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- When the gateway took the text up, by its own clock; tells late news from a return.
    ADD COLUMN configured_at  TIMESTAMPTZ;

CREATE INDEX ai_policy_observations_newest
    ON public.ai_policy_observations (gateway, observation_id DESC);

ALTER TABLE public.ai_policies ADD CONSTRAINT ai_policies_version_is_digest
    CHECK (version = 'sha256:' || encode(sha256(text), 'hex')) NOT VALID;
ALTER TABLE public.ai_policies VALIDATE CONSTRAINT ai_policies_version_is_digest;

-- NULL would pass the foreign key. Not validated, for that would read every decision under the
-- lock; no build of the collector ever wrote one.
ALTER TABLE public.ai_decisions ADD CONSTRAINT ai_decisions_policy_version_given
    CHECK (policy_version IS NOT NULL) NOT VALID;

-- The service reads decisions: digests of repeats, records, the summary that it sends to Slack.
-- It has no use for salts, which let one test guesses of a summary that was erased.
DO $$
DECLARE
    name     TEXT;
    readable TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['ai_decisions', 'ai_late_outcomes'] LOOP
        SELECT string_agg(quote_ident(attname), ', ') INTO readable FROM pg_attribute
            WHERE attrelid = to_regclass('public.' || name) AND attnum > 0
                AND NOT attisdropped AND attname <> 'summary_salt';
        EXECUTE format('REVOKE SELECT ON public.%I FROM app_service', name);
        EXECUTE format('GRANT SELECT (%s) ON public.%I TO app_service', readable, name);
    END LOOP;
END
$$;
REVOKE SELECT ON public.ai_decisions_default FROM app_service;
GRANT SELECT (decision_id) ON public.ai_decisions_default TO app_service;
