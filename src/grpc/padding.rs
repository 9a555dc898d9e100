//! Replies that may differ in length are padded, so that their size tells little.

use prost::Message;

/// Answers are a multiple of this many bytes.
pub const PADDED_TO: usize = 2048;

/// Fills `padding` with zeros until the encoded message is a multiple of [`PADDED_TO`] bytes.
pub(super) fn pad<M: Message>(message: &mut M, padding: impl Fn(&mut M) -> &mut Vec<u8>) {
    padding(message).clear();
    let bare = message.encoded_len();
    // The field costs a tag byte and the length of its length: 1 byte to 127, then 2.
    let mut target = bare.next_multiple_of(PADDED_TO);
    if target == bare {
        return;
    }
    if target - bare < 2 {
        target += PADDED_TO;
    }
    let with_short_length = target - bare - 2;
    let zeros = if with_short_length <= 127 { with_short_length } else { with_short_length - 1 };
    padding(message).resize(zeros, 0);
    // A gap of exactly 128 zeros' worth has no fitting length: then one block more.
    if message.encoded_len() != target || zeros == 0 {
        target += PADDED_TO;
        padding(message).resize(target - bare - 3, 0);
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
            let mut response = AskResponse { answer: Some(answer), padding: vec![1] };
            pad(&mut response, |response| &mut response.padding);
            let encoded = response.encoded_len();
            assert_eq!(encoded % PADDED_TO, 0, "{length} gives {encoded}");
            assert!(encoded <= (length + 64).next_multiple_of(PADDED_TO) + PADDED_TO);
        }
    }
}
