//! As much of a browser as the benchmark needs: it keeps cookies, takes gzip, and knows which files a page
//! names.

use std::collections::BTreeMap;
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use super::super::beacon::TOKEN;
use super::super::error::{BenchError, io, same};
use super::super::http::read_with;

/// What every form carries.
const FORM_TOKEN: &str = "form_token";

/// A connection that stays open, and the cookies that were given on it.
#[derive(Debug)]
pub(super) struct Browser {
    reader: BufReader<TcpStream>,
    host: String,
    cookies: BTreeMap<String, String>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) status: u16,
    /// Of the answer on the wire, its head included.
    pub(super) bytes: u64,
    /// From the first byte sent to the last one received.
    pub(super) took: Duration,
    body: Vec<u8>,
    is_gzip: bool,
}

impl Browser {
    /// One that has signed in with the benchmark's token.
    pub(super) fn sign_in(portal: SocketAddr) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(portal).map_err(io("the portal"))?;
        stream.set_nodelay(true).map_err(io("the portal"))?;
        let (reader, host) = (BufReader::new(stream), portal.to_string());
        let mut browser = Self { reader, host, cookies: BTreeMap::new() };
        let form = browser.get("/sign-in")?;
        same_status("/sign-in", 200, &form)?;
        let page = form.text()?;
        let field = format!("name=\"{FORM_TOKEN}\" value=\"");
        let value = page.split(field.as_str()).nth(1).and_then(|rest| rest.split('"').next());
        let sent = format!("{FORM_TOKEN}={}&token={TOKEN}", value.unwrap_or_default());
        let let_in = browser.ask("POST", "/sign-in", &sent)?;
        same_status("signing in", 303, &let_in)?;
        Ok(browser)
    }

    /// What is shown at an address.
    pub(super) fn get(&mut self, address: &str) -> Result<Shown, BenchError> {
        self.ask("GET", address, "")
    }

    /// Bytes of the files that a page names: its style, its scripts, its pictures.
    pub(super) fn files_of(&mut self, page: &Shown) -> Result<u64, BenchError> {
        let page = page.text()?;
        let named = page.split('"').filter(|text| text.starts_with("/assets/"));
        let named: std::collections::BTreeSet<&str> = named.collect();
        let mut bytes = 0;
        for file in named {
            let shown = self.get(file)?;
            same_status(file, 200, &shown)?;
            bytes += shown.bytes;
        }
        Ok(bytes)
    }

    fn ask(&mut self, method: &str, address: &str, form: &str) -> Result<Shown, BenchError> {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {address} HTTP/1.1\r\nhost: {}\r\naccept-encoding: gzip\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            self.host,
            cookies.join("; "),
            form.len()
        );
        let (begun, mut head, mut is_gzip) = (Instant::now(), 0, false);
        self.reader.get_mut().write_all(request.as_bytes()).map_err(io("the portal"))?;
        let message = read_with(&mut self.reader, |name, value| {
            // With a colon, a blank and the line's end.
            head += name.len() + value.len() + 4;
            is_gzip |= name.eq_ignore_ascii_case("content-encoding") && value == "gzip";
            let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
            if let (true, Some((cookie, value))) = (name.eq_ignore_ascii_case("set-cookie"), pair) {
                self.cookies.insert(cookie.to_owned(), value.to_owned());
            }
        });
        let took = begun.elapsed();
        let closed = || io("the portal")(ErrorKind::UnexpectedEof.into());
        let message = message.map_err(io("the portal"))?.ok_or_else(closed)?;
        let status = message.first_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        // With the ends of the first line and of the head.
        let bytes = message.first_line.len() + head + 4 + message.body.len();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let status = status.unwrap_or_default();
        Ok(Shown { status, bytes, took, body: message.body, is_gzip })
    }
}

impl Shown {
    fn text(&self) -> Result<String, BenchError> {
        let mut text = String::new();
        let read = if self.is_gzip {
            GzDecoder::new(self.body.as_slice()).read_to_string(&mut text)
        } else {
            self.body.as_slice().read_to_string(&mut text)
        };
        read.map_err(io("a page"))?;
        Ok(text)
    }
}

/// An error where an answer has another status.
pub(super) fn same_status(address: &str, status: u16, shown: &Shown) -> Result<(), BenchError> {
    let found = format!("{} at {address}", shown.status);
    same("the status", &format!("{status} at {address}"), &found)
}
