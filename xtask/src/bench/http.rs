//! As much HTTP/1.1 as a benchmark needs: messages with a length, over connections that stay open.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use super::beacon::TOKEN;

/// A request or an answer.
#[derive(Debug)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) first_line: String,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Reads one message; none where the other side closed the connection before it.
pub(crate) fn read(reader: &mut impl BufRead) -> io::Result<Option<Message>> {
    read_with(reader, |_name, _value| ())
}

/// The same, and tells each header.
pub(crate) fn read_with(
    reader: &mut impl BufRead,
    mut header: impl FnMut(&str, &str),
) -> io::Result<Option<Message>> {
    let mut first_line = String::new();
    if reader.read_line(&mut first_line)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        header(name, value.trim());
        if name.eq_ignore_ascii_case("content-length") {
            length =
                value.trim().parse().map_err(|_invalid| io::Error::from(ErrorKind::InvalidData))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(io::Error::new(ErrorKind::Unsupported, "a body without a length"));
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Message { first_line: first_line.trim_end().to_owned(), body }))
}

/// A connection to an API.
#[derive(Debug)]
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends a request and returns the body of its answer, which must be a success.
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Vec<u8>> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.reader.get_mut().write_all(&request)?;
        let answer = read(&mut self.reader)?.ok_or(ErrorKind::UnexpectedEof)?;
        let status = answer.first_line.split(' ').nth(1).unwrap_or_default();
        if status.starts_with('2') {
            Ok(answer.body)
        } else {
            Err(io::Error::other(format!("{method} {path}: HTTP {status}")))
        }
    }
}
