//! The configuration in effect: what the environment says, and what the stack takes in its place.

use beacon_aws::effective_settings;
use beacon_core::seal::KeyId;
use beacon_core::view::SettingView;

use crate::clients::Local;
use crate::data_dir::Running;

/// Every setting, those of the stack's own parts included.
pub(crate) fn effective(
    running: &Running,
    requests_per_minute: u32,
    signs_with: Option<KeyId>,
) -> Vec<SettingView> {
    let own = |variable: &str| match variable {
        "HYBRID_ROUTER_URL" if running.router.is_empty() => None,
        "HYBRID_ROUTER_URL" => Some(running.router.clone()),
        "BEACON_TABLE" => Some(format!("{}, embedded", Local::TABLE)),
        "BEACON_DISPATCH_QUEUE_URL"
        | "BEACON_QUESTION_QUEUE_URL"
        | "BEACON_COMPLETION_QUEUE_URL" => Some("embedded".to_owned()),
        "BEACON_REQUESTS_PER_MINUTE" => Some(requests_per_minute.to_string()),
        "BEACON_SIGNING_KEY" => signs_with.map(|id| format!("key {id}")),
        _ => None,
    };
    let settings = effective_settings().into_iter().map(SettingView::from);
    settings
        .map(|setting| match own(&setting.variable) {
            Some(value) if setting.value.as_ref() != Some(&value) => {
                SettingView { value: Some(value), source: "local stack".to_owned(), ..setting }
            }
            Some(_) | None => setting,
        })
        .collect()
}
