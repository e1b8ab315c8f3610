//! Ids, salts and the contract's fixture, and every byte of it flipped.

use super::check::parse_salt;
use super::*;

#[test]
fn id_must_be_a_uuid_v7_in_lower_case_hex() {
    let good = "d-019ab2c3d4e57f60a1b2c3d4e5f60718";
    assert_eq!(id_unix_ms(good), Some(0x019a_b2c3_d4e5));
    for bad in [
        "",
        "d-",
        "019ab2c3d4e57f60a1b2c3d4e5f60718",
        "d-019ab2c3d4e57f60a1b2c3d4e5f6071",
        "d-019ab2c3d4e57f60a1b2c3d4e5f607180",
        "d-019AB2C3D4E57F60A1B2C3D4E5F60718",
        "d-019ab2c3d4e54f60a1b2c3d4e5f60718",
        "d-019ab2c3d4e57f60c1b2c3d4e5f60718",
        "d-+19ab2c3d4e57f60a1b2c3d4e5f60718",
        "d-é19ab2c3d4e57f60a1b2c3d4e5f6071",
    ] {
        assert_eq!(id_unix_ms(bad), None, "{bad}");
    }
}

#[test]
fn salt_has_one_spelling() {
    assert_eq!(parse_salt(&"0f".repeat(16)), Some([15; 16]));
    for bad in ["", "+f", &"0F".repeat(16), &"0f".repeat(15), &"0f".repeat(17)] {
        assert_eq!(parse_salt(bad), None, "{bad}");
    }
}

#[test]
fn a_good_line_is_written_again_byte_for_byte() {
    for fixture in [
        include_str!("../../../../tests/fixtures/contract/v1.ndjson"),
        include_str!("../../../../tests/fixtures/contract/v1_gained.ndjson"),
        include_str!("../../../../tests/fixtures/contract/v1_held.ndjson"),
    ] {
        for line in fixture.lines() {
            let entry = Entry::parse(line.as_bytes(), 1_800_000_000_000);
            assert_eq!(String::from_utf8(entry.to_line().unwrap()).unwrap(), line);
        }
    }
    let refused = Entry::parse(b"{}", 0);
    assert_eq!(refused.to_line(), None);
}

#[test]
fn fixture_is_good_and_any_flipped_byte_is_not_taken_for_it() {
    let fixture = include_str!("../../../../tests/fixtures/contract/v1.ndjson");
    for line in fixture.lines() {
        let now = 1_800_000_000_000;
        let good = Entry::parse(line.as_bytes(), now);
        assert!(good.policy_version().is_some(), "{good:?}");
        for at in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[at] ^= 1;
            let entry = Entry::parse(&bytes, now);
            let same = entry.digest == good.digest && entry.kind == good.kind;
            assert!(entry.policy_version().is_none() || same, "byte {at}: {entry:?}");
        }
    }
}
