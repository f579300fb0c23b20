//! What a form holds, its file among it.

use std::fmt;

use beacon_core::spec::limit;
use lambda_http::Request;
use lambda_http::http::StatusCode;
use lambda_http::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode;
use thiserror::Error;

use crate::address::Method;
use crate::input::Input;

/// Bytes of a form: a whole specification, escaped.
const MAX_BYTES: usize = 2 * limit::SPEC_BYTES;
/// Bytes of the form that signs in, which anybody may send.
const MAX_SIGN_IN_BYTES: usize = 16 * 1024;
/// Of what separates the parts of a form (RFC 2046, section 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;
/// Fields of a form.
const MAX_FIELDS: usize = 2_000;
/// The field that names the files of a form that are no UTF-8. Such a file itself is not among the fields: read
/// as something else it would be another text.
pub(crate) const NOT_TEXT: &str = "not_text";

/// Bytes as people read them: no more than there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 / 1_000_000 {
            0 => write!(f, "{} kB", self.0 / 1000),
            megabytes => write!(f, "{megabytes} MB"),
        }
    }
}

/// A form that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NoForm {
    /// Too much.
    #[error("The form holds more than {most}. Nothing was changed.")]
    TooLarge {
        /// What is taken.
        most: Size,
    },
    /// Too many fields.
    #[error("The form holds more than {MAX_FIELDS} fields. Nothing was changed.")]
    TooMany,
    /// Not what a browser's form sends.
    #[error("What was sent is no form. Nothing was changed.")]
    Unreadable,
    /// No text.
    #[error("What was sent is not UTF-8. Nothing was changed.")]
    NotText,
}

impl NoForm {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } | Self::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotText => StatusCode::BAD_REQUEST,
        }
    }
}

/// What the request's form holds; nothing where only a page is asked for.
pub(crate) fn read(request: &Request, method: Method) -> Result<Input, NoForm> {
    match method {
        Method::Show => Ok(Input::default()),
        Method::Change => sent(request, MAX_BYTES),
    }
}

/// What the form that signs in holds.
pub(crate) fn sign_in(request: &Request) -> Result<Input, NoForm> {
    sent(request, MAX_SIGN_IN_BYTES)
}

fn sent(request: &Request, most: usize) -> Result<Input, NoForm> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > most {
        return Err(NoForm::TooLarge { most: Size(most) });
    }
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let sent = sent.unwrap_or_default();
    let kind = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-www-form-urlencoded" => {
            if body.split(|byte| *byte == b'&').nth(MAX_FIELDS).is_some() {
                return Err(NoForm::TooMany);
            }
            // What separates fields is ASCII, so that the whole is a text where each of them is one.
            percent_decode(body).decode_utf8().map_err(|_not_utf8| NoForm::NotText)?;
            Ok(Input::read(&String::from_utf8_lossy(body)))
        }
        "multipart/form-data" => parts(body, sent).map(Input::of),
        _ => Err(NoForm::Unreadable),
    }
}

/// The parts of a form that has a file, by name (RFC 7578).
fn parts(body: &[u8], sent: &str) -> Result<Vec<(String, String)>, NoForm> {
    let boundary = sent.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    let boundary = boundary.ok_or(NoForm::Unreadable)?.trim_matches('"');
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY_BYTES {
        return Err(NoForm::Unreadable);
    }
    let boundary = format!("--{boundary}");
    let (mut fields, mut count) = (Vec::new(), 0);
    let (_, mut rest) = split(body, boundary.as_bytes()).ok_or(NoForm::Unreadable)?;
    while !rest.starts_with(b"--") {
        if count == MAX_FIELDS {
            return Err(NoForm::TooMany);
        }
        count += 1;
        let (part, behind) = split(rest, boundary.as_bytes()).ok_or(NoForm::Unreadable)?;
        fields.extend(field(part)?);
        rest = behind;
    }
    Ok(fields)
}

/// The field that a part is. None where it is that of a file and nobody chose one: a browser sends it all the
/// same, as a file without name and content. One that was chosen and is empty has a name.
fn field(part: &[u8]) -> Result<Option<(String, String)>, NoForm> {
    let (head, content) = split(part, b"\r\n\r\n").ok_or(NoForm::Unreadable)?;
    let content = content.strip_suffix(b"\r\n").ok_or(NoForm::Unreadable)?;
    let head = String::from_utf8_lossy(head);
    let mut said = head.split(['\r', '\n', ';']).map(str::trim);
    let name = said
        .clone()
        .find_map(|said| said.strip_prefix("name=\"").and_then(|name| name.strip_suffix('"')));
    let name = name.ok_or(NoForm::Unreadable)?.to_owned();
    if content.is_empty() && said.clone().any(|said| said == "filename=\"\"") {
        return Ok(None);
    }
    match str::from_utf8(content) {
        Ok(text) => Ok(Some((name, text.to_owned()))),
        Err(_not_utf8) if said.any(|said| said.starts_with("filename=")) => {
            Ok(Some((NOT_TEXT.to_owned(), name)))
        }
        Err(_not_utf8) => Err(NoForm::NotText),
    }
}

