//! The endings of names of secrets: what comes before a colon or a `=` is looked at so often that most of it must cost
//! next to nothing.

use activeprospect::ap_core::redact::SECRET_NAMES;

/// The bits of a letter or a digit. Digits share those of letters, which does no harm.
const LETTER_BITS: usize = 5;

/// What a byte is that is no letter, no digit and no quote.
const OTHER: u8 = 0;

/// What a quote is: the name begins after it.
const QUOTE: u8 = 1 << LETTER_BITS;

/// What each byte is in a name.
static CLASSES: [u8; 256] = {
    let mut classes = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        let it = byte as u8;
        if it.is_ascii_alphanumeric() {
            classes[byte] = class(it);
        } else if matches!(it, b'"' | b'\'') {
            classes[byte] = QUOTE;
        }
        byte += 1;
    }
    classes
};

/// The bits of a place in a table.
const PLACE_BITS: u32 = 16;

/// Which places the endings of names have.
type Table = [u64; 1 << (PLACE_BITS - 6)];

/// The endings with so many letters. Few names have one of the first, and of these few have one of the second.
static FOUR: Table = table(4);
static FIVE: Table = table(5);

/// Returns `false` if the name at the end of a text, with or without a quote and a space after it, is not that of a
/// secret.
pub(super) fn may_be_secret(text: &[u8]) -> bool {
    has(&FOUR, ending(text, 4)) && has(&FIVE, ending(text, 5))
}

/// Returns the letters at the end of a name, from the right. Those that it does not have are zeros.
fn ending(text: &[u8], letters: usize) -> u32 {
    let mut ending = 0;
    let mut count = 0;
    for byte in text.iter().rev() {
        match CLASSES[usize::from(*byte)] {
            OTHER => {}
            QUOTE if count == 0 => {}
            QUOTE => break,
            class => {
                ending = ending << LETTER_BITS | u32::from(class);
                count += 1;
                if count == letters {
                    return ending;
                }
            }
        }
    }
    ending << (LETTER_BITS * (letters - count))
}

/// Returns the places of the endings of all rules, and of their plurals.
const fn table(letters: usize) -> Table {
    let mut table = [0; 1 << (PLACE_BITS - 6)];
    let mut index = 0;
    while index < 2 * SECRET_NAMES.len() {
        let name = SECRET_NAMES[index / 2].text.as_bytes();
        let (mut ending, mut count) = match index % 2 {
            0 => (0, 0),
            _ => (class(b's') as u32, 1),
        };
        let mut left = name.len();
        while left > 0 && count < letters {
            left -= 1;
            ending = ending << LETTER_BITS | class(name[left]) as u32;
            count += 1;
        }
        // Anything may come before a rule that is shorter.
        let missing = LETTER_BITS * (letters - count);
        let mut before = 0;
        while before < 1 << missing {
            let place = place(ending << missing | before);
            table[place >> 6] |= 1 << (place & 63);
            before += 1;
        }
        index += 1;
    }
    table
}

fn has(table: &Table, ending: u32) -> bool {
    let place = place(ending);
    table[place >> 6] & 1 << (place & 63) != 0
}

/// Returns an ending's place in a table (Fibonacci hashing).
const fn place(ending: u32) -> usize {
    (ending.wrapping_mul(0x9e37_79b9) >> (u32::BITS - PLACE_BITS)) as usize
}

/// Returns a letter or a digit, in upper or lower case, as a few bits.
const fn class(letter: u8) -> u8 {
    letter & ((1 << LETTER_BITS) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_secret_is_seen_and_few_others_are() {
        for rule in SECRET_NAMES {
            let plural = format!("{}s", rule.text);
            for name in [rule.text, &plural] {
                let spaced: String = name.chars().flat_map(|letter| [letter, '_']).collect();
                for name in [name, &name.to_ascii_uppercase(), &spaced] {
                    for text in [
                        name.to_owned(),
                        format!("9{name}"),
                        format!("{{\"{name}\""),
                        format!("{{\"x\":\"y\",'{name}' "),
                        format!("?a=b&{name}"),
                    ] {
                        assert!(may_be_secret(text.as_bytes()), "{text}");
                    }
                }
            }
        }
        for name in [
            "",
            "id",
            "\"id\"",
            "\"reason\"",
            "\"version\"",
            "\"timestamp\"",
            "\"x\",\"key\"",
            "10",
            "lead.email",
        ] {
            assert!(!may_be_secret(name.as_bytes()), "{name}");
        }
    }
}
