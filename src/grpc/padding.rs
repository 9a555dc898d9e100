//! Replies that may differ in length are padded, so that their size tells little.

use prost::Message;
use prost::bytes::Bytes;

/// Answers are a multiple of this many bytes.
pub const PADDED_TO: usize = 2048;

/// All paddings are parts of it.
static ZEROS: [u8; 2 * PADDED_TO] = [0; 2 * PADDED_TO];

/// Fills `padding` with zeros until the encoded message is a multiple of [`PADDED_TO`] bytes.
pub(super) fn pad<M: Message>(message: &mut M, padding: impl Fn(&mut M) -> &mut Bytes) {
    padding(message).clear();
    let zeros = zeros_behind(message.encoded_len());
    *padding(message) = Bytes::from_static(&ZEROS[..zeros]);
}

/// How many zeros bring a message of this length to a multiple. The field costs a tag byte and the
/// length of its length: 1 byte to 127, then 2.
fn zeros_behind(bare: usize) -> usize {
    match bare.next_multiple_of(PADDED_TO) - bare {
        0 => 0,
        gap @ 3..=129 => gap - 2,
        gap @ 131.. => gap - 3,
        // No field fits this gap: then one block more.
        gap => gap + PADDED_TO - 3,
    }
}

#[cfg(test)]
mod tests {
    use signpost_proto::v1::{Answer, AskResponse};

    use super::*;

    #[test]
    fn every_length_is_brought_to_a_multiple() {
        for length in 0..3 * PADDED_TO {
            let statement = "x".repeat(length);
            let answer = Answer { statement, ..Answer::default() };
            let mut response = AskResponse { answer: Some(answer), padding: vec![1].into() };
            pad(&mut response, |response| &mut response.padding);
            let encoded = response.encoded_len();
            assert_eq!(encoded % PADDED_TO, 0, "{length} gives {encoded}");
            assert!(encoded <= (length + 64).next_multiple_of(PADDED_TO) + PADDED_TO);
        }
    }
}
