//! Random schedules over the whole life of an exchange; any failing seed can be run again.

use super::*;

/// Random schedules: acks late, doubled, refused or never; either side dying at any moment;
/// chunks cut anywhere. The model asserts the invariants at every step.
#[wasm_bindgen_test(unsupported = test)]
fn no_schedule_breaks_an_invariant() {
    for seed in 1..=4000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut model = Model::new(if random.below(4) == 0 { SHIPPED } else { SEED });
        let streamed = random.below(2) == 0;
        let request =
            if streamed { ask_stream("gpt-4o-2025-12-17") } else { ask("gpt-4o-2025-12-17") };
        let answer = if streamed { chat_stream() } else { chat("Hello.") };
        run(&mut model, &mut random, request.as_bytes(), answer.as_bytes(), streamed);
        let outcomes = model.lines.iter().filter(|line| line.kind == Kind::Outcome).count();
        assert_eq!(outcomes, 1, "seed {seed}: exactly one outcome");
    }
}

fn run(model: &mut Model, random: &mut Random, request: &[u8], answer: &[u8], streamed: bool) {
    model.request_headers(&[(":method", "POST"), (":path", CHAT), ("content-type", JSON)]);
    for (chunk, end) in random.pieces(request) {
        if random.below(40) == 0 {
            model.done(Ending::ClientLeft);
            return;
        }
        model.request_body(chunk, end);
    }
    random.settle(model, Kind::Intent);
    if model.provider_got().is_some() && model.reply.is_none() {
        let content_type = if streamed { SSE } else { JSON };
        model.answer_headers(200, &[("content-type", content_type)], End::Open);
        for (chunk, end) in random.pieces(answer) {
            if random.below(30) == 0 {
                let endings = [Ending::ClientLeft, Ending::UpstreamFailed];
                model.done(endings[random.below(2)]);
                return;
            }
            model.answer_body(chunk, end);
            if model.waiting.contains(&Kind::Outcome) && random.below(2) == 0 {
                random.settle(model, Kind::Outcome);
            }
        }
        random.settle(model, Kind::Outcome);
    }
    model.done(Ending::Complete);
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// A body in pieces; the end comes with the last one or on an empty frame of its own.
    fn pieces<'a>(&mut self, body: &'a [u8]) -> Vec<(&'a [u8], End)> {
        let mut pieces = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(1 + self.below(rest.len()));
            pieces.push((piece, End::Open));
            rest = more;
        }
        match pieces.last_mut() {
            Some(last) if self.below(2) == 0 => last.1 = End::OfStream,
            _ => pieces.push((&[], End::OfStream)),
        }
        pieces
    }

    fn settle(&mut self, model: &mut Model, kind: Kind) {
        if !model.waiting.contains(&kind) {
            return;
        }
        match self.below(8) {
            0 => model.commit(kind, Commit::Expired),
            1 => model.commit(kind, Commit::Refused),
            2 => model.commit(kind, Commit::Expired).ack(kind),
            3 => model.ack(kind).ack(kind),
            _ => model.ack(kind),
        };
    }
}
