//! Each coding against what other encoders made of the same bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

const TEXT: &[u8] = include_bytes!("../../../tests/fixtures/codings/stream.txt");
const CODED: [(&str, Coding, &[u8]); 6] = [
    ("zlib", Coding::Deflate, include_bytes!("../../../tests/fixtures/codings/stream.zlib")),
    ("raw", Coding::Deflate, include_bytes!("../../../tests/fixtures/codings/stream.raw")),
    ("gz", Coding::Gzip, include_bytes!("../../../tests/fixtures/codings/stream.gz")),
    ("br", Coding::Brotli, include_bytes!("../../../tests/fixtures/codings/stream.br")),
    ("zst", Coding::Zstandard, include_bytes!("../../../tests/fixtures/codings/stream.zst")),
    ("frames", Coding::Zstandard, include_bytes!("../../../tests/fixtures/codings/frames.zst")),
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn in_two(coding: Coding, wire: &[u8], cut: usize) -> (Vec<u8>, Vec<u8>) {
    let mut decoder = Decoder::new(coding);
    let first = decoder.push(&wire[..cut]).unwrap();
    let second = decoder.push(&wire[cut..]).unwrap();
    assert_eq!(decoder.finish(), Ok(()), "cut at {cut}");
    (first, second)
}

#[test]
fn what_was_coded_is_decoded_at_every_split_point() {
    for (name, coding, wire) in CODED {
        assert_eq!(decode(coding, wire).unwrap().as_ref(), TEXT, "{name}");
        for cut in 0..=wire.len() {
            let (first, second) = in_two(coding, wire, cut);
            assert_eq!([first, second].concat(), TEXT, "{name} cut at {cut}");
        }
        let mut decoder = Decoder::new(coding);
        let bytes = wire.iter().flat_map(|byte| decoder.push(&[*byte]).unwrap());
        assert_eq!(bytes.collect::<Vec<u8>>(), TEXT, "{name} byte by byte");
    }
}

#[test]
fn an_event_is_there_as_soon_as_its_bytes_are() {
    let first_event = 1 + TEXT.windows(2).position(|two| two == b"\n\n").unwrap() + 1;
    for (name, coding, wire) in CODED.into_iter().filter(|(_, coding, _)| coding.streams()) {
        let decoded = |cut: usize| Decoder::new(coding).push(&wire[..cut]).unwrap().len();
        let needed = (0..=wire.len()).find(|cut| decoded(*cut) >= first_event).unwrap();
        assert!(needed < wire.len() * 2 / 3, "{name}: after {needed} of {}", wire.len());
        // Each flush gives everything that was coded before it.
        let done = (0..wire.len()).filter(|cut| TEXT[..decoded(*cut)].ends_with(b"\n\n"));
        assert!(done.count() >= 5, "{name}");
    }
}

#[test]
fn members_are_joined() {
    let wire = [gzip(b"one "), gzip(b"two")].concat();
    for cut in 0..=wire.len() {
        let (first, second) = in_two(Coding::Gzip, &wire, cut);
        assert_eq!([first, second].concat(), b"one two", "cut at {cut}");
    }
}

#[test]
fn err_cut_and_changed_bodies_are_told() {
    for (name, coding, wire) in CODED {
        for cut in 0..wire.len() {
            let decoded = decode(coding, &wire[..cut]);
            // The first frame ends where the second begins, and so a body could.
            let whole_frames = name == "frames" && decoded.is_ok();
            assert!(whole_frames || decoded == Err(Unread::Encoding), "{name} cut at {cut}");
        }
        let longer = [wire, b"x"].concat();
        assert_eq!(decode(coding, &longer), Err(Unread::Encoding), "{name}: bytes behind its end");
    }
    for (name, coding, wire) in CODED.into_iter().filter(|(name, ..)| *name != "raw") {
        let mut broken = wire.to_vec();
        *broken.last_mut().unwrap() ^= 1;
        // Brotli and the frames without a checksum have nothing that would tell.
        let told = decode(coding, &broken).is_err();
        assert!(told || ["br", "frames"].contains(&name), "{name}");
    }
    assert_eq!(decode(Coding::Unknown, b"x"), Err(Unread::Encoding));
    let window = include_bytes!("../../../tests/fixtures/codings/window.zst");
    assert_eq!(decode(Coding::Zstandard, window), Err(Unread::Encoding), "16 MiB are too much");
}

#[test]
fn err_a_bomb_is_left_where_the_ratio_breaks() {
    let zeros = gzip(&vec![b' '; 40 << 20]);
    let bombs: [(Coding, &[u8], u64); 3] = [
        (Coding::Gzip, &zeros, 10 << 20),
        (Coding::Brotli, include_bytes!("../../../tests/fixtures/codings/bomb.br"), 2 << 20),
        (Coding::Zstandard, include_bytes!("../../../tests/fixtures/codings/bomb.zst"), 2 << 20),
    ];
    for (coding, wire, most) in bombs {
        let mut decoder = Decoder::new(coding);
        assert_eq!(decoder.push(wire), Err(Unread::Bomb), "{coding:?}");
        assert!(decoder.output.decoded < most, "{coding:?}: {}", decoder.output.decoded);
        assert_eq!(decoder.push(b"x"), Err(Unread::Bomb), "{coding:?}");
    }
}

#[test]
fn broken_bytes_break_no_decoder() {
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % bound as u64) as usize
    };
    for (_, coding, wire) in CODED {
        for _ in 0..3_000 {
            let mut broken = wire.to_vec();
            for _ in 0..=next(3) {
                let at = next(broken.len());
                broken[at] = next(256) as u8;
            }
            let cut = next(broken.len());
            let mut decoder = Decoder::new(coding);
            let pushed = decoder.push(&broken[..cut]);
            let again = decoder.push(&broken[cut..]);
            assert!(pushed.is_ok() || again == pushed, "an error stays");
            let _ = decoder.finish();
        }
    }
}

#[test]
fn codings_are_known_by_name() {
    assert_eq!(Coding::of(None), Coding::Identity);
    assert_eq!(Coding::of(Some("identity")), Coding::Identity);
    assert_eq!(Coding::of(Some("GZIP")), Coding::Gzip);
    assert_eq!(Coding::of(Some("x-gzip")), Coding::Gzip);
    assert_eq!(Coding::of(Some("deflate")), Coding::Deflate);
    assert_eq!(Coding::of(Some(" BR ")), Coding::Brotli);
    assert_eq!(Coding::of(Some("zstd")), Coding::Zstandard);
    assert_eq!(Coding::of(Some("gzip, gzip")), Coding::Unknown);
    assert_eq!(Coding::of(Some("compress")), Coding::Unknown);
}
