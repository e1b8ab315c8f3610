//! The tamperings, each with the line that names it.

use super::{Case, Then, case};

/// A tombstone of decision a, so many seconds old, and its leaf, likewise.
macro_rules! entomb {
    ($age:literal, $leaf_age:literal) => {
        concat!(
            "WITH at AS (SELECT date_trunc('milliseconds', now() - interval '",
            $age,
            "s') AS at),
             tombstone AS (
                INSERT INTO ai_erasures (decision_id, reason, erased_by, created_at, record)
                SELECT '{a}', 'asked', 'eve', at, convert_to(format(
                    '{\"v\":1,\"decision_id\":\"%s\",\"erased_at\":\"%s\",\"reason\":\"asked\",\"erased_by\":\"eve\"}',
                    '{a}', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')), 'UTF8')
                FROM at RETURNING *)
             INSERT INTO ai_ledger_pending (kind, refs, hashes, created_at)
             SELECT 'erasure', ARRAY[decision_id], sha256('\\x00'::bytea || record),
                now() - interval '",
            $leaf_age,
            "s' FROM tombstone;"
        )
    };
}

pub const CASES: &[Case] = &[
    case("nothing", "", "intact"),
    case(
        "record",
        "UPDATE ai_decisions SET record = record || ' '::bytea WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its record was changed",
    ),
    case(
        "record and digest",
        "UPDATE ai_decisions SET record = record || ' '::bytea,
            digest = encode(sha256(record || ' '::bytea), 'hex') WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its record was changed, and its digest with it",
    ),
    case(
        "record, digest and leaf",
        "UPDATE ai_decisions SET record = record || ' '::bytea,
            digest = encode(sha256(record || ' '::bytea), 'hex') WHERE decision_id = '{b}';
         UPDATE ai_ledger_leaves SET hashes = substring(hashes FROM 1 FOR 32) || (
            SELECT sha256('\\x00'::bytea || record) FROM ai_decisions WHERE decision_id = '{b}')
            WHERE first_index = 5",
        "altered: outcome {a} (leaf 5): from this leaf to leaf 9 the tree is not the one that the checkpoint of 10 leaves was signed over: leaves were changed, moved, added or removed, and their rows with them; before this one all is as it was signed; which of them it is cannot be told, for there is no signature in between",
    ),
    Case {
        name: "everything from an index on, with the signing key",
        sql: "UPDATE ai_decisions SET record = record || ' '::bytea,
            digest = encode(sha256(record || ' '::bytea), 'hex') WHERE decision_id = '{b}'",
        then: Then::Rewrite(1),
        verdict: "altered: key 1 (leaf 0): from this leaf to leaf 13 the tree is not the one that the checkpoint of 14 leaves held elsewhere was signed over: leaves were changed, moved, added or removed, and their rows with them; before this one all is as it was signed; which of them it is cannot be told, for there is no signature in between",
    },
    case(
        "digest alone",
        "UPDATE ai_deliveries SET digest = repeat('0', 64)",
        "altered: delivery {b} (leaf 9): its column `digest` is not what its record says",
    ),
    case(
        "text column",
        "UPDATE ai_decisions SET model = 'other' WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `model` is not what its record says",
    ),
    case(
        "text column that was NULL",
        "UPDATE ai_decisions SET route = '' WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `route` is not what its record says",
    ),
    case(
        "column made NULL",
        "UPDATE ai_decisions SET caller = NULL WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `caller` is not what its record says",
    ),
    case(
        "number",
        "UPDATE ai_decisions SET confidence = 0.62000000000000000001 WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `confidence` is not what its record says",
    ),
    case(
        "scale of a number, which is no change",
        "UPDATE ai_decisions SET confidence = 0.6200 WHERE decision_id = '{b}'",
        "intact",
    ),
    case(
        "time",
        "UPDATE ai_decisions SET created_at = created_at + interval '1 microsecond'
            WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `created_at` is not what its record says",
    ),
    case(
        "truth",
        "UPDATE ai_decision_intents SET stream = true WHERE decision_id = '{c}'",
        "altered: intent {c} (leaf 4): its column `stream` is not what its record says",
    ),
    case(
        "integer",
        "UPDATE ai_decisions SET status = 500 WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `status` is not what its record says",
    ),
    case(
        "bigint",
        "UPDATE ai_decisions SET input_tokens = 13 WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `input_tokens` is not what its record says",
    ),
    case(
        "array",
        "UPDATE ai_decisions SET categories = categories[2:] WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `categories` is not what its record says",
    ),
    case(
        "json",
        "UPDATE ai_decisions SET usage = jsonb_set(usage, '{prompt_tokens}', '13')
            WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its column `usage` is not what its record says",
    ),
    case(
        "json of a list",
        "UPDATE ai_decisions SET triggered = '[]' WHERE decision_id = '{a}'",
        "altered: outcome {a} (leaf 5): its column `triggered` is not what its record says",
    ),
    case(
        "column of a late outcome",
        "UPDATE ai_late_outcomes SET outcome = 'denied'",
        "altered: late_outcome {c} (leaf 8): its column `outcome` is not what its record says",
    ),
    case(
        "row past the triggers",
        "CREATE TEMP TABLE forged AS SELECT * FROM ai_decisions WHERE decision_id = '{b}';
         UPDATE forged SET decision_id = 'd-00000000000070008000000000000000';
         INSERT INTO ai_decisions SELECT * FROM forged",
        "altered: outcome d-00000000000070008000000000000000: its row was inserted past the triggers, or its leaf was removed",
    ),
    case(
        "row deleted",
        "DELETE FROM ai_decisions WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its row is not in ai_decisions: it was deleted or moved, or the partition that held it was detached or dropped",
    ),
    case(
        "row deleted and another put in",
        "CREATE TEMP TABLE forged AS SELECT * FROM ai_decisions WHERE decision_id = '{b}';
         UPDATE forged SET decision_id = 'd-00000000000070008000000000000000';
         INSERT INTO ai_decisions SELECT * FROM forged;
         DELETE FROM ai_decisions WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its row is not in ai_decisions: it was deleted or moved, or the partition that held it was detached or dropped",
    ),
    case(
        "intent deleted",
        "DELETE FROM ai_decision_intents WHERE decision_id = '{c}'",
        "altered: intent {c} (leaf 4): its row is not in ai_decision_intents: it was deleted or moved, or the partition that held it was detached or dropped",
    ),
    case(
        "policy deleted",
        "DELETE FROM ai_policies",
        "altered: policy {policy} (leaf 1): its row is not in ai_policies: it was deleted or moved, or the partition that held it was detached or dropped",
    ),
    case(
        "policy changed",
        "ALTER TABLE ai_policies DROP CONSTRAINT ai_policies_version_is_digest;
         UPDATE ai_policies SET text = text || '#'::bytea",
        "altered: policy {policy} (leaf 1): its record was changed",
    ),
    case(
        "partition detached",
        "DO $$ BEGIN EXECUTE format('ALTER TABLE ai_decisions DETACH PARTITION %s', (
            SELECT tableoid::regclass FROM ai_decisions WHERE decision_id = '{a}')); END $$",
        "altered: outcome {a} (leaf 5): its row and those of 4 others of {month} are not in ai_decisions, which has no partition of that month: it was detached or dropped",
    ),
    case(
        "partition dropped",
        "DO $$ BEGIN EXECUTE format('DROP TABLE %s', (
            SELECT tableoid::regclass FROM ai_decision_intents WHERE decision_id = '{a}')); END $$",
        "altered: intent {a} (leaf 2): its row and those of 3 others of {month} are not in ai_decision_intents, which has no partition of that month: it was detached or dropped",
    ),
    case(
        "two leaves swapped",
        "UPDATE ai_ledger_leaves SET refs = ARRAY[refs[2], refs[1], refs[3]],
            hashes = substring(hashes FROM 33 FOR 32) || substring(hashes FROM 1 FOR 32)
                || substring(hashes FROM 65) WHERE first_index = 2",
        "altered: intent {b} (leaf 2): from this leaf to leaf 4 the tree is not the one that the checkpoint of 5 leaves was signed over: leaves were changed, moved, added or removed, and their rows with them; before this one all is as it was signed; which of them it is cannot be told, for there is no signature in between",
    ),
    case(
        "runs in another order",
        "UPDATE ai_ledger_leaves SET first_index = 99 WHERE first_index = 12;
         UPDATE ai_ledger_leaves SET first_index = 12 WHERE first_index = 13;
         UPDATE ai_ledger_leaves SET first_index = 13 WHERE first_index = 99",
        "altered: outcome {e} (leaf 12): from this leaf to leaf 13 the tree is not the one that the checkpoint of 14 leaves was signed over: leaves were changed, moved, added or removed, and their rows with them; before this one all is as it was signed; which of them it is cannot be told, for there is no signature in between",
    ),
    case(
        "leaves removed",
        "DELETE FROM ai_ledger_leaves WHERE first_index IN (10, 11)",
        "altered: the leaves 10 to 11 are not in ai_ledger_leaves",
    ),
    case(
        "reference without a hash",
        "ALTER TABLE ai_ledger_leaves DROP CONSTRAINT ai_ledger_leaves_check;
         UPDATE ai_ledger_leaves SET refs = refs || 'd-1'::text WHERE first_index = 12",
        "altered: leaves have more references than hashes, or fewer",
    ),
    case(
        "leaf in front of the first",
        "INSERT INTO ai_ledger_leaves
            SELECT -1, kind, ARRAY['d-1'], hashes, 'd-1', 'd-1', created_at
            FROM ai_ledger_leaves WHERE first_index = 13",
        "altered: a leaf stands in front of the first",
    ),
    case(
        "leaf twice",
        "INSERT INTO ai_ledger_pending (kind, refs, hashes)
            SELECT kind, refs, hashes FROM ai_ledger_leaves WHERE first_index = 13",
        "altered: outcome {e}: it has more than one leaf",
    ),
    Case {
        name: "end cut off, with the signing key",
        sql: "DELETE FROM ai_decisions WHERE decision_id = '{e}';
            DELETE FROM ai_decision_intents WHERE decision_id = '{e}';
            DELETE FROM ai_ledger_leaves WHERE first_index >= 12;
            DELETE FROM ai_ledger_checkpoints WHERE tree_size > 12",
        then: Then::SignAgain,
        verdict: "altered: the tree has 12 leaves, and the checkpoint held elsewhere 14: its end was cut off, or an old backup was restored",
    },
    Case {
        name: "key swapped, and everything signed with it",
        sql: "",
        then: Then::SwapKey(1, 9),
        verdict: "altered: the trusted key `{key}` is not among the ledger's keys: they were swapped, or it is another ledger's",
    },
    case(
        "outcome among the intents",
        "INSERT INTO ai_decision_intents (decision_id, model, input_hash, policy_version,
                created_at, requested_model, provider, operation, stream, caller, gateway, record,
                digest)
            SELECT decision_id, model, input_hash, policy_version, created_at, requested_model,
                provider, operation, stream, caller, gateway, record, digest
            FROM ai_decisions WHERE decision_id = '{d}';
         DELETE FROM ai_decisions WHERE decision_id = '{d}';
         UPDATE ai_ledger_leaves SET kind = 'intent' WHERE first_index = 10",
        "altered: intent {d} (leaf 10): its record is not of the kind `intent`",
    ),
    case(
        "kind of a leaf",
        "UPDATE ai_ledger_leaves SET kind = 'opinion' WHERE first_index = 12",
        "altered: leaves are of the unknown kind `opinion`",
    ),
    case(
        "outcome moved to the late ones",
        "INSERT INTO ai_late_outcomes (decision_id, outcome, policy_version, created_at, record,
                digest)
            SELECT decision_id, outcome, policy_version, created_at, record, digest
            FROM ai_decisions WHERE decision_id = '{e}';
         DELETE FROM ai_decisions WHERE decision_id = '{e}';
         UPDATE ai_ledger_leaves SET kind = 'late_outcome' WHERE first_index = 13",
        "altered: late_outcome {e} (leaf 13): it is kept as late, and its decision was not closed as `unknown`",
    ),
    case(
        "outcome moved to the late ones beside a forged `unknown`",
        "CREATE TEMP TABLE forged AS SELECT * FROM ai_decisions WHERE decision_id = '{c}';
         UPDATE forged SET decision_id = '{e}',
            record = convert_to(replace(convert_from(record, 'UTF8'), '{c}', '{e}'), 'UTF8');
         UPDATE forged SET digest = encode(sha256(record), 'hex');
         INSERT INTO ai_late_outcomes (decision_id, outcome, policy_version, created_at, record,
                digest)
            SELECT decision_id, outcome, policy_version, created_at, record, digest
            FROM ai_decisions WHERE decision_id = '{e}';
         DELETE FROM ai_decisions WHERE decision_id = '{e}';
         UPDATE ai_ledger_leaves SET kind = 'late_outcome' WHERE first_index = 13;
         INSERT INTO ai_decisions SELECT * FROM forged;
         INSERT INTO ai_ledger_pending (kind, refs, hashes)
            SELECT 'outcome', ARRAY[decision_id], sha256('\\x00'::bytea || record) FROM forged",
        "altered: late_outcome {e} (leaf 13): it is kept as late, and its decision has no leaf that stands before it",
    ),
    case(
        "erased without a tombstone",
        "UPDATE ai_decisions SET output_summary = NULL, summary_salt = NULL
            WHERE decision_id = '{a}'",
        "altered: outcome {a} (leaf 5): its output summary is gone, and no tombstone says that it was erased",
    ),
    case(
        "summary",
        "UPDATE ai_decisions SET output_summary = 'another' WHERE decision_id = '{a}'",
        "altered: outcome {a} (leaf 5): its output summary was changed, or its salt",
    ),
    case(
        "summary where there was none",
        "UPDATE ai_decisions SET input_summary = 'forged' WHERE decision_id = '{b}'",
        "altered: outcome {b} (leaf 6): its input summary was changed, or its salt",
    ),
    case(
        "erased summary is back",
        "UPDATE ai_decisions SET output_summary = 'not gone', summary_salt = (
            SELECT summary_salt FROM ai_decisions WHERE decision_id = '{a}')
            WHERE decision_id = '{d}'",
        "altered: outcome {d} (leaf 10): it has a tombstone, and its summaries and salt are neither all gone nor all as they were",
    ),
    case(
        "erased in part",
        concat!(
            entomb!("0", "0"),
            "UPDATE ai_decisions SET output_summary = NULL WHERE decision_id = '{a}'"
        ),
        "altered: outcome {a} (leaf 5): it has a tombstone, and its summaries and salt are neither all gone nor all as they were",
    ),
    case("erasure begun", entomb!("0", "0"), "intact"),
    case(
        "erasure begun and not finished",
        entomb!("130", "0"),
        "incomplete: the erasure of {a} was begun 2m ago, and its summary is still there, or there again: run `log-collector erase` anew",
    ),
    case(
        "record that nobody signs",
        concat!(
            entomb!("130", "130"),
            "UPDATE ai_decisions SET output_summary = NULL, summary_salt = NULL
                WHERE decision_id = '{a}'"
        ),
        "incomplete: records under no checkpoint: 1, the oldest for 2m: nobody could tell if they were changed; is a `log-collector serve` running with the ledger's key?",
    ),
    case(
        "tombstone deleted",
        "DELETE FROM ai_erasures",
        "altered: outcome {d} (leaf 10): its output summary is gone, and no tombstone says that it was erased",
    ),
    case(
        "tombstone's column",
        "UPDATE ai_erasures SET reason = 'another'",
        "altered: erasure {d} (leaf 11): its column `reason` is not what its record says",
    ),
    case(
        "key's column",
        "UPDATE ai_ledger_keys SET verifier_key = 'another'",
        "altered: key 1 (leaf 0): its column `verifier_key` is not what its record says",
    ),
    case(
        "checkpoints deleted",
        "DELETE FROM ai_ledger_checkpoints",
        "altered: the checkpoint of 14 leaves is held elsewhere and not in the database: it was removed",
    ),
    case(
        "checkpoint's signature",
        "UPDATE ai_ledger_checkpoints SET note = replace(note, '12', '11') WHERE tree_size = 12",
        "altered: the checkpoint of 12 leaves in the database is signed by none of the ledger's keys",
    ),
    case(
        "head",
        "UPDATE ai_ledger_head SET tree_size = 13",
        "altered: ai_ledger_head is of 13 leaves and not of the 14 that there are, or its hashes are not theirs",
    ),
];

