-- Erasure: the one change a decision's row ever sees. Its summaries and their salt become NULL,
-- after a tombstone for it is a leaf of the ledger. The record stays, and so does every proof.
--
-- Rights are the control: `governance_eraser` may write tombstones and update these three columns
-- of two tables. The trigger is the order: no tombstone's leaf, no erasure. Everyone else is
-- refused as before, the owner and a superuser by the seat belt.
--
-- Locks: triggers and constraints take theirs for an instant. No decision is read or rewritten.

ALTER TABLE public.ai_erasures
    ADD CONSTRAINT ai_erasures_reason_is_short CHECK (char_length(reason) BETWEEN 1 AND 500);

-- A tombstone says who erased, and the database knows that better than a client. What the record
-- says and its columns must agree, and there must be something to erase.
CREATE FUNCTION public.governance_check_tombstone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    record JSONB := convert_from(NEW.record, 'UTF8')::jsonb;
BEGIN
    IF NEW.erased_by <> session_user
            OR record ->> 'erased_by' IS DISTINCT FROM NEW.erased_by
            OR record ->> 'decision_id' IS DISTINCT FROM NEW.decision_id
            OR record ->> 'reason' IS DISTINCT FROM NEW.reason
            OR (record ->> 'erased_at')::timestamptz IS DISTINCT FROM NEW.created_at
            OR NOT EXISTS (SELECT FROM public.ai_decisions d
                WHERE d.decision_id = NEW.decision_id
                UNION ALL SELECT FROM public.ai_decision_intents i
                WHERE i.decision_id = NEW.decision_id) THEN
        RAISE EXCEPTION 'ai_erasures: the tombstone is not of this login, or says something else '
            'than its record, or is of no decision' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION public.governance_check_tombstone() FROM PUBLIC;
CREATE TRIGGER check_tombstone BEFORE INSERT ON public.ai_erasures
    FOR EACH ROW EXECUTE FUNCTION public.governance_check_tombstone();

-- The leaf is found by the summaries of ai_ledger_leaves_refs, whatever the planner thinks of them.
CREATE FUNCTION public.governance_erase_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    erased public.ai_decisions.decision_id%TYPE;
    kept   RECORD;
BEGIN
    -- A superuser is a member of every role, which is not meant here.
    IF TG_OP = 'UPDATE' AND pg_has_role(current_user, 'governance_eraser', 'USAGE')
            AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        kept := NEW;
        kept.output_summary := OLD.output_summary;
        kept.input_summary := OLD.input_summary;
        kept.summary_salt := OLD.summary_salt;
        IF kept *= OLD
                AND num_nonnulls(NEW.output_summary, NEW.input_summary, NEW.summary_salt) = 0 THEN
            IF num_nonnulls(OLD.output_summary, OLD.input_summary, OLD.summary_salt) = 0 THEN
                RETURN NULL; -- Nothing is left to erase, and no row is written.
            END IF;
            SELECT e.decision_id INTO erased FROM public.ai_erasures e
                WHERE e.decision_id = OLD.decision_id AND EXISTS (
                    SELECT FROM public.ai_ledger_leaves l
                    WHERE l.kind = 'erasure' AND l.ref_min <= e.decision_id
                        AND l.ref_max >= e.decision_id AND e.decision_id = ANY (l.refs));
            IF FOUND THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '%: no leaf of the ledger says that this is erased', TG_TABLE_NAME
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
-- Not even PUBLIC's EXECUTE is needed to fire it.
REVOKE ALL ON FUNCTION public.governance_erase_only() FROM PUBLIC;

DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY['ai_decisions', 'ai_late_outcomes'] LOOP
        EXECUTE format('DROP TRIGGER refuse_change ON public.%I', name);
        EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.%I
            FOR EACH ROW EXECUTE FUNCTION public.governance_erase_only()', name);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER refuse_change', name);
        EXECUTE format('GRANT SELECT (decision_id), UPDATE (output_summary, input_summary,
            summary_salt) ON public.%I TO governance_eraser', name);
    END LOOP;
END
$$;

GRANT SELECT (decision_id) ON public.ai_decision_intents TO governance_eraser;
GRANT SELECT, INSERT ON public.ai_erasures TO governance_eraser;
GRANT SELECT ON public.ai_ledger_leaves, public.governance_migrations TO governance_eraser;

-- An auditor asks for a span of time: a few pages of summary find its leaves. Both summaries are
-- kept as the ledger grows; without that, what came since the last VACUUM would be read as a whole.
CREATE INDEX ai_ledger_leaves_created_at ON public.ai_ledger_leaves
    USING BRIN (created_at) WITH (pages_per_range = 16, autosummarize = on);
ALTER INDEX public.ai_ledger_leaves_refs SET (autosummarize = on);
