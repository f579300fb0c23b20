//! The portal, asked as a browser asks it: whoever has the stack's token signs in, sees the main job, and
//! signs out.

use std::collections::BTreeMap;

use reqwest::Method;

use super::place::{Place, Shown};

/// The main job, which has run.
const JOB: &str = "/jobs/main";
/// What every form carries.
const FORM_TOKEN: &str = "form_token";

/// Cookies by name, as the portal gave them.
type Cookies = BTreeMap<String, String>;

/// Without a session there is the form alone, with one the list and the job, and after it nothing.
pub(super) async fn check(place: &mut Place) {
    let mut cookies = Cookies::new();
    let stranger = ask(place, &mut cookies, Method::GET, JOB, &[]).await;
    let led = (stranger.status, stranger.header("location"));
    assert_eq!(led, (303, "/sign-in?back=%2Fjobs%2Fmain"), "{stranger:?}");
    let form = ask(place, &mut cookies, Method::GET, "/sign-in", &[]).await;
    let form_token = hidden(&form.text(), FORM_TOKEN);
    let wrong = [(FORM_TOKEN, form_token.as_str()), ("token", "wrong-token-0123456789abcdef")];
    let refused = ask(place, &mut cookies, Method::POST, "/sign-in", &wrong).await;
    assert_eq!(refused.status, 401, "{refused:?}");
    let token = place.token().to_owned();
    let right = [(FORM_TOKEN, form_token.as_str()), ("token", token.as_str())];
    let let_in = ask(place, &mut cookies, Method::POST, "/sign-in", &right).await;
    assert_eq!((let_in.status, let_in.header("location")), (303, "/"), "{let_in:?}");
    assert!(cookies.contains_key("__Host-beacon"), "{cookies:?}");

    let list = ask(place, &mut cookies, Method::GET, "/", &[]).await;
    assert!(list.status == 200 && list.text().contains(&format!("href=\"{JOB}\"")), "{list:?}");
    let job = ask(place, &mut cookies, Method::GET, JOB, &[]).await;
    assert!(job.status == 200 && job.text().contains("completed"), "{job:?}");
    // What is compressed comes through the gateway as it was.
    let style = ask(place, &mut cookies, Method::GET, "/assets/portal.css", &[]).await;
    assert_eq!(style.header("content-encoding"), "gzip", "{style:?}");
    assert_eq!(style.body.get(..2), Some(&[0x1f, 0x8b][..]), "{style:?}");

    let cancel = format!("{JOB}/cancel");
    let forged = ask(place, &mut cookies, Method::POST, &cancel, &[(FORM_TOKEN, "0")]).await;
    assert_eq!(forged.status, 403, "{forged:?}");
    let ours = hidden(&list.text(), FORM_TOKEN);
    let kept = cookies.clone();
    let out =
        ask(place, &mut cookies, Method::POST, "/sign-out", &[(FORM_TOKEN, ours.as_str())]).await;
    assert_eq!((out.status, out.header("location")), (303, "/sign-in"), "{out:?}");
    // Whoever kept the cookie has nothing of it.
    let after = ask(place, &mut kept.clone(), Method::GET, "/", &[]).await;
    assert_eq!((after.status, after.header("location")), (303, "/sign-in"), "{after:?}");
    place.say(
        "portal: signed in with the stack's token, the list and the main job seen, signed out",
    );
}

/// A request of a browser that has these cookies, with a form's fields, and keeps those that it is given.
async fn ask(
    place: &mut Place,
    cookies: &mut Cookies,
    method: Method,
    path: &str,
    form: &[(&str, &str)],
) -> Shown {
    let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let shown = place.browse((method, path), &pairs.join("; "), form).await;
    for cookie in shown.headers.get_all("set-cookie") {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        cookies.insert(name.to_owned(), value.to_owned());
    }
    shown
}

/// What a hidden field of the page's first form holds.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("type=\"hidden\" name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&field).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}