/// Of a ledger whose second key is leaf 14.
pub const ROTATED: &[Case] = &[
    case("nothing", "", "intact"),
    Case {
        name: "new key swapped, and everything signed with it",
        sql: "",
        then: Then::SwapKey(2, 9),
        verdict: "altered: the ledger's key 2: a key is not vouched for by the one before it: no signature by the key `05c05979` is on the note",
    },
    Case {
        name: "first key swapped, and everything signed with it",
        sql: "",
        then: Then::SwapKey(1, 9),
        verdict: "altered: the ledger's key 2: a key is not vouched for by the one before it: no signature by the key `6d4fce88` is on the note",
    },
    case(
        "record of the rotation removed",
        "DELETE FROM ai_ledger_keys WHERE key_seq = 2",
        "altered: the checkpoint of 16 leaves held elsewhere is signed by none of the ledger's keys",
    ),
    Case {
        name: "head over the new key's leaf, signed by the old key",
        sql: "",
        then: Then::SignHead(15, 1),
        verdict: "altered: the checkpoint of 15 leaves in the database is signed by a key that was no longer in force",
    },
    Case {
        name: "head behind the new key's leaf, signed by the old key",
        sql: "",
        then: Then::SignHead(16, 1),
        verdict: "altered: the checkpoint of 16 leaves in the database is signed by a key that was no longer in force",
    },
    Case {
        name: "everything, with the old key",
        sql: "",
        then: Then::Rewrite(1),
        verdict: "altered: the checkpoint of 15 leaves in the database is signed by a key that was no longer in force",
    },
];
