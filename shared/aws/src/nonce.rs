//! Nonces of holders.

use beacon_core::Nonce;

/// One that nobody has drawn before.
pub fn fresh_nonce() -> Nonce {
    let text = format!("{:032x}", rand::random::<u128>());
    #[expect(clippy::expect_used, reason = "32 hexadecimal digits are a nonce")]
    Nonce::new(text).expect("a nonce")
}
