//! Check-valid numbers by construction; shares nothing with the parsers.

/// Values 0 to 22 of a pupil number's letters.
pub(crate) const LETTERS: &str = "ABCDEFGHJKLMNPQRTUVWXYZ";

/// The health number that starts with nine digits, if the sum of all ten can be made divisible.
pub(crate) fn health_number(body: &[u8; 9]) -> Option<String> {
    (0..=9).find(|last| full_sum(body, *last).is_multiple_of(11)).map(|last| join(body, last))
}

/// The ULN that starts with nine digits: its weighted sum leaves 10, and its body does not leave 0.
pub(crate) fn uln(body: &[u8; 9]) -> Option<String> {
    (0..=9).find(|last| full_sum(body, *last) % 11 == 10).map(|last| join(body, last))
}

fn full_sum(body: &[u8; 9], last: u8) -> u32 {
    let mut weight = 10;
    let mut sum = u32::from(last);
    for digit in body {
        sum += weight * u32::from(*digit);
        weight -= 1;
    }
    sum
}

fn join(body: &[u8; 9], last: u8) -> String {
    body.iter().chain([&last]).map(|digit| char::from(b'0' + digit)).collect()
}

/// The pupil number with this authority, these eight digits and this last character.
pub(crate) fn upn(authority: u16, middle: u32, last: char) -> String {
    let rest = format!("{authority:03}{middle:08}{last}");
    let mut sum = 0;
    for (character, weight) in rest.chars().zip(2..) {
        let digit = character.to_digit(10).map(|digit| digit as usize);
        sum += weight * digit.or_else(|| LETTERS.find(character)).unwrap();
    }
    format!("{}{rest}", LETTERS.chars().nth(sum % 23).unwrap())
}
