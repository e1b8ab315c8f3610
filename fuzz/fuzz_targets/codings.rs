//! Coded bodies: nothing decodes to more than the caps allow, and cut in any places a body decodes
//! to the same bytes.
#![no_main]

use fuzz::{CODINGS, Input, one_of, pieces};
use governance_filter::facts::Unread;
use governance_filter::llm::content_coding::{self, Coding, Decoder};
use libfuzzer_sys::fuzz_target;

const DECODED_BYTES_MAX: usize = 32 << 20;
const RATIO_FREE_BYTES: usize = 1 << 20;
const RATIO_MAX: usize = 200;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let coding = one_of(&CODINGS, input.byte());
    let cuts = input.cuts();
    let body = input.rest();
    let whole = content_coding::decode(coding, body);
    if let Ok(decoded) = &whole
        && coding != Coding::Identity
    {
        let ratio_bound = RATIO_FREE_BYTES.max((body.len() + 1) * RATIO_MAX);
        assert!(decoded.len() <= DECODED_BYTES_MAX.min(ratio_bound), "{} bytes", decoded.len());
    }
    let cut = decode_pieces(coding, &pieces(body, &cuts));
    match (&whole, &cut) {
        // The ratio is looked at as bytes come: in pieces a body can only fail sooner.
        (_, Err(Unread::Bomb)) => {}
        _ => assert_eq!(whole.as_deref(), cut.as_deref(), "{cuts:?}"),
    }
});

fn decode_pieces(coding: Coding, chunks: &[&[u8]]) -> Result<Vec<u8>, Unread> {
    let mut decoder = Decoder::new(coding);
    let mut decoded = Vec::new();
    for chunk in chunks {
        match decoder.push(chunk) {
            Ok(more) => decoded.extend(more),
            Err(unread) => {
                assert_eq!(decoder.push(b""), Err(unread), "an error stays");
                return Err(unread);
            }
        }
    }
    decoder.finish().map(|()| decoded)
}
