//! The portal's own files: its style, its scripts, its sign. They are part of the program.

use std::borrow::Cow;
use std::sync::LazyLock;

use beacon_analysis::report::style_within;
use beacon_core::prompt::hex;
use lambda_http::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode};
use lambda_http::{Body, Response};
use sha2::{Digest as _, Sha256};

use crate::answer::response;

/// One file.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    content: Cow<'static, str>,
}

const fn asset(name: &'static str, content_type: &'static str, content: &'static str) -> Asset {
    Asset { name, content_type, content: Cow::Borrowed(content) }
}

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

static ASSETS: LazyLock<[Asset; 5]> = LazyLock::new(|| {
    [
        asset("portal.css", CSS, include_str!("../assets/portal.css")),
        Asset { content: Cow::Owned(style_within(".report")), ..asset("report.css", CSS, "") },
        asset("htmx.js", JAVASCRIPT, include_str!("../assets/htmx.min.js")),
        asset("portal.js", JAVASCRIPT, include_str!("../assets/portal.js")),
        asset("beacon.svg", "image/svg+xml", include_str!("../assets/beacon.svg")),
    ]
});

/// What tells one content from another, of each.
static VERSIONS: LazyLock<[String; 5]> =
    LazyLock::new(|| ASSETS.each_ref().map(|asset| hex(&Sha256::digest(&*asset.content)[..6])));

/// The address of a file; another content has another, so that browsers keep each for good.
pub(crate) fn address(name: &str) -> String {
    let at = ASSETS.iter().position(|asset| asset.name == name);
    let version = at.and_then(|at| VERSIONS.get(at)).map_or("", String::as_str);
    format!("/assets/{name}?v={version}")
}

/// The file of that name. Only under the address of this content is it kept for good: while two versions answer, what
/// one page asks for may come from the other.
pub(crate) fn answer(name: &str, asked: Option<&str>, headers: &HeaderMap) -> Response<Body> {
    let found = ASSETS.iter().zip(VERSIONS.iter()).find(|(asset, _)| asset.name == name);
    let Some((asset, version)) = found else {
        let told = "there is no such file".to_owned();
        return response(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", told);
    };
    let tag = format!("\"{version}\"");
    let is_known =
        headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if is_known {
        response(StatusCode::NOT_MODIFIED, asset.content_type, String::new())
    } else {
        response(StatusCode::OK, asset.content_type, asset.content.clone().into_owned())
    };
    let headers = response.headers_mut();
    let is_this = asked == Some(version.as_str());
    let kept = if is_this { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_others_is_as_they_publish_it() {
        let htmx = ASSETS.iter().find(|asset| asset.name == "htmx.js").unwrap();
        let published = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130";
        assert_eq!(hex(&Sha256::digest(&*htmx.content)), published);
    }

    #[test]
    fn a_file_is_kept_by_its_content() {
        let at = address("portal.css");
        let version = at.split_once("?v=").map(|(_, version)| version);
        let kept = answer("portal.css", version, &HeaderMap::new());
        assert!(kept.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        let of_another = answer("portal.css", Some("0"), &HeaderMap::new());
        assert_eq!(of_another.headers()[CACHE_CONTROL], "no-cache");
        let tag = kept.headers().get(ETAG).unwrap().clone();
        let known = HeaderMap::from_iter([(IF_NONE_MATCH, tag)]);
        assert_eq!(answer("portal.css", version, &known).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(
            answer("../portal.css", None, &HeaderMap::new()).status(),
            StatusCode::NOT_FOUND
        );
        assert!(address("portal.js").starts_with("/assets/portal.js?v="));
    }
}
