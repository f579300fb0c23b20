//! What makes a row evidence: the signature of its receipt, and the provider's own receipt.

use beacon_core::seal::{KeyId, ProviderReceipt, Seal, Signature};

use super::TableError;
use super::item::{Attributes, Item, bytes, text};
use super::packed::{PackedError, compress, decompress};

/// Key id, signature and software, one after the other: names count towards what a row costs.
const SEAL: &str = "seal";
const PROVIDER_RECEIPT: &str = "provider_receipt";
const PROVIDER_RECEIPT_SHA256: &str = "provider_receipt_sha256";

pub(super) fn put_seal(item: &mut Attributes, seal: Option<&Seal>) {
    let Some(Seal { key_id, software, signature }) = seal else { return };
    let parts: [&[u8]; 3] = [key_id.as_bytes(), signature.as_bytes(), software.as_bytes()];
    item.insert(SEAL.to_owned(), bytes(parts.concat()));
}

pub(super) fn seal_of(item: Item<'_>) -> Result<Option<Seal>, TableError> {
    let Some(bytes) = item.optional_bytes(SEAL)? else { return Ok(None) };
    let read = || {
        let (key_id, rest) = bytes.split_first_chunk()?;
        let (signature, software) = rest.split_first_chunk()?;
        let software = std::str::from_utf8(software).ok()?.to_owned();
        Some(Seal { key_id: KeyId::new(*key_id), software, signature: Signature::new(*signature) })
    };
    read().map(Some).ok_or_else(|| item.corrupt(SEAL))
}

pub(super) fn put_provider_receipt(
    item: &mut Attributes,
    receipt: &ProviderReceipt,
) -> Result<(), PackedError> {
    match receipt {
        ProviderReceipt::Kept(json) => {
            item.insert(PROVIDER_RECEIPT.to_owned(), bytes(compress(json.as_bytes())?));
        }
        ProviderReceipt::TooLarge { sha256 } => {
            item.insert(PROVIDER_RECEIPT_SHA256.to_owned(), text(sha256));
        }
    }
    Ok(())
}

pub(super) fn provider_receipt_of(item: Item<'_>) -> Result<Option<ProviderReceipt>, TableError> {
    if let Some(kept) = item.optional_bytes(PROVIDER_RECEIPT)? {
        let json = decompress(kept).ok().and_then(|json| String::from_utf8(json).ok());
        let json = json.ok_or_else(|| item.corrupt(PROVIDER_RECEIPT))?;
        return Ok(Some(ProviderReceipt::Kept(json)));
    }
    let sha256 = item.optional_text(PROVIDER_RECEIPT_SHA256)?;
    Ok(sha256.map(|sha256| ProviderReceipt::TooLarge { sha256 }))
}
