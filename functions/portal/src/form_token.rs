//! What a form carries to show that a page of its session has it. A page of another site can neither read nor
//! make it.

use beacon_core::prompt::hex;
use beacon_core::seal::from_hex;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::input::Input;

/// The field that it stands in.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// What a form carries, made from what only a cookie holds.
pub(crate) struct FormToken([u8; 32]);

impl FormToken {
    pub(crate) fn of(secret: &str) -> Self {
        Self(Sha256::new().chain_update("form ").chain_update(secret).finalize().into())
    }

    /// As a page holds it: behind another mask each time, in hexadecimal digits. Were it the same in every page,
    /// the lengths of pages that are compressed and hold what others wrote would tell it (BREACH, Gluck, Harris
    /// and Prado 2013).
    pub(crate) fn masked(&self) -> String {
        let mask: [u8; 32] = rand::random();
        format!("{}{}", hex(&mask), hex(&either(mask, self.0)))
    }

    pub(crate) fn is_of(&self, form: &Input) -> bool {
        let sent = form.raw(FORM_TOKEN).and_then(|sent| sent.split_at_checked(64));
        let sent = sent.and_then(|(mask, masked)| Some(either(from_hex(mask)?, from_hex(masked)?)));
        sent.is_some_and(|token| bool::from(token.ct_eq(&self.0)))
    }
}

/// The bits that are set in one of them alone.
fn either(mut one: [u8; 32], other: [u8; 32]) -> [u8; 32] {
    for (byte, of_other) in one.iter_mut().zip(other) {
        *byte ^= of_other;
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> Input {
        Input::of(vec![(FORM_TOKEN.to_owned(), text.to_owned())])
    }

    #[test]
    fn no_two_pages_of_a_session_hold_the_same_text_and_each_is_taken() {
        let token = FormToken::of("secret");
        let (one, other) = (token.masked(), token.masked());
        assert_ne!(&one[..64], &other[..64]);
        assert_ne!(&one[64..], &other[64..]);
        for page in [&one, &other] {
            assert!(token.is_of(&sent(page)), "{page}");
            assert!(!FormToken::of("another").is_of(&sent(page)), "{page}");
        }
    }

    #[test]
    fn what_no_page_held_is_not_taken() {
        let token = FormToken::of("secret");
        let page = token.masked();
        let mixed = format!("{}{}", &page[..64], &token.masked()[64..]);
        let longer = format!("{page}0");
        for text in ["", "0", &page[..64], &page[1..], &mixed, &longer, &"é".repeat(64)] {
            assert!(!token.is_of(&sent(text)), "{text}");
        }
        assert!(!token.is_of(&Input::default()));
    }
}