/// What stands before the first `at`, and behind it.
fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(at.len()).position(|window| window == at)?;
    let (before, rest) = bytes.split_at(place);
    Some((before, rest.strip_prefix(at)?))
}

#[cfg(test)]
mod tests {
    use lambda_http::Body;

    use super::*;

    fn form(kind: &str, body: impl AsRef<[u8]>) -> Result<Input, NoForm> {
        let request = lambda_http::http::Request::builder().header(CONTENT_TYPE, kind);
        read(&request.body(Body::from(body.as_ref())).unwrap(), Method::Change)
    }

    #[test]
    fn a_file_is_a_field_as_any_other() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nA job\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"csv\"; filename=\"q.csv\"\r\n\
                    Content-Type: text/csv\r\n\r\nid,text\r\na,\"b\r\nc\"\r\n\r\n--x--\r\n";
        let read = form("multipart/form-data; boundary=x", body).unwrap();
        assert_eq!(read.raw("name"), Some("A job"));
        assert_eq!(read.raw("csv"), Some("id,text\r\na,\"b\r\nc\"\r\n"));
    }

    #[test]
    fn a_file_that_nobody_chose_is_no_field_and_an_empty_one_is() {
        let read = |filename: &str| {
            let body = format!(
                "--x\r\nContent-Disposition: form-data; name=\"csv_file\"; filename=\"{filename}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
            );
            form("multipart/form-data; boundary=x", body).unwrap()
        };
        assert_eq!(read("").raw("csv_file"), None);
        assert_eq!(read("q.csv").raw("csv_file"), Some(""));
    }

    #[test]
    fn sizes_are_told_as_people_read_them() {
        let told = [MAX_BYTES, MAX_SIGN_IN_BYTES].map(|most| NoForm::TooLarge { most: Size(most) });
        let [of_form, of_sign_in] = told.map(|told| told.to_string());
        assert!(of_form.starts_with("The form holds more than 6 MB."), "{of_form}");
        assert!(of_sign_in.starts_with("The form holds more than 16 kB."), "{of_sign_in}");
    }

    #[test]
    fn what_is_no_utf_8_becomes_no_other_text() {
        let part = |head: &str| {
            let head = format!("--x\r\nContent-Disposition: form-data; name=\"csv\"{head}\r\n\r\n");
            [head.as_bytes(), b"id,text\na,caf\xe9\n\r\n--x--\r\n"].concat()
        };
        let file = form("multipart/form-data; boundary=x", part("; filename=\"q.csv\"")).unwrap();
        assert_eq!((file.raw("csv"), file.raw(NOT_TEXT)), (None, Some("csv")));
        let typed = form("multipart/form-data; boundary=x", part(""));
        assert_eq!(typed, Err(NoForm::NotText));
        for body in [&b"note=caf%E9"[..], b"note=caf\xe9"] {
            assert_eq!(form("application/x-www-form-urlencoded", body), Err(NoForm::NotText));
        }
        let read = form("application/x-www-form-urlencoded", "note=caf%C3%A9&b=%26").unwrap();
        assert_eq!((read.raw("note"), read.raw("b")), (Some("café"), Some("&")));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for (kind, body) in [
            ("application/json", "{}"),
            ("", "a=b"),
            ("multipart/form-data", "--x--"),
            (
                "multipart/form-data; boundary=x",
                "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb",
            ),
            ("multipart/form-data; boundary=x", "--x\r\nno name\r\n\r\nb\r\n--x--"),
        ] {
            assert_eq!(form(kind, body), Err(NoForm::Unreadable), "{kind} {body}");
        }
        let large = "x".repeat(MAX_BYTES + 1);
        let most = Size(MAX_BYTES);
        assert_eq!(
            form("application/x-www-form-urlencoded", &large),
            Err(NoForm::TooLarge { most })
        );
        let boundary = "x".repeat(MAX_BOUNDARY_BYTES + 1);
        let kind = format!("multipart/form-data; boundary={boundary}");
        let body = format!("--{boundary}--\r\n");
        assert_eq!(form(&kind, body), Err(NoForm::Unreadable));
        let request = lambda_http::http::Request::builder()
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from("x".repeat(MAX_SIGN_IN_BYTES + 1)));
        let most = Size(MAX_SIGN_IN_BYTES);
        assert_eq!(sign_in(&request.unwrap()), Err(NoForm::TooLarge { most }));
    }

    #[test]
    fn as_many_fields_as_are_read_are_taken_and_one_more_is_refused() {
        let part = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n";
        let parted = |fields| format!("{}--x--\r\n", part.repeat(fields));
        let encoded = |fields| vec!["a=b"; fields].join("&");
        for (kind, body) in [
            ("multipart/form-data; boundary=x", &parted as &dyn Fn(usize) -> String),
            ("application/x-www-form-urlencoded", &encoded),
        ] {
            let read = form(kind, body(MAX_FIELDS)).unwrap();
            assert_eq!(read.all("a").count(), MAX_FIELDS, "{kind}");
            assert_eq!(form(kind, body(MAX_FIELDS + 1)), Err(NoForm::TooMany), "{kind}");
        }
    }
}
