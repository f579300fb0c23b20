//! Nonces of signed specifications: each is spent once of a key, for its time.

use beacon_aws::{NonceUse, SpentNonce};
use beacon_core::seal::KeyId;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::World;

#[tokio::test]
async fn a_nonce_is_spent_until_its_time_is_over() {
    let world = World::new().await;
    let at = |ms: i64| Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap();
    let spend = async |key: u8, nonce: &str, request: &str, now: Timestamp| {
        let (key, until) = (KeyId::new([key; 32]), now + std::time::Duration::from_secs(900));
        let spent = SpentNonce { key: &key, nonce, request, until };
        world.table.spend_nonce(spent, now).await.unwrap()
    };
    for (key, nonce, request, now, expected) in [
        (1, "n", "a", at(0), NonceUse::First),
        (1, "n", "a", at(1), NonceUse::Repeated),
        (1, "n", "b", at(2), NonceUse::Replayed),
        (1, "m", "b", at(2), NonceUse::First),
        (2, "n", "b", at(2), NonceUse::First),
        // A refused one does not make its time longer.
        (1, "n", "b", at(900_000), NonceUse::Replayed),
        (1, "n", "b", at(900_001), NonceUse::First),
        (1, "n", "a", at(900_002), NonceUse::Replayed),
        (1, "", "a", at(0), NonceUse::First),
        (1, &"\u{1f30d}\0".repeat(100_000), "a", at(0), NonceUse::First),
    ] {
        assert_eq!(spend(key, nonce, request, now).await, expected, "{key} {request} {now}");
    }
    let requests = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let at_once = join_all(requests.map(|request| spend(3, "n", request, at(0)))).await;
    assert_eq!(at_once.iter().filter(|spent| **spent == NonceUse::First).count(), 1);
    world.stop().await;
}
